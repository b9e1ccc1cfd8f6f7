package actors

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// bubbles and their histories: a tree costs more than a history does.
const (
	bubbles          = 20
	historiesPerTree = 50
	clientsInHistory = 24
	slotsInHistory   = 16
)

// TestTreeHistories: whatever clients do and whatever fails meanwhile, each client
// that was accepted ends once, for one reason, and is counted once; nothing of it
// is left.
func TestTreeHistories(t *testing.T) {
	seen := make(map[Reason]int)
	for n := range bubbles {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistories(t, seed)
				for range historiesPerTree {
					h.run()
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
				for _, o := range h.ends {
					seen[o.Reason]++
				}
			})
		})
	}
	for _, r := range []Reason{ReasonNone, ReasonInternal, ReasonNoResources, ReasonHandshakeTimeout, ReasonEndedByAdmin, ReasonShutdown,
		ReasonSourceUnplumbed, ReasonRefused, ReasonNoPort, ReasonProtocol, ReasonClientLeft, ReasonClientLeftDialing} {
		if seen[r] == 0 {
			t.Errorf("no session ended for reason %v; got %v", r, seen)
		}
	}
}

// histories are those of one tree.
type histories struct {
	t   *testing.T
	rng *rand.Rand
	mem *memory
	tr  *tree
	log []string // of the present history

	all []*memoryConn

	mu   sync.Mutex
	ends map[uint64]Outcome
	lost []string // what must not be
}

func newHistories(t *testing.T, seed uint64) *histories {
	// The library's count of dead letters lives for a second after one; this is the
	// last cleanup.
	t.Cleanup(func() { <-time.After(2 * time.Second) })
	h := &histories{t: t, rng: rand.New(rand.NewPCG(seed, 1)), mem: newMemory(), ends: map[uint64]Outcome{}}
	h.tr = startTree(t, func(s *setup) {
		s.listeners = []policy.Listener{h.listener()}
		s.slots = slotsInHistory
		s.network = &wire{Network: h.mem, conns: map[netip.AddrPort]*connection{}}
		s.sessions = h
	})
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 2))
	h.tr.setTap(func(k Kind, m any) {
		mu.Lock()
		defer mu.Unlock()
		if k == KindConnection && rng.IntN(200) == 0 {
			panic(errInjected)
		}
	})
	return h
}

// listener is the one that there is, on other terms each time.
func (h *histories) listener() policy.Listener {
	l := anyListener()
	l.Listen, l.Timeout = "192.0.2.1:1080", time.Minute+time.Duration(h.rng.IntN(10))*time.Second
	return l
}

func (h *histories) Wants() bool { return true }

// SessionEnded implements SessionObserver.
func (h *histories) SessionEnded(s *EndedSession) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, twice := h.ends[s.ID]; twice {
		h.lost = append(h.lost, fmt.Sprintf("session %x has ended twice", s.ID))
	}
	if failed := s.Outcome.Class == Failed; failed != (s.Outcome.Reason != ReasonNone) {
		h.lost = append(h.lost, fmt.Sprintf("session %x: class %v for reason %v", s.ID, s.Outcome.Class, s.Outcome.Reason))
	}
	h.ends[s.ID] = s.Outcome
}

// run is one history: clients come, something fails, and all must be gone.
func (h *histories) run() {
	h.log, h.all = nil, nil
	var clients sync.WaitGroup
	for n := range clientsInHistory {
		c := newMemoryConn(h.script(n))
		h.all = append(h.all, c)
		steps := h.steps(c)
		clients.Go(func() { play(steps) })
	}
	for range h.rng.IntN(6) {
		<-time.After(h.moment())
		h.fail()
	}
	clients.Wait()
	<-time.After(5 * time.Minute) // every deadline of a handshake
	h.endAll()
	<-time.After(time.Minute)
	synctest.Wait()
	h.check()
}

func (h *histories) note(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf(format, args...))
}

// moment is short, or long enough for a deadline.
func (h *histories) moment() time.Duration {
	if h.rng.IntN(10) == 0 {
		return time.Duration(h.rng.IntN(90)) * time.Second
	}
	return time.Duration(h.rng.IntN(500)) * time.Millisecond
}

