package actors

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
)

func ipOf(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}) }

// counts are what a scrape would show.
func (t *destinations) counts() map[string]uint64 {
	all := make(map[string]uint64)
	for _, d := range t.inOrder("127.0.0.1:1080") {
		all[d.label] = d.connected.Load()
	}
	return all
}

func TestDestinationsBeyondTheLimitCountAsOther(t *testing.T) {
	now := time.Unix(0, 0)
	d := newDestinations(2, time.Minute)
	d.enter(ipOf(1))
	d.enter(ipOf(2))
	for n := 3; n < 100; n++ {
		d.leave(d.enter(ipOf(n)), now) // churns nothing
	}
	d.enter(ipOf(1))
	got := d.counts()
	if len(got) != 3 || got["192.0.2.1"] != 2 || got["192.0.2.2"] != 1 || got[overflowLabel] != 97 {
		t.Errorf("counts %v; want 2, 1 and 97 others", got)
	}
}

func TestDestinationWithALiveSessionIsNeverPruned(t *testing.T) {
	start := time.Unix(0, 0)
	d := newDestinations(2, time.Minute)
	first, second := d.enter(ipOf(1)), d.enter(ipOf(1))
	d.leave(first, start)
	if n := d.prune(start.Add(time.Hour)); n != 0 {
		t.Errorf("pruned %d with a live session; want 0", n)
	}
	d.leave(second, start.Add(time.Hour))
	if n := d.prune(start.Add(time.Hour + time.Minute - 1)); n != 0 {
		t.Errorf("pruned %d before the idle time was over; want 0", n)
	}
	if n := d.prune(start.Add(time.Hour + time.Minute)); n != 1 {
		t.Errorf("pruned %d after the idle time; want 1", n)
	}
	d.enter(ipOf(1))
	if got := d.counts()["192.0.2.1"]; got != 1 {
		t.Errorf("a destination that came back counts %d; want 1", got)
	}
}

func TestNoSeriesAtAll(t *testing.T) {
	d := newDestinations(0, time.Minute)
	d.leave(d.enter(ipOf(1)), time.Unix(0, 0))
	if got := d.counts(); len(got) != 1 || got[overflowLabel] != 1 {
		t.Errorf("counts %v; want one other", got)
	}
}

// simple is what destinations promise, without a thought for speed.
type simple struct {
	limit int
	idle  time.Duration
	by    map[netip.Addr]*simpleDestination
	other uint64
}

type simpleDestination struct {
	count     uint64
	live      int
	idleSince time.Time
}

func (s *simple) enter(ip netip.Addr) (own bool) {
	if s.by[ip] == nil {
		if len(s.by) == s.limit {
			s.other++
			return false
		}
		s.by[ip] = &simpleDestination{}
	}
	s.by[ip].count++
	s.by[ip].live++
	return true
}

func (s *simple) leave(ip netip.Addr, now time.Time) {
	s.by[ip].live--
	s.by[ip].idleSince = now
}

func (s *simple) prune(now time.Time) (pruned int, lost uint64) {
	for ip, d := range s.by {
		if d.live == 0 && !now.Before(d.idleSince.Add(s.idle)) {
			delete(s.by, ip)
			pruned++
			lost += d.count
		}
	}
	return pruned, lost
}

func (s *simple) counts() map[string]uint64 {
	all := map[string]uint64{overflowLabel: s.other}
	for ip, d := range s.by {
		all[ip.String()] = d.count
	}
	return all
}

// claim is a session that has entered and not left.
type claim struct {
	ip  netip.Addr
	own bool
	d   *destination
}

// Whatever comes and goes: the series are those of the model, and no enter is
// ever lost but with its series.
func TestDestinationsFollowTheModel(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limit := rng.IntN(6)
		table, model := newDestinations(limit, time.Minute), &simple{limit: limit, idle: time.Minute, by: make(map[netip.Addr]*simpleDestination)}
		now := time.Unix(0, 0)
		var live []claim
		var entered, lost uint64
		for range 200 {
			now = now.Add(time.Duration(rng.Int64N(int64(20 * time.Second))))
			switch pick := rng.IntN(5); {
			case pick < 2:
				c := claim{ip: ipOf(rng.IntN(10))}
				c.own, c.d = model.enter(c.ip), table.enter(c.ip)
				live = append(live, c)
				entered++
			case pick < 4 && len(live) > 0:
				i := rng.IntN(len(live))
				c := live[i]
				live[i] = live[len(live)-1]
				live = live[:len(live)-1]
				table.leave(c.d, now)
				if c.own {
					model.leave(c.ip, now)
				}
			default:
				want, gone := model.prune(now)
				lost += gone
				if got := table.prune(now); got != want {
					t.Fatalf("seed %d: pruned %d; want %d", seed, got, want)
				}
			}
		}
		wantSame(t, seed, table.counts(), model.counts(), entered-lost)
	}
}

func wantSame(t *testing.T, seed uint64, got, want map[string]uint64, total uint64) {
	t.Helper()
	var sum uint64
	for label, n := range got {
		sum += n
		if want[label] != n {
			t.Errorf("seed %d: %s counts %d; want %d", seed, label, n, want[label])
		}
	}
	if len(got) != len(want) || sum != total {
		t.Errorf("seed %d: %d series with %d in all; want %d with %d", seed, len(got), sum, len(want), total)
	}
}

// Scrapes and pruning go on while sessions come and go.
func TestDestinationsAreScrapedMeanwhile(t *testing.T) {
	const workers, rounds = 8, 500
	m := NewMetrics("test")
	a, err := m.open("127.0.0.1:1080", 5, 0)
	must(t, err)
	done := make(chan struct{})
	var scraping, working sync.WaitGroup
	scraping.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				gather(t, m.destinationsAlone())
				m.Ledger.prune(time.Now())
			}
		}
	})
	for range workers {
		working.Go(func() {
			for n := range rounds {
				a.destinations.leave(a.destinations.enter(ipOf(n%10)), time.Now())
			}
		})
	}
	working.Wait()
	close(done)
	scraping.Wait()
}

// The metrics actor drops idle destinations by itself, and again after it
// failed.
func TestMetricsActorPrunes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMetrics("test")
		a, err := m.open("127.0.0.1:1080", 100, time.Minute)
		must(t, err)
		system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
			return slog.New(slog.DiscardHandler)
		}))
		tap := func(_ Kind, m any) {
			if _, ok := m.(*boom); ok {
				panic(errInjected)
			}
		}
		pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
			return &metricsActor{metrics: m, log: slog.New(slog.DiscardHandler), tap: tap}
		}))
		for range 2 {
			gone, stays := a.destinations.enter(ipOf(1)), a.destinations.enter(ipOf(2))
			a.destinations.leave(gone, time.Now())
			wantDestinations(t, m.destinationsAlone(), 3)
			<-time.After(time.Minute + 2*pruneEvery)
			wantDestinations(t, m.destinationsAlone(), 2)
			a.destinations.leave(stays, time.Now())
			<-time.After(time.Minute + 2*pruneEvery)
			wantDestinations(t, m.destinationsAlone(), 1)
			system.Root.Send(pid, &boom{})
		}
		system.Root.Stop(pid)
		synctest.Wait()
	})
}

func wantDestinations(t *testing.T, reg prometheus.Gatherer, want int) {
	t.Helper()
	synctest.Wait()
	if got := gather(t, reg)["proxy_outbound_connections_total"]; len(got) != want {
		t.Errorf("destinations %v; want %d", got, want)
	}
}
