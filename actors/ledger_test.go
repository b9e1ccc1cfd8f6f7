package actors

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// Every family is there at 0 for each listener as soon as the tree stands.
func TestEverySeriesBeginsAtZero(t *testing.T) {
	want := map[string]int{ // how many series per listener
		"proxy_connections_accepted_total":   1,
		"proxy_connections_failed_total":     1,
		"proxy_connections_completed_total":  1,
		"proxy_connections_probed_total":     1,
		"proxy_active_connections":           1,
		"proxy_bytes_received_total":         1,
		"proxy_bytes_sent_total":             1,
		"proxy_bytes_client_to_dest_total":   1,
		"proxy_bytes_dest_to_client_total":   1,
		"proxy_outbound_connections_total":   1, // the overflow
		"proxy_tls_handshake_failures_total": 1,
		"proxy_sessions_ended_total":         int(endCount),
		"proxy_session_failures_total":       int(reasonCount) - 1,
		"proxy_sessions_cut_total":           2 * int(causes-1),
		"proxy_sessions":                     int(phaseEnded),
		"proxy_dials_total":                  len(egress.Results()),
		"proxy_replies_total":                len(replyNames),
		"proxy_greet_duration_seconds":       1,
		"proxy_auth_duration_seconds":        1,
		"proxy_first_byte_duration_seconds":  1,
		"proxy_connect_duration_seconds":     1,
		"proxy_session_duration_seconds":     1,
		"proxy_listener_up":                  1,
		"proxy_listener_drained":             1,
		"proxy_acceptor_restarts_total":      1,
		"proxy_auth_stale_total":             1,
	}
	tr := startTree(t, func(s *setup) { s.listeners = append(s.listeners, anyListener()) })
	families, err := tr.reg.Gather()
	must(t, err)
	got := make(map[string]map[string]int)
	for _, family := range families {
		for _, m := range family.Metric {
			for _, l := range m.Label {
				if l.GetName() != "listener" {
					continue
				}
				if got[family.GetName()] == nil {
					got[family.GetName()] = make(map[string]int)
				}
				got[family.GetName()][l.GetValue()]++
				if v := value(m); v != 0 && family.GetName() != "proxy_listener_up" {
					t.Errorf("%s%v is %v; want 0", family.GetName(), m.Label, v)
				}
			}
		}
	}
	for name, n := range want {
		for _, st := range tr.metrics.Ledger.Status() {
			if got[name][st.Listener] != n {
				t.Errorf("%s has %d series of %s; want %d", name, got[name][st.Listener], st.Listener, n)
			}
		}
	}
	for name := range maps.Keys(got) {
		if want[name] == 0 {
			t.Errorf("%s is not expected", name)
		}
	}
}

// The ledger and the labels index by these.
func TestNamesAndIndexes(t *testing.T) {
	for i, r := range egress.Results() {
		if r != egress.Result(i) {
			t.Errorf("result %d is %v; want %v", i, r, egress.Result(i))
		}
	}
	seen := make(map[string]Reason)
	for r := range reasonCount {
		series := r.String() + " by " + r.Fault().String()
		if other, known := seen[series]; known || r.String() == "" {
			t.Errorf("reason %d is named %q, as is %d; want a series of its own", r, series, other)
		}
		seen[series] = r
		if r.Fault().String() == "" {
			t.Errorf("reason %v has no fault", r)
		}
	}
}

// A dial result becomes the reason of the same name, unless another word tells
// more.
func TestEveryResultHasItsReason(t *testing.T) {
	differ := map[egress.Result]Reason{
		egress.TimedOut: ReasonConnectTimeout, egress.Failed: ReasonDialFailed, egress.Denied: ReasonDestinationRefused,
		egress.Limited: ReasonLimitDestination,
	}
	for _, res := range egress.Results() {
		switch res {
		case egress.Connected, egress.ClientLeft, egress.Aborted:
			continue // not why a CONNECT is refused
		}
		got := dialReason(res)
		if want, ok := differ[res]; ok && got != want || !ok && got.String() != res.String() {
			t.Errorf("result %v gives reason %v", res, got)
		}
	}
}

// scenario is one kind of session, with how it must be booked.
type scenario struct {
	name string
	run  func(c *client) error
	want Outcome
}

func scenarios(echo *upstream, refusing netip.AddrPort) []scenario {
	all := []scenario{
		{"completed", func(c *client) error { return steps(c.open(echo.addr), c.echo("hello\r\n"), c.finish()) }, Outcome{Class: Completed}},
		{"probed", func(c *client) error { return c.Close() }, Outcome{Class: Probed}},
		{"protocol", func(c *client) error { return steps(c.say(4, 1), c.ended()) }, failed(ReasonProtocol)},
		{"no method", func(c *client) error { return steps(c.say(5, 1, 9), c.ended()) }, failed(ReasonNoMethod)},
		{"credentials", func(c *client) error { return steps(c.say(5, 1, 2, 1, 1, 'u', 1, 'p'), c.ended()) }, failed(ReasonAuthFailed)},
		{"left", func(c *client) error { return steps(c.greet(), c.Close()) }, failed(ReasonClientLeft)},
		{"reset", func(c *client) error { return steps(c.greet(), c.reset()) }, failed(ReasonClientLeft)},
	}
	refused := func(req []byte, code byte, r Reason) scenario {
		return scenario{r.String(), func(c *client) error { return c.refused(req, code) }, failed(r)}
	}
	return append(all,
		refused(request(1, refusing), 5, ReasonRefused),
		refused(request(3, refusing), 7, ReasonCommand),
		refused([]byte{5, 1, 0, 9}, 8, ReasonAddressType),
		refused(request(2, netip.MustParseAddrPort("192.0.2.77:0")), 1, ReasonSourceUnplumbed))
}

