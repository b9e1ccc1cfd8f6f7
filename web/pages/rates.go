package pages

import (
	"cmp"
	"slices"
	"time"

	"github.com/troupe-proxy/troupe/internal/history"
)

// rateSpan is the time that a rate is taken over.
const rateSpan = time.Minute

// rates are those of one listener over the last minute.
type rates struct {
	Known            bool    // else there are no two samples yet
	Accepted, Failed float64 // sessions a minute
	Received, Sent   float64 // bytes a second
}

// counted are the samples of one listener.
type counted struct {
	at      []time.Time
	figures []history.Figure
}

func countedBy(samples []history.Sample, listener string) (c counted) {
	for _, s := range samples {
		if f, there := s.Of(listener); there {
			c.at = append(c.at, s.At)
			c.figures = append(c.figures, f)
		}
	}
	return c
}

// grown is by how much a counter has grown. One that has fallen began anew.
func grown(before, after uint64) float64 {
	if after < before {
		return float64(after)
	}
	return float64(after - before)
}

// rates are taken between the newest sample and one that is a minute older.
func (c counted) rates() (r rates) {
	last := len(c.at) - 1
	if last < 1 {
		return r
	}
	first := last - 1
	for first > 0 && c.at[last].Sub(c.at[first]) < rateSpan {
		first--
	}
	before, after := c.figures[first], c.figures[last]
	seconds := c.at[last].Sub(c.at[first]).Seconds()
	if seconds <= 0 {
		return r
	}
	return rates{
		Known:    true,
		Accepted: grown(before.Accepted, after.Accepted) / seconds * 60, Failed: grown(before.Failed, after.Failed) / seconds * 60,
		Received: grown(before.Received, after.Received) / seconds, Sent: grown(before.Sent, after.Sent) / seconds,
	}
}

// reason is why sessions failed, and how many.
type reason struct {
	Name  string
	Count uint64
}

// reasons are those of the time that the samples tell of, most sessions first. From
// a single sample nothing can be told.
func (c counted) reasons() []reason {
	sums := make(map[string]uint64)
	for i := 1; i < len(c.figures); i++ {
		for name, n := range c.figures[i].Reasons {
			sums[name] += uint64(grown(c.figures[i-1].Reasons[name], n))
		}
	}
	var all []reason
	for name, n := range sums {
		if n > 0 {
			all = append(all, reason{name, n})
		}
	}
	slices.SortFunc(all, func(a, b reason) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	return all
}
