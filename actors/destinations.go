package actors

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// destinations are the upstream addresses of one listener that have a series of
// their own. Its size is bounded: a new one gets a series only while there is
// room, so that a scan of the internet churns nothing, and only by connecting.
// All others count under overflow. It may be used by any goroutine.
type destinations struct {
	overflow *destination

	mu    sync.Mutex
	limit int
	idle  time.Duration
	byIP  map[netip.Addr]*destination
	stale bool // ordered is not what byIP holds

	scraping sync.Mutex     // taken before mu
	ordered  []*destination // by label, as of the last scrape; never changed, but replaced
}

// destination counts the sessions that connected to one address. One that was
// pruned and comes back is a new one and starts at 0.
type destination struct {
	connected atomic.Uint64
	label     string
	labels    []*dto.LabelPair // set by the first scrape, under scraping

	live      int       // sessions that relay to it, under destinations.mu
	idleSince time.Time // when live last fell to 0
}

// overflowLabel stands for the destinations without a series of their own.
const overflowLabel = "other"

func newDestinations(limit int, idle time.Duration) *destinations {
	return &destinations{
		limit:    limit,
		idle:     idle,
		overflow: &destination{label: overflowLabel},
		byIP:     make(map[netip.Addr]*destination),
		stale:    true,
	}
}

// resize changes the bounds. Destinations above a lower limit keep their series
// until they are idle.
func (t *destinations) resize(limit int, idle time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit, t.idle = limit, idle
}

// enter counts a session that connected to ip. The caller owes one leave.
func (t *destinations) enter(ip netip.Addr) *destination {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.byIP[ip]
	if d == nil {
		if len(t.byIP) >= t.limit {
			t.overflow.connected.Add(1)
			return t.overflow
		}
		d = &destination{label: ip.String()}
		t.byIP[ip] = d
		t.stale = true
	}
	d.live++
	d.connected.Add(1)
	return d
}

// leave ends a session's claim on its destination.
func (t *destinations) leave(d *destination, now time.Time) {
	if d == t.overflow {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	d.live--
	if d.live == 0 {
		d.idleSince = now
	}
}

// prune drops the destinations that have been without a live session for the
// idle time, and says how many.
func (t *destinations) prune(now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.byIP)
	for ip, d := range t.byIP {
		if d.live == 0 && now.Sub(d.idleSince) >= t.idle {
			delete(t.byIP, ip)
			t.stale = true
		}
	}
	return before - len(t.byIP)
}

// inOrder are the destinations with a series, the overflow included, in the order
// of their labels, which name the listener as given. The caller must not change the
// list.
func (t *destinations) inOrder(listener string) []*destination {
	t.scraping.Lock()
	defer t.scraping.Unlock()
	all := t.changed()
	if all == nil {
		return t.ordered
	}
	// Without mu, which connections wait for.
	for _, d := range all {
		if d.labels == nil {
			d.labels = prometheus.MakeLabelPairs(outboundDesc, []string{listener, d.label})
		}
	}
	slices.SortFunc(all, func(a, b *destination) int { return strings.Compare(a.label, b.label) })
	t.ordered = all
	return all
}

// changed are the destinations in no order, or none if they are those of the last
// call.
func (t *destinations) changed() []*destination {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stale {
		return nil
	}
	t.stale = false
	all := make([]*destination, 0, len(t.byIP)+1)
	all = append(all, t.overflow)
	for _, d := range t.byIP {
		all = append(all, d)
	}
	return all
}
