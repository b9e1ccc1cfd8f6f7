package web

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/history"
	"github.com/troupe-proxy/troupe/web/pages"
)

// scene is a proxy for a browser to look at: a test changes what it plays.
type scene struct {
	mu       sync.Mutex
	failing  bool // the second listener does not accept
	drained  bool // neither does, by request
	sessions map[uint64]Session
	filter   string
	reload   pages.Reload
	held     map[netip.Addr]SourceChange
}

const (
	sceneFirst  = "127.0.0.1:1080"
	sceneSecond = "192.0.2.1:1080"
)

// newScene has so many sessions.
func newScene(sessions int) *scene {
	s := &scene{filter: "info", sessions: make(map[uint64]Session), held: make(map[netip.Addr]SourceChange)}
	for i := range sessions {
		id := uint64(i + 1)
		s.sessions[id] = Session{
			ID: id, Listener: sceneFirst, User: "mta-" + fmt.Sprint(i%7), Phase: "relaying", WaitsForUpstream: i%3 == 0,
			Client:      netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 40000),
			Source:      netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i % 200)}), uint16(20000+i)),
			Destination: netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 250)}), 25),
			Since:       time.Now().Add(-time.Duration(i) * time.Second), Idle: time.Duration(i%60) * time.Second,
			Received: uint64(i) * 1234, Sent: uint64(i) * 77,
		}
	}
	return s
}

// set changes what is played.
func (s *scene) set(change func(*scene)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *scene) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	second := ListenerStatus{Listener: sceneSecond, Accepting: !s.failing, Since: started, Restarts: 2}
	if s.failing {
		second.Failure = "listen tcp 192.0.2.1:1080: bind: cannot assign requested address"
	}
	first := ListenerStatus{Listener: sceneFirst, Accepting: !s.drained, Drained: s.drained, Since: started}
	if s.drained {
		first.Failure = "drained by request of the test"
	}
	return Status{[]ListenerStatus{first, second}}
}

func (s *scene) all() iter.Seq[Session] {
	return func(yield func(Session) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, one := range s.sessions {
			if !yield(one) {
				return
			}
		}
	}
}

func (s *scene) end(ids []uint64, _ string) (e Ended) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		one, open := s.sessions[id]
		switch {
		case !open:
			continue
		case one.WaitsForUpstream:
			e.WaitingForUpstream++
		default:
			e.WaitingForClient++
		}
		delete(s.sessions, id)
	}
	return e
}

func (s *scene) setFilter(text string) error {
	if text == "nonsense" {
		return errors.New(`parsing log filter "nonsense": expected a level`)
	}
	s.set(func(s *scene) { s.filter = text })
	return nil
}

// tree shows as many connections as it is asked for.
func (s *scene) tree(q TreeQuery) (Node, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listener := Node{
		Path: "supervisor/listener-" + sceneFirst, Kind: "listener", State: "running", Since: started, Restarts: 1,
		LastFailure: &Failure{At: started, Error: "panic: index out of range"},
		Children:    []Node{{Path: "supervisor/listener-" + sceneFirst + "/acceptor", Kind: "acceptor", State: "running", Since: started}},
	}
	if q.Path != "" {
		if q.Path != listener.Children[0].Path {
			return Node{}, &Refused{http.StatusNotFound, errors.New(q.Path + ": there is no such actor")}
		}
		return listener.Children[0], nil
	}
	shown := min(q.Connections, len(s.sessions))
	for i := range shown {
		listener.Children = append(listener.Children, Node{
			Path: fmt.Sprintf("%s/connection-%d", listener.Path, i), Kind: "connection", State: "relaying", Since: started,
		})
	}
	if rest := len(s.sessions) - shown; rest > 0 {
		listener.Summarised = &LeftOut{Connections: rest, ByPhase: map[string]int{"relaying": rest}}
	}
	root := Node{Path: "supervisor", Kind: "supervisor", State: "running", Since: started, Children: []Node{
		listener,
		{Path: "supervisor/metrics", Kind: "metrics", State: "running", Since: started, Mailbox: 3},
		{Path: "supervisor/web", Kind: "web", State: "running", Since: started},
	}}
	return root, nil
}

