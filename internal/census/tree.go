package census

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// State is how an actor fares.
type State string

const (
	// Running takes messages.
	Running State = "running"
	// Failed waits for its parent to bring it back.
	Failed State = "failed"
	// Stopping was told to stop, and waits for its children.
	Stopping State = "stopping"
)

// Actor is one actor as it was at some moment.
type Actor struct {
	Path  string // of names, from the root, with slashes between
	Kind  string
	State State
	Since time.Time // when it was started, or brought back last
	// Restarts is how often its parent brought it back, after a failure or not.
	Restarts uint64
	Failure  error     // the last; nil: none
	FailedAt time.Time // when
	Mailbox  int       // messages that wait
}

var (
	// ErrUnknown says that no actor of that path is alive.
	ErrUnknown = errors.New("there is no such actor")
	// ErrEnded is ErrUnknown of an actor that was there a short while ago.
	ErrEnded = errors.New("this actor has ended")
	// ErrUnderWay says that the actor has failed already, and will be brought back.
	ErrUnderWay = errors.New("it is about to be restarted already")
	// ErrRoot says that the actor has no parent who could restart it.
	ErrRoot = errors.New("the root of the tree has no parent to restart it")
)

// Tree knows the actors of a system that are alive. They enter with the mailboxes
// that it makes, and leave as they stop. Whoever looks stops nobody: no actor is
// asked. Its methods may be called from any goroutine. The zero value is ready.
type Tree struct {
	mu     sync.Mutex
	actors map[string]*node // by path; guarded by mu
	// How often actors of a kind were brought back, those that have ended included;
	// guarded by mu.
	restarts map[string]uint64
	// Of those that have ended, the paths of the last; guarded by mu.
	ended [64]string
	next  int // where in ended the next one goes; guarded by mu
}

// node is one actor. All but what identifies it is guarded by the tree's mutex.
type node struct {
	tree   *Tree
	who    actor.Context
	inner  actor.Mailbox
	kind   string
	state  State
	since  time.Time
	times  uint64 // it was brought back
	cause  error
	at     time.Time
	settle []chan struct{} // closed when it is brought back or has stopped
}

// Mailbox is the Mailbox of an actor that the tree is to know, which is of a kind.
func (t *Tree) Mailbox(kind string, inner actor.MailboxProducer, o Observer) actor.MailboxProducer {
	return func() actor.Mailbox {
		held := inner()
		return &mailbox{Mailbox: held, observer: o, node: &node{tree: t, inner: held, kind: kind}}
	}
}

// Actors are all that are alive, by their paths.
func (t *Tree) Actors() []Actor {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Actor, 0, len(t.actors))
	for path, n := range t.actors {
		all = append(all, n.describe(path))
	}
	slices.SortFunc(all, func(a, b Actor) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// Restarts is how often actors of a kind were brought back, by kind. It only grows.
func (t *Tree) Restarts() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.restarts)
}

// Actor is one of them. The error is ErrUnknown or ErrEnded.
func (t *Tree) Actor(path string) (Actor, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.find(path)
	if err != nil {
		return Actor{}, err
	}
	return n.describe(path), nil
}

// find is called with the mutex held.
func (t *Tree) find(path string) (*node, error) {
	switch n := t.actors[path]; {
	case n != nil:
		return n, nil
	case path != "" && slices.Contains(t.ended[:], path):
		return nil, ErrEnded
	}
	return nil, ErrUnknown
}

func (n *node) describe(path string) Actor {
	return Actor{
		Path: path, Kind: n.kind, State: n.state, Since: n.since, Restarts: n.times,
		Failure: n.cause, FailedAt: n.at, Mailbox: n.inner.UserMessageCount(),
	}
}

// Fail has an actor fail, as a panic of its own would: its mailbox is suspended,
// and its parent decides by the strategy that it has for failures. What is in the
// actor's turn at that moment is finished first. The channel is closed once it was
// brought back or has stopped. The error is ErrUnknown, ErrEnded, ErrUnderWay or
// ErrRoot; then nothing was done.
func (t *Tree) Fail(path string, cause error) (settled <-chan struct{}, err error) {
	n, settle, err := t.condemn(path, cause)
	if err != nil {
		return nil, err
	}
	system, child, parent := n.who.ActorSystem(), n.who.Self(), n.who.Parent()
	tell := func(to *actor.PID, msg any) {
		if process, alive := system.ProcessRegistry.Get(to); alive {
			process.SendSystemMessage(to, msg)
		}
	}
	// What protoactor does after a panic, in its order.
	tell(child, &actor.SuspendMailbox{})
	tell(parent, &actor.Failure{Who: child, Reason: cause, RestartStats: actor.NewRestartStatistics()})
	return settle, nil
}

// condemn notes a failure that nobody has noted yet.
func (t *Tree) condemn(path string, cause error) (n *node, settle chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err = t.find(path)
	switch {
	case err != nil:
		return nil, nil, err
	case !strings.Contains(path, "/"):
		return nil, nil, ErrRoot
	case n.state == Failed:
		return nil, nil, ErrUnderWay
	case n.state == Stopping:
		return nil, nil, ErrEnded
	}
	settle = make(chan struct{})
	n.settle = append(n.settle, settle)
	n.state, n.cause, n.at = Failed, cause, time.Now()
	return n, settle, nil
}

// enter is told that the actor exists.
func (n *node) enter(who actor.Context) {
	n.tree.mu.Lock()
	defer n.tree.mu.Unlock()
	n.who, n.state, n.since = who, Running, time.Now()
	if n.tree.actors == nil {
		n.tree.actors = make(map[string]*node)
	}
	n.tree.actors[who.Self().Id] = n
}

// failed is told of a failure.
func (n *node) failed(cause error) {
	n.tree.mu.Lock()
	defer n.tree.mu.Unlock()
	n.state, n.cause, n.at = Failed, cause, time.Now()
}

// stopping is told that the actor is about to stop.
func (n *node) stopping() {
	n.tree.mu.Lock()
	defer n.tree.mu.Unlock()
	n.state = Stopping
}

// broughtBack is told that the actor goes on. after says that this matters only if
// it has failed.
func (n *node) broughtBack(after State) {
	n.tree.mu.Lock()
	defer n.tree.mu.Unlock()
	if n.state == Stopping || after == Failed && n.state != Failed {
		return
	}
	n.state, n.since = Running, time.Now()
	n.times++
	if n.tree.restarts == nil {
		n.tree.restarts = make(map[string]uint64)
	}
	n.tree.restarts[n.kind]++
	n.release()
}

// leave is told that the actor has stopped. Its name may be another's by now.
func (n *node) leave() {
	t, path := n.tree, n.who.Self().Id
	t.mu.Lock()
	defer t.mu.Unlock()
	n.release()
	if t.actors[path] == n {
		delete(t.actors, path)
		t.ended[t.next] = path
		t.next = (t.next + 1) % len(t.ended)
	}
}

func (n *node) release() {
	for _, one := range n.settle {
		close(one)
	}
	n.settle = nil
}
