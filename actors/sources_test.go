package actors

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/source"
)

// withSources has one listener whose clients may use these.
func withSources(texts ...string) func(*setup) {
	return func(s *setup) {
		for _, text := range texts {
			n, err := rules.ParseNetwork(text)
			if err != nil {
				panic(err)
			}
			s.listeners[0].Rules.AllowSources = append(s.listeners[0].Rules.AllowSources, n)
		}
	}
}

func (tr *tree) sources() map[string]SourceStatus {
	all := make(map[string]SourceStatus)
	for _, s := range tr.sys.Sources() {
		all[s.Address.String()] = s
	}
	return all
}

func (tr *tree) changeSources(network string, s source.Standing, d time.Duration) HeldSources {
	tr.t.Helper()
	done, err := tr.sys.ChangeSources(tr.t.Context(), source.Change{
		Network: netip.MustParsePrefix(network), Standing: s, For: d, By: "ann", Reason: "listed",
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	return done
}

// sourceActors are those that are alive.
func (tr *tree) sourceActors() (names []string, left int) {
	root, err := tr.sys.Tree(TreeQuery{Path: "supervisor/sources", Depth: 1, Budget: 3})
	if err != nil {
		tr.t.Fatal(err)
	}
	for _, c := range root.Children {
		names = append(names, strings.TrimPrefix(c.Path, "supervisor/sources/"))
	}
	return names, root.Sources
}

// TestSourcesHaveActors: one for each that the policy names, also after the sources
// actor has failed, and what was decided is not forgotten.
func TestSourcesHaveActors(t *testing.T) {
	tr := startTree(t, withSources("127.0.0.2", "127.0.0.3", "192.0.2.0/30"))
	eventually(t, "the actors", func() bool { names, left := tr.sourceActors(); return len(names) == 3 && left == 1 })
	done := tr.changeSources("127.0.0.2/32", source.Paused, 0)
	if len(done.Sources) != 1 || !errors.Is(done.Unkept, source.ErrNoStore) {
		t.Errorf("got %+v; want one source, and why it is not kept", done)
	}
	tr.send(sourcesName, &boom{})
	eventually(t, "the actors to be back", func() bool {
		n, err := tr.sys.Tree(TreeQuery{Path: "supervisor/sources", Depth: 1, Budget: 10})
		return err == nil && n.Restarts == 1 && len(n.Children) == 4
	})
	tr.send(sourcesName+"/source-127.0.0.3", &boom{})
	eventually(t, "the source to go on", func() bool {
		n, err := tr.sys.Tree(TreeQuery{Path: "supervisor/sources/source-127.0.0.3", Budget: 1})
		return err == nil && n.Failure != nil && n.State == "running"
	})
	if got := tr.sources()["127.0.0.2"]; !got.Paused() || got.Hold.By != "ann" {
		t.Errorf("got %+v; want it paused still", got)
	}
	tr.changeSources("127.0.0.0/8", source.Serving, 0)
	if got := tr.sources()["127.0.0.2"]; got.Hold.Standing != source.Serving {
		t.Errorf("got %v; want it resumed", got.Hold)
	}
}

// TestPauseEnds when its time is up, with nobody asking.
func TestPauseEnds(t *testing.T) {
	tr := startTree(t, withSources("127.0.0.2"))
	tr.changeSources("127.0.0.2/32", source.Paused, time.Second)
	eventually(t, "the pause to be over", func() bool { return len(tr.sys.config.Sources.Holds(time.Time{})) == 0 })
}

// TestSourcesAreCounted, with the sessions that relay and those that end.
func TestSourcesAreCounted(t *testing.T) {
	tr := startTree(t, withSources("127.0.0.2", "127.0.0.3"))
	up := echo(t)
	c := tr.mustDial()
	must(t, c.greet())
	for _, b := range [][]byte{request(2, netip.MustParseAddrPort("127.0.0.2:0")), request(1, up)} {
		if code, err := c.ask(b); code != 0 || err != nil {
			t.Fatalf("got %d, %v; want it granted", code, err)
		}
	}
	eventually(t, "the session", func() bool { return tr.sources()["127.0.0.2"].Sessions == 1 })
	got := tr.sources()["127.0.0.2"]
	if connected, tried := got.Tried(); connected != 1 || tried != 1 || got.LastSuccess.IsZero() || got.PortsUsed <= 0 {
		t.Errorf("got %+v; want one dial, connected", got)
	}
	must(t, c.finish())
	eventually(t, "its end", func() bool { return tr.sources()["127.0.0.2"].Sessions == 0 })
	if other := tr.sources()["127.0.0.3"]; other.Sessions != 0 || !other.LastSuccess.IsZero() {
		t.Errorf("got %+v; want nothing of the other", other)
	}
}

// TestFlaps: the log is told of a few changes in a row, and again once it was calm.
func TestFlaps(t *testing.T) {
	var f flaps
	now := time.Unix(1_000_000, 0)
	said, last := 0, 0
	for range 1000 {
		now = now.Add(10 * time.Millisecond)
		say, final := f.change(now)
		if say {
			said++
		}
		if final {
			last++
		}
	}
	if said != flapMost || last != 1 {
		t.Errorf("got %d told, %d of them the last; want %d and 1", said, last, flapMost)
	}
	if say, final := f.change(now.Add(flapCalm)); !say || final {
		t.Error("got a change not told after a time of calm")
	}
}

// TestThousandSources have room in 4 MiB, their actors included.
func TestThousandSources(t *testing.T) {
	if os.Getenv("TROUPE_MEASURE") == "" {
		t.Skip("a measurement; TROUPE_MEASURE=1 runs it")
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	tr := startTree(t)
	before := heap()
	var all []netip.Prefix
	for i := range 1000 {
		all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32))
	}
	tr.sys.config.Sources.Know(all)
	eventually(t, "a thousand actors", func() bool { names, left := tr.sourceActors(); return len(names)+left == 1000 })
	after := heap()
	t.Logf("%d bytes for 1,000 sources", after-before)
	if got := after - before; got > 4<<20 {
		t.Errorf("got %d bytes for 1,000 sources; want at most 4 MiB", got)
	}
}
