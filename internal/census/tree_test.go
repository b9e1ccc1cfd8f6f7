package census_test

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/census"
)

// nobody hears of failures.
type nobody struct{}

func (nobody) ActorFailed(actor.Context, any, []byte) {}

// child fails when it is told to, and says each time that it starts.
type child struct{ starts chan struct{} }

func (c *child) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		c.starts <- struct{}{}
	case string:
		panic(errActor)
	}
}

// parent decides about its child when it is let.
type parent struct {
	tree   *census.Tree
	starts chan struct{}
	decide chan func(actor.Supervisor, *actor.PID)
}

func (p *parent) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(*actor.Started); ok {
		props := actor.PropsFromProducer(func() actor.Actor { return &child{p.starts} },
			actor.WithMailbox(p.tree.Mailbox("child", actor.Unbounded(), nobody{})))
		if _, err := ctx.SpawnNamed(props, "child"); err != nil {
			panic(err)
		}
	}
}

// HandleFailure implements actor.SupervisorStrategy.
func (p *parent) HandleFailure(_ *actor.ActorSystem, s actor.Supervisor, who *actor.PID, _ *actor.RestartStatistics, _, _ any) {
	(<-p.decide)(s, who)
}

func restart(s actor.Supervisor, who *actor.PID) { s.RestartChildren(who) }
func resume(s actor.Supervisor, who *actor.PID)  { s.ResumeChildren(who) }
func stop(s actor.Supervisor, who *actor.PID)    { s.StopChildren(who) }

// family is a parent and its child in a tree.
type family struct {
	*parent
	system *actor.ActorSystem
}

func newFamily(t *testing.T) *family {
	t.Helper()
	f := &family{
		parent: &parent{tree: &census.Tree{}, starts: make(chan struct{}, 10), decide: make(chan func(actor.Supervisor, *actor.PID), 10)},
		system: actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) })),
	}
	props := actor.PropsFromProducer(func() actor.Actor { return f.parent },
		actor.WithMailbox(f.tree.Mailbox("parent", actor.Unbounded(), nobody{})))
	pid, err := f.system.Root.SpawnNamed(props, "parent")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.system.Root.StopFuture(pid).Wait(); err != nil {
			t.Error(err)
		}
	})
	await(t, "the child to start", f.starts)
	return f
}

const childPath = "parent/child"

