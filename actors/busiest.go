package actors

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/internal/topk"
)

// MostBusiest is how many destinations are kept. With the longest refusals, none of
// them text, each takes some 2 KiB; mostly it is a quarter of that.
const MostBusiest = 1000

// BusyDestination is an upstream address to which many sessions have gone.
type BusyDestination struct {
	Address netip.Addr
	// Count is how many CONNECTs there were to it since the start, at most; it is too
	// high by Error at most. Those since Since are counted one by one.
	Count, Error uint64
	BusyDetail
}

// BusyDetail is what is known of a destination since it is kept.
type BusyDetail struct {
	Since, Last time.Time                  // ends of sessions
	Dials       [egress.ResultCount]uint64 // by egress.Result
	Greetings   [source.Classes]uint64     // by source.Class, at the ports where somebody looks
	Refusal     *DestinationRefusal        // the last; nil: none
}

// DestinationRefusal is what a destination said that did not want to talk.
type DestinationRefusal struct {
	Class  source.Class // Transient or Permanent
	Text   string       // its first line, as text
	At     time.Time
	Source netip.Addr // to whom
}

// dialReport is what a session says of its destination at its end.
type dialReport struct {
	to       netip.Addr // not valid: no address was dialled
	result   egress.Result
	greeting source.Class
	greeted  bool     // there is a greeting, or somebody had waited for it
	refused  *refused // nil: it was not
}

// refused is a refusal on its way.
type refused struct {
	line   string
	source netip.Addr
}

// busiest are the destinations to which most sessions have gone, of all listeners,
// whatever their number. The metrics actor adds to them; anybody may look.
type busiest struct {
	mu     sync.Mutex
	sketch *topk.Sketch[netip.Addr, BusyDetail]
}

func newBusiest() busiest { return busiest{sketch: topk.New[netip.Addr, BusyDetail](MostBusiest)} }

// add takes what ended sessions say.
func (b *busiest) add(ended []sessionEnded, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range ended {
		if d := &ended[i].dial; d.to.IsValid() {
			b.sketch.Add(d.to).add(d, now)
		}
	}
}

func (b *BusyDetail) add(d *dialReport, now time.Time) {
	if b.Since.IsZero() {
		b.Since = now
	}
	b.Last = now
	b.Dials[d.result]++
	if d.greeted {
		b.Greetings[d.greeting]++
	}
	if d.refused != nil {
		b.Refusal = &DestinationRefusal{Class: d.greeting, Text: strings.ToValidUTF8(d.refused.line, "\uFFFD"), At: now, Source: d.refused.source}
	}
}

// list gives them in no order, and how many CONNECTs were counted in all.
func (b *busiest) list() (all []BusyDestination, total uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all = make([]BusyDestination, 0, b.sketch.Len())
	for e := range b.sketch.All() {
		all = append(all, BusyDestination{Address: e.Key, Count: e.Count, Error: e.Error, BusyDetail: e.Value})
	}
	return all, b.sketch.Total()
}

// BusiestDestinations are the upstream addresses to which most CONNECTs went since the
// process began, at most 1000, in no order, and how many CONNECTs there were to all
// addresses. A session counts once it has ended, by the address that connected, or
// else the first that was tried. One that came more often than a thousandth of total
// is among them. It may be called from any goroutine.
func (m *Metrics) BusiestDestinations() (all []BusyDestination, total uint64) {
	return m.busiest.list()
}

// dialReport is what is told of the destination of a session that has ended.
func (c *connection) dialReport() dialReport {
	r := c.record
	d := c.dial
	switch {
	case r.upstream.IsValid():
	case d != nil && d.done && len(d.tried) > 0:
		return dialReport{to: d.tried[d.won].to.Addr(), result: d.result}
	default:
		return dialReport{}
	}
	to := dialReport{to: r.upstream.Addr(), result: egress.Connected, greeting: r.banner.class.greeting(), greeted: r.banner.class != BannerUnread}
	if said := refusalOf(r.banner.class, r.banner.text); said != "" {
		to.refused = &refused{line: said, source: r.source.Addr()}
	}
	return to
}