// refused greets, asks, and wants that code and then the end.
func (c *client) refused(req []byte, code byte) error {
	if err := c.greet(); err != nil {
		return err
	}
	got, err := c.ask(req)
	if err == nil && got != code {
		err = fmt.Errorf("answered %d; want %d", got, code)
	}
	return steps(err, c.ended(), c.Close())
}

// steps is the first error. Its arguments have all been done by then: on a
// session that failed they fail too, and none of them blocks.
func steps(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// wantBalance checks one gather.
func wantBalance(t *testing.T, f figures) {
	t.Helper()
	accepted, active := f.sum("proxy_connections_accepted_total"), f.sum("proxy_active_connections")
	completed, failed, probed := f.sum("proxy_connections_completed_total"), f.sum("proxy_connections_failed_total"), f.sum("proxy_connections_probed_total")
	if accepted != active+completed+failed+probed || active < 0 || active > accepted {
		t.Errorf("accepted %v; want active %v + completed %v + failed %v + probed %v", accepted, active, completed, failed, probed)
	}
}

// The books balance in every scrape, while sessions of every kind come and go,
// and in the end each is where it belongs. Every slot comes back.
func TestBooksBalance(t *testing.T) {
	const workers, rounds = 32, 3
	tr := startTree(t)
	echo := startUpstream(t)
	kinds := scenarios(echo, closedPort(t))
	done := make(chan struct{})
	var gathering, working sync.WaitGroup
	gathering.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				wantBalance(t, gather(t, tr.metrics.ledgerAlone()))
			}
		}
	})
	stopGathering := sync.OnceFunc(func() {
		close(done)
		gathering.Wait()
	})
	defer stopGathering()
	for range workers {
		working.Go(func() {
			for range rounds {
				for _, s := range kinds {
					c, err := dial(t.Context(), tr.proxy)
					if err == nil {
						err = s.run(c)
						_ = c.Close()
					}
					if err != nil {
						t.Errorf("%s: %v", s.name, err)
					}
				}
			}
		})
	}
	working.Wait()
	tr.wantIdle()
	stopGathering()
	wantBooked(t, gather(t, tr.reg), kinds, workers*rounds)
	tr.stop()
	eventually(t, "every slot to be back", func() bool { return len(tr.slots.free) == 0 })
}

func wantBooked(t *testing.T, f figures, kinds []scenario, each float64) {
	t.Helper()
	wantBalance(t, f)
	reasons, classes := make(map[Reason]float64), make(map[Class]float64)
	for _, s := range kinds {
		reasons[s.want.Reason] += each
		classes[s.want.Class] += each
	}
	for r := ReasonNone + 1; r < reasonCount; r++ {
		if got := f.failed(r); got != reasons[r] {
			t.Errorf("%v sessions failed for %v; want %v", got, r, reasons[r])
		}
	}
	for name, want := range map[string]float64{
		"proxy_connections_completed_total": classes[Completed],
		"proxy_sessions_ended_total":        classes[Completed],
		"proxy_connections_failed_total":    classes[Failed],
		"proxy_session_failures_total":      classes[Failed],
		"proxy_connections_probed_total":    classes[Probed],
		"proxy_outbound_connections_total":  classes[Completed],
		"proxy_dials_total":                 classes[Completed] + reasons[ReasonRefused],
	} {
		if got := f.sum(name); got != want {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
	if got := slices.Sorted(maps.Keys(f["proxy_outbound_connections_total"])); !slices.Equal(got, []string{"127.0.0.1", "other"}) {
		t.Errorf("destinations %v; want 127.0.0.1 and other", got)
	}
}

// Bytes are counted while the session that moves them is open.
func TestBytesCountWhileASessionRuns(t *testing.T) {
	tr := startTree(t)
	c := tr.mustOpen(startUpstream(t).addr)
	for n := 1; n <= 3; n++ {
		must(t, c.echo("0123456789"))
		for _, name := range []string{"proxy_bytes_received_total", "proxy_bytes_sent_total", "proxy_bytes_client_to_dest_total", "proxy_bytes_dest_to_client_total"} {
			eventually(t, name, func() bool { return gather(t, tr.reg).sum(name) == float64(10*n) })
		}
	}
	if got := gather(t, tr.reg).sum("proxy_active_connections"); got != 1 {
		t.Errorf("%v sessions open; want the one", got)
	}
}

// A reset by either peer is a completed session that ended with a reset.
func TestResetsComplete(t *testing.T) {
	tr := startTree(t)
	echo := startUpstream(t)
	must(t, tr.mustOpen(echo.addr).reset())
	tr.wantIdle()
	c := tr.mustOpen(echo.addr)
	must(t, c.echo("hello\r\n"))
	echo.resetAll()
	must(t, c.ended())
	tr.wantIdle()
	f := gather(t, tr.reg)
	if got := f["proxy_sessions_ended_total"]["reset"]; got != 2 {
		t.Errorf("%v sessions ended with a reset; want 2", got)
	}
	if got := f.sum("proxy_connections_failed_total"); got != 0 {
		t.Errorf("%v sessions failed; want none", got)
	}
}