// samples are a quarter of an hour in which the traffic rose and fell.
func (s *scene) samples() (all []history.Sample) {
	total := history.Figure{Listener: sceneFirst}
	for i := range 91 {
		wave := uint64(40 + i%30)
		total.Accepted += wave
		total.Failed += wave / 10
		total.Received += wave * 9000
		total.Sent += wave * 700
		total.Active = 100 + wave*3
		total.Reasons = map[string]uint64{"connect_timeout": total.Failed / 2, "client_left": total.Failed / 3}
		all = append(all, history.Sample{At: time.Now().Add(time.Duration(i-90) * history.Interval), Figures: []history.Figure{total}})
	}
	return all
}

// config is the surface of the scene.
func (s *scene) config() Config {
	c := newConfig()
	registry := prometheus.NewRegistry()
	active := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "proxy_active_connections"}, []string{"listener"})
	active.WithLabelValues(sceneFirst).Set(float64(len(s.sessions)))
	active.WithLabelValues(sceneSecond).Set(0)
	files := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "process_open_fds"}, nil)
	files.WithLabelValues().Set(120)
	registry.MustRegister(active, files)
	c.Gatherer, c.Status, c.SetLogFilter = registry, s.status, s.setFilter
	c.Operator = Operator{History: s.samples, LastReload: s.lastReload, LogFilter: s.logFilter}
	c.Control = &Control{
		Tree: s.tree, Sessions: s.all, EndSessions: s.end, Restart: restartInScene, Reload: s.reloadPolicy,
		Drain: s.drain, Undrain: s.undrain,
		Sources: s.sources, ChangeSources: s.changeSources, BusyDestinations: func() BusyDestinations {
			return BusyDestinations{All: busyOnes(), CONNECTs: 12345, Places: 1000}
		},
	}
	return c
}

func (s *scene) drain(_ context.Context, listener string, _ time.Duration, _ string) (Drained, error) {
	s.set(func(s *scene) { s.drained = true })
	return Drained{Listeners: []string{listener}, Sessions: s.open(), WaitingForClient: s.open()}, nil
}

func (s *scene) undrain(_ context.Context, listener, _ string) (Drained, error) {
	s.set(func(s *scene) { s.drained = false })
	return Drained{Listeners: []string{listener}}, nil
}

func restartInScene(_ context.Context, path, _ string) (Restarted, error) {
	return Restarted{Path: path, Kind: "acceptor", What: "restarted: the socket and the sessions stay", Restarts: 1}, nil
}

func (s *scene) reloadPolicy(context.Context) (Reloaded, error) {
	bad := errors.New("policy.lua:3: expected a table, got nil")
	s.set(func(s *scene) {
		s.reload = pages.Reload{Policy: "/etc/troupe/policy.lua", At: started, Result: "failed", Problem: bad.Error()}
	})
	return Reloaded{}, &Refused{http.StatusUnprocessableEntity, bad}
}

func (s *scene) lastReload() pages.Reload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reload
}

func (s *scene) logFilter() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.filter
}

// open is how many sessions there are.
func (s *scene) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// serveScene serves it to browsers.
func serveScene(t *testing.T, s *scene) (url string) {
	t.Helper()
	return "http://" + serve(t, "tcp", "127.0.0.1:0", Handler(s.config()), (&logBuffer{}).logger())
}

// sources are forty, of which one was refused and one is not plumbed.
func (s *scene) sources() (all []Source, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range 40 {
		one := Source{
			Address: netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), Known: true, Plumbed: "yes", State: "serving",
			Sessions: int64(i), Dials: map[string]uint64{"connected": uint64(i)}, Connected: uint64(i), Tried: uint64(i + i%3),
			Greetings: Greetings{Positive: uint64(i)},
		}
		switch i {
		case 7:
			one.RefusalText, one.RefusalAt, one.RefusalFrom = "554 5.7.1 blocked using lists.example.org; see https://lists.example.org/198.51.100.7", started, netip.MustParseAddrPort("203.0.113.5:25")
			one.Trouble, one.Greetings.Permanent = 5, 3
		case 9:
			one.Plumbed, one.Trouble = "no", 4
		}
		if c, held := s.held[one.Address]; held {
			one.State, one.Reason, one.By, one.Trouble = c.State, c.Reason, c.By, 2
			if c.For > 0 {
				one.Until = started.Add(c.For)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

func (s *scene) changeSources(_ context.Context, c SourceChange) (ChangedSources, error) {
	s.set(func(s *scene) {
		if c.State == "serving" {
			delete(s.held, c.Network.Addr())
		} else {
			s.held[c.Network.Addr()] = c
		}
	})
	return ChangedSources{Network: c.Network.String(), State: c.State, Sources: []string{c.Network.Addr().String()}, Sessions: 3, Kept: true}, nil
}