// look is the child, which has to be in the tree.
func (f *family) look(t *testing.T) census.Actor {
	t.Helper()
	a, err := f.tree.Actor(childPath)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A failure by request takes the way of a panic: through the parent, who restarts
// the child, resumes it or stops it.
func TestFailIsAFailure(t *testing.T) {
	f := newFamily(t)
	if a := f.look(t); a.State != census.Running || a.Restarts != 0 || a.Failure != nil || a.Kind != "child" {
		t.Errorf("got %+v; want a child that runs and has never failed", a)
	}
	for n, decide := range []func(actor.Supervisor, *actor.PID){restart, resume, restart} {
		cause := errors.New("asked for")
		settled, err := f.tree.Fail(childPath, cause)
		if err != nil {
			t.Fatal(err)
		}
		if a := f.look(t); a.State != census.Failed || !errors.Is(a.Failure, cause) {
			t.Errorf("got %+v; want a child that has failed as asked for", a)
		}
		if _, err := f.tree.Fail(childPath, cause); !errors.Is(err, census.ErrUnderWay) {
			t.Errorf("failing again: got %v; want ErrUnderWay", err)
		}
		f.decide <- decide
		await(t, "the child to be brought back", settled)
		if n != 1 {
			await(t, "the child to start anew", f.starts)
		}
		if a := f.look(t); a.State != census.Running || a.Restarts != uint64(n+1) || !errors.Is(a.Failure, cause) || a.FailedAt.IsZero() {
			t.Errorf("got %+v; want it to run, after %d restarts", a, n+1)
		}
	}
	settled, err := f.tree.Fail(childPath, errActor)
	if err != nil {
		t.Fatal(err)
	}
	f.decide <- stop
	await(t, "the child to stop", settled)
	for _, look := range []func() error{
		func() error { _, err := f.tree.Actor(childPath); return err },
		func() error { _, err := f.tree.Fail(childPath, errActor); return err },
	} {
		if err := look(); !errors.Is(err, census.ErrEnded) {
			t.Errorf("of one that has ended: got %v; want ErrEnded", err)
		}
	}
	if len(f.starts) > 0 {
		t.Error("the child was started after it had stopped")
	}
}

// A panic is in the tree, and whoever asks for a failure then comes too late.
func TestTreeSeesPanics(t *testing.T) {
	f := newFamily(t)
	who := f.system.NewLocalPID(childPath)
	f.system.Root.Send(who, "fail")
	eventually(t, "the failure to be known", func() bool { return f.look(t).State == census.Failed })
	if a := f.look(t); !errors.Is(a.Failure, errActor) {
		t.Errorf("got %+v; want its panic", a)
	}
	f.system.Root.Send(who, 1)
	eventually(t, "its mail to be counted", func() bool { return f.look(t).Mailbox == 1 })
	if _, err := f.tree.Fail(childPath, errActor); !errors.Is(err, census.ErrUnderWay) {
		t.Errorf("got %v; want ErrUnderWay", err)
	}
	f.decide <- restart
	await(t, "the child to start anew", f.starts)
	eventually(t, "its restart to be known", func() bool { a := f.look(t); return a.Restarts == 1 && a.State == census.Running })
}

func TestTreeRefuses(t *testing.T) {
	f := newFamily(t)
	for path, want := range map[string]error{
		"": census.ErrUnknown, "parent/other": census.ErrUnknown, "child": census.ErrUnknown, "parent": census.ErrRoot,
	} {
		if _, err := f.tree.Fail(path, errActor); !errors.Is(err, want) {
			t.Errorf("%q: got %v; want %v", path, err, want)
		}
	}
	var paths []string
	for _, a := range f.tree.Actors() {
		paths = append(paths, a.Path)
	}
	if got := strings.Join(paths, " "); got != "parent parent/child" {
		t.Errorf("got the actors %q; want the two", got)
	}
}

// guest is a member of a roll.
type guest struct {
	census.Entry
	name int
}

// A roll has those who came and did not leave, whatever the order, while others
// look.
func TestRoll(t *testing.T) {
	var r census.Roll[*guest]
	rng := rand.New(rand.NewPCG(1, 2))
	var want, gone []*guest
	looked := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(looked)
		for {
			select {
			case <-over:
				return
			default:
				seen := make(map[*guest]bool)
				for _, g := range r.All() {
					if g == nil || seen[g] {
						t.Error("somebody is on the roll twice, or nobody once")
						return
					}
					seen[g] = true
				}
			}
		}
	}()
	for i := range 20_000 {
		// First they come, then they go.
		if stay := i < 10_000; len(want) == 0 || rng.IntN(10) < 3 || stay && rng.IntN(10) < 5 {
			g := &guest{name: i}
			r.Enter(g)
			want = append(want, g)
			continue
		}
		n := rng.IntN(len(want))
		r.Leave(want[n])
		gone = append(gone, want[n])
		want = slices.Delete(want, n, n+1)
		r.Leave(gone[rng.IntN(len(gone))]) // again
	}
	close(over)
	<-looked
	byName := func(a, b *guest) int { return a.name - b.name }
	got := slices.SortedFunc(slices.Values(r.All()), byName)
	slices.SortFunc(want, byName)
	if len(gone) < 5000 || !slices.Equal(got, want) {
		t.Errorf("%d are there; want %d, after %d have left", len(got), len(want), len(gone))
	}
}

// Many come and go at once.
func TestRollConcurrently(t *testing.T) {
	var r census.Roll[*guest]
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				g := &guest{}
				r.Enter(g)
				r.Leave(g)
			}
			r.Enter(&guest{})
		})
	}
	all.Wait()
	if n := len(r.All()); n != 8 {
		t.Errorf("%d are there; want 8", n)
	}
}