func (h *histories) script(n int) memoryScript {
	s := memoryScript{client: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.1"), uint16(1000+n)), dials: h.moment()}
	if h.rng.IntN(3) == 0 {
		s.refuses = []error{syscall.ECONNREFUSED, syscall.ETIMEDOUT, syscall.EADDRNOTAVAIL, syscall.EMFILE}[h.rng.IntN(4)]
	}
	return s
}

// step is something that a client does after a while.
type step struct {
	after time.Duration
	do    func()
}

func play(steps []step) {
	for _, s := range steps {
		<-time.After(s.after)
		s.do()
	}
}

// steps are a session, cut off anywhere.
func (h *histories) steps(c *memoryConn) []step {
	upstream := netip.MustParseAddrPort("203.0.113.25:25")
	said := [][]byte{greetNone}
	switch h.rng.IntN(5) {
	case 0:
		said = append(said, request(2, netip.MustParseAddrPort("192.0.2.77:0"))) // unplumbed
	case 1:
		said = append(said, request(2, netip.MustParseAddrPort("192.0.2.1:0")), request(1, upstream))
	case 2:
		said = [][]byte{[]byte("GET / HTTP/1.1\r\n\r\n")}
	default:
		said = append(said, request(1, upstream), []byte("early data"))
	}
	said = append(said, []byte("EHLO\r\n"), []byte("QUIT\r\n"))
	steps := []step{{h.moment(), func() { h.mem.come(c) }}}
	for _, p := range said[:h.rng.IntN(len(said)+1)] {
		steps = append(steps, step{h.moment(), func() { c.say(p) }})
	}
	if h.rng.IntN(4) > 0 { // else it stays
		reset := h.rng.IntN(2) == 0
		steps = append(steps, step{h.moment(), func() { c.leave(reset) }})
	}
	return steps
}

// fail has a part of the tree fail, or an operator step in.
func (h *histories) fail() {
	ctx := h.t.Context()
	switch n := h.rng.IntN(11); n {
	case 0:
		h.note("serving ends")
		h.mem.fault <- syscall.EMFILE
	case 1:
		h.note("the socket is dead")
		h.mem.fault <- transport.ErrListenerDead
	case 2:
		h.note("the transport panics")
		h.mem.fault <- errMemoryPanic
	case 3, 4, 5, 6:
		name := []string{"", "metrics", h.tr.listenerName(), h.tr.listenerName() + "/acceptor"}[n-3]
		h.note("boom for %q", name)
		h.tr.send(name, &boom{})
	case 7:
		h.note("a restart")
		_, _ = h.tr.sys.Restart(ctx, "supervisor/"+h.tr.listenerName()+"/acceptor", "the test")
	case 8:
		h.note("a reload")
		_, err := h.tr.sys.Reload(ctx, &policy.Policy{Listeners: []policy.Listener{h.listener()}})
		must(h.t, err)
	case 9:
		h.note("a drain")
		_, err := h.tr.sys.Drain(ctx, "", h.moment(), "the test")
		must(h.t, err)
		<-time.After(h.moment())
		_, err = h.tr.sys.Undrain(ctx, "", "the test")
		must(h.t, err)
	default:
		h.note("a kill")
		for s := range h.tr.sys.Sessions() {
			h.tr.sys.EndSessions([]uint64{s.ID}, "the test")
			break
		}
	}
}

// endAll ends the sessions whose clients stay.
func (h *histories) endAll() {
	var ids []uint64
	for s := range h.tr.sys.Sessions() {
		ids = append(ids, s.ID)
	}
	h.tr.sys.EndSessions(ids, "the test")
}

// check is called when nothing moves any more.
func (h *histories) check() {
	h.t.Helper()
	f := gather(h.t, h.tr.reg)
	accepted := f.sum("proxy_connections_accepted_total")
	ended := f.sum("proxy_connections_completed_total") + f.sum("proxy_connections_failed_total") + f.sum("proxy_connections_probed_total")
	if accepted != ended || f.sum("proxy_active_connections") != 0 {
		h.t.Errorf("%v were accepted, %v ended, %v are active\n%v", accepted, ended, f.sum("proxy_active_connections"), h.log)
	}
	for _, c := range h.all {
		select {
		case <-c.ended:
		case <-c.refused: // with the socket's queue
		default:
			h.t.Errorf("the session of %v has not ended\n%v", c.script.client, h.log)
		}
	}
	if left := slices.Collect(h.tr.sys.Sessions()); len(left) > 0 || len(h.tr.slots.free) > 0 {
		h.t.Errorf("%d sessions and %d slots are left\n%v", len(left), len(h.tr.slots.free), h.log)
	}
	root, err := h.tr.sys.Tree(TreeQuery{Depth: -1, Budget: 100})
	must(h.t, err)
	if s := fmt.Sprintf("%+v", root); strings.Contains(s, "/$") {
		h.t.Errorf("a connection's actor is left: %s\n%v", s, h.log)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if float64(len(h.ends)) != accepted {
		h.t.Errorf("%d sessions were reported, %v accepted\n%v", len(h.ends), accepted, h.log)
	}
	for _, wrong := range h.lost {
		h.t.Error(wrong)
	}
}
