package pages

import (
	"fmt"
	"strings"
	"time"

	"github.com/troupe-proxy/troupe/internal/history"
)

// The size of a plot in its own units; the page scales it.
const (
	plotWidth  = 300
	plotHeight = 60
)

// plot is a line over the last quarter of an hour.
type plot struct {
	Title string
	About string // for who cannot see it
	// Points is that attribute of an SVG polyline; empty: there is nothing to show.
	Points string
	Now    string
	Most   string
}

// point is a figure at a moment.
type point struct {
	at    time.Time
	value float64
}

// newPlot draws points, the newest of which is at the right edge. write writes a
// figure for people.
func newPlot(title string, points []point, write func(float64) string) plot {
	p := plot{Title: title, About: title + ": nothing is known yet"}
	if len(points) == 0 {
		return p
	}
	most := 0.0
	for _, one := range points {
		most = max(most, one.value)
	}
	newest := points[len(points)-1]
	p.Now, p.Most = write(newest.value), write(most)
	p.About = fmt.Sprintf("%s in the last 15 minutes: now %s, at most %s", title, p.Now, p.Most)
	if len(points) == 1 {
		return p // a line has two ends
	}
	var out strings.Builder
	for _, one := range points {
		x := plotWidth * (1 - float64(newest.at.Sub(one.at))/float64(history.Span))
		y := float64(plotHeight - 1)
		if most > 0 {
			y -= one.value / most * (plotHeight - 2)
		}
		fmt.Fprintf(&out, "%.1f,%.1f ", max(x, 0), y)
	}
	p.Points = strings.TrimSpace(out.String())
	return p
}

// plots are those of one listener.
func (c counted) plots() []plot {
	var open, accepted, failed, bytes []point
	for i, f := range c.figures {
		open = append(open, point{c.at[i], float64(f.Active)})
		if i == 0 {
			continue
		}
		before, seconds := c.figures[i-1], c.at[i].Sub(c.at[i-1]).Seconds()
		if seconds <= 0 {
			continue
		}
		add := func(points *[]point, n float64) { *points = append(*points, point{c.at[i], n}) }
		add(&accepted, grown(before.Accepted, f.Accepted)/seconds*60)
		add(&failed, grown(before.Failed, f.Failed)/seconds*60)
		add(&bytes, (grown(before.Received, f.Received)+grown(before.Sent, f.Sent))/seconds)
	}
	return []plot{
		newPlot("Open sessions", open, formatNumber),
		newPlot("Clients a minute", accepted, formatNumber),
		newPlot("Failures a minute", failed, formatNumber),
		newPlot("Bytes a second", bytes, formatBytes),
	}
}
