package web

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// fakeProxy is what a fake proxy has, and what was asked of it.
type fakeProxy struct {
	sessions []Session
	ended    []uint64
	asked    []string
	err      error
	base     time.Time // when the sessions were as idle as they say
}

func (s *fakeProxy) control() *Control {
	ask := func(text string, args ...any) error {
		s.asked = append(s.asked, fmt.Sprintf(text, args...))
		return s.err
	}
	return &Control{
		Tree: func(q TreeQuery) (Node, error) {
			child := Node{
				Path: "supervisor/web", Kind: "web", State: "failed", Since: started, Restarts: 3,
				LastFailure: &Failure{At: started, Error: "broken"}, Children: []Node{}, Summarised: &LeftOut{Connections: 2, ByPhase: map[string]int{"relaying": 2}}, Next: "n",
			}
			root := Node{Path: "supervisor", Kind: "supervisor", State: "running", Since: started, Children: []Node{child}}
			return root, ask("tree %s %d %d %s", q.Path, q.Depth, q.Connections, q.After)
		},
		Restart: func(_ context.Context, path, by string) (Restarted, error) {
			return Restarted{Path: path, Kind: "web", What: "done", Restarts: 1}, ask("restart %s by %s", path, by)
		},
		Sessions: func() iter.Seq[Session] {
			return func(yield func(Session) bool) {
				for _, one := range s.sessions {
					one.Idle += time.Since(s.base) // they grow idler
					if !yield(one) {
						return
					}
				}
			}
		},
		EndSessions: func(ids []uint64, by string) Ended {
			s.ended = ids
			_ = ask("end %d by %s", len(ids), by)
			if len(ids) == 1 && ids[0] == 0xdead {
				return Ended{}
			}
			return Ended{WaitingForClient: len(ids)}
		},
		Bans: func() []Ban {
			until := started.Add(time.Minute)
			return []Ban{
				{Client: netip.MustParsePrefix("192.0.2.7/32"), Failures: 3, Since: started, Until: until},
				{Client: netip.MustParsePrefix("2001:db8:1::/64"), Failures: 4, Since: started, Until: until},
				{User: "ann", Failures: 5, Since: started, Until: until},
			}
		},
		Unban: func(client netip.Prefix, user, by string) bool {
			_ = ask("unban %v %q by %s", client, user, by)
			return user != "nobody"
		},
		SourceRule: func(id uint64) string { return fmt.Sprintf("rule of %d", id) },
		ReopenLog:  func(context.Context) error { return ask("reopen") },
		BusyDestinations: func() BusyDestinations {
			return BusyDestinations{All: busyOnes(), CONNECTs: 1000, Places: 4}
		},
		Sources: func() ([]Source, error) { return manySources(), s.err },
		ChangeSources: func(_ context.Context, c SourceChange) (ChangedSources, error) {
			return ChangedSources{Network: c.Network.String(), State: c.State, Sources: []string{"192.0.2.1"}},
				ask("%s %v %v %q by %s", c.State, c.Network, c.For, c.Reason, c.By)
		},
		Probe: func(_ context.Context, r ProbeRequest) ([]ProbedSource, error) {
			return manyProbed(), ask("probe %v %v to %s port %d echo %v by %s", r.All, r.Sources, r.Host, r.Port, r.Echo, r.By)
		},
		Reload: func(context.Context) (Reloaded, error) {
			return Reloaded{Result: "ok", Difference: Difference{Added: []string{"listener 127.0.0.1:1080"}, Changed: []string{}, Removed: []string{}, Unchanged: 1}}, ask("reload")
		},
		Drain: func(_ context.Context, listener string, limit time.Duration, by string) (Drained, error) {
			return Drained{Listeners: []string{"127.0.0.1:1080"}, Sessions: 1, WaitingForClient: 1}, ask("drain %q %v by %s", listener, limit, by)
		},
		Undrain: func(_ context.Context, listener, by string) (Drained, error) {
			return Drained{Listeners: []string{}}, ask("undrain %q by %s", listener, by)
		},
		Upgrade: func(_ context.Context, by string) (Upgraded, error) {
			return Upgraded{OldPID: 1, NewPID: 2}, ask("upgrade by %s", by)
		},
	}
}

// newFakeProxy has sessions whose last bytes were in the middle of a second.
func newFakeProxy() *fakeProxy {
	return &fakeProxy{sessions: manySessions(), base: time.Now().Truncate(time.Second).Add(-time.Second / 2)}
}

// manySessions are of which each differs from all others in every figure.
func manySessions() (all []Session) {
	for i := range 7 {
		all = append(all, Session{
			ID: uint64(i + 1), Listener: fmt.Sprintf("127.0.0.1:%d", 1080+i%2), User: []string{"", "ann", "bob"}[i%3],
			Client: netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:%d", i, 1000+i)), Phase: "relaying", WaitsForUpstream: i%2 == 0,
			Source: netip.MustParseAddrPort(fmt.Sprintf("[2001:db8::%d]:25", i)), Destination: netip.MustParseAddrPort(fmt.Sprintf("198.51.100.%d:25", i/2)),
			Since: time.Now().Add(-time.Duration(i+1) * time.Hour), Idle: time.Duration(7-i) * time.Minute, Received: uint64(i * i % 11), Sent: 100,
		})
	}
	all[6].Source, all[6].Destination, all[6].Phase = netip.AddrPort{}, netip.AddrPort{}, "request"
	return all
}

func controlHandler(s *fakeProxy) http.Handler {
	c := newConfig()
	c.Control = s.control()
	return Handler(c)
}

// listed asks for sessions and gives their ids.
func listed(t *testing.T, s *fakeProxy, query string) (ids string, got sessionsDocument) {
	t.Helper()
	a := ask(controlHandler(s), "GET", "/api/admin/sessions"+query, trustedPeer)
	if a.status != 200 {
		t.Fatalf("%s: got %d %q; want 200", query, a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	for _, one := range got.Sessions {
		ids += strings.TrimLeft(one.ID, "0")
	}
	return ids, got
}
