package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
)

// board collects what is measured. One goroutine uses it.
type board struct {
	workloads []workload
	subjects  []string // as the columns; the one in question first
	cells     map[place]*collected
	absent    map[string]bool // subjects that do not start
	notes     []string
}

// place is a workload and a subject.
type place struct{ workload, subject string }

// collected is what the rounds gave at one place.
type collected struct {
	values [][]float64 // by metric, then by round
	errors int
	missed error // why a round gave nothing; the last of them
}

func newBoard(workloads []workload) *board {
	return &board{workloads: workloads, cells: map[place]*collected{}, absent: map[string]bool{}}
}

func (b *board) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(b.notes, n) {
		b.notes = append(b.notes, n)
	}
}

// add records one run of a workload.
func (b *board) add(w workload, name string, o outcome, err error) {
	at := place{w.name, name}
	c := b.cells[at]
	if c == nil {
		c = &collected{values: make([][]float64, len(w.metrics))}
		b.cells[at] = c
	}
	switch {
	case errors.Is(err, errNotStarted):
		c.missed = err
		b.absent[name] = true
		b.note("%s: %v", name, err)
		return
	case errors.Is(err, errNotMeant):
		c.missed = err
		return
	case err != nil:
		c.missed = err
		b.note("%s, %s: %v", w.name, name, err)
		return
	}
	if o.errors > 0 {
		c.errors += o.errors
		b.note("%s, %s: operations failed, the first with: %v", w.name, name, o.first)
	}
	for i, v := range o.values {
		if !math.IsNaN(v) {
			c.values[i] = append(c.values[i], v)
		}
	}
}

// settled reports whether another round can tell nothing new: the subject does
// not speak what the workload needs, or does not start.
func (b *board) settled(w workload, name string) bool {
	c := b.cells[place{w.name, name}]
	return b.absent[name] || c != nil && errors.Is(c.missed, errNotSpoken)
}

// failed reports whether a subject has a hole that it should not have.
func (b *board) failed(name string) bool {
	return slices.ContainsFunc(b.workloads, func(w workload) bool {
		c := b.cells[place{w.name, name}]
		return c == nil || c.missed != nil && !errors.Is(c.missed, errNotSpoken)
	})
}

// report is what is printed.
type report struct {
	Machine  machine  `json:"machine"`
	Rounds   int      `json:"rounds"`
	Subjects []string `json:"subjects"`
	Rows     []row    `json:"rows"`
	Notes    []string `json:"notes"`
}

// machine is where it was measured.
type machine struct {
	Processors int    `json:"processors"`
	System     string `json:"system"`
	Kernel     string `json:"kernel,omitempty"`
	Go         string `json:"go"`
}

// row is one metric of one workload.
type row struct {
	Workload string `json:"workload"`
	Metric   string `json:"metric"`
	// HigherIsBetter says how to read the numbers; Lead has it in it already.
	HigherIsBetter bool            `json:"higher_is_better"`
	Cells          map[string]cell `json:"cells"`
	Lead           *lead           `json:"lead,omitempty"`
}

// cell is one subject in a row: a median and the rounds behind it, or the
// reason why there is none.
type cell struct {
	Median  *float64  `json:"median,omitempty"`
	Rounds  []float64 `json:"rounds,omitempty"`
	Errors  int       `json:"errors,omitempty"`
	Missing string    `json:"missing,omitempty"`
}

// lead sets the first subject against the best of the others.
type lead struct {
	Over string `json:"over"`
	// Ratio is above 1 where the first subject is better, whichever way better
	// lies: 2 is twice the rate, or half the cost.
	Ratio float64 `json:"ratio"`
}

func thisMachine() machine {
	return machine{
		Processors: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Kernel: kernel(), Go: runtime.Version(),
	}
}

// report works out medians and ratios.
func (b *board) report(m machine, o *options) *report {
	r := &report{Machine: m, Rounds: o.rounds, Subjects: b.subjects, Notes: b.notes}
	for _, w := range b.workloads {
		for i, m := range w.metrics {
			one := row{Workload: w.name, Metric: m.name, HigherIsBetter: m.higher, Cells: map[string]cell{}}
			for _, s := range b.subjects {
				one.Cells[s] = b.cell(place{w.name, s}, i)
			}
			one.Lead = one.leadOf(b.subjects)
			r.Rows = append(r.Rows, one)
		}
	}
	return r
}

func (b *board) cell(at place, metric int) cell {
	c := b.cells[at]
	switch {
	case c != nil && len(c.values[metric]) > 0:
		v := c.values[metric]
		return cell{Median: new(median(v)), Rounds: v, Errors: c.errors}
	case b.absent[at.subject]:
		return cell{Missing: "not started"}
	case c == nil:
		return cell{Missing: "not run"}
	case errors.Is(c.missed, errNotSpoken):
		return cell{Missing: "n/a"}
	case c.missed != nil:
		return cell{Missing: "failed"}
	}
	return cell{Missing: "unknown"} // no /proc, or no process id
}

// leadOf compares the first subject with the best other one. It is nil where
// there is nothing to compare, or where a ratio would say nothing: with a cost
// of zero or below among them, which is smaller than can be measured.
func (r *row) leadOf(subjects []string) *lead {
	ours := r.Cells[subjects[0]]
	var best *lead
	for _, s := range subjects[1:] {
		theirs := r.Cells[s]
		if ours.Missing != "" || theirs.Missing != "" {
			continue
		}
		if *ours.Median <= 0 || *theirs.Median <= 0 {
			return nil
		}
		ratio := *theirs.Median / *ours.Median
		if r.HigherIsBetter {
			ratio = 1 / ratio
		}
		if best == nil || ratio < best.Ratio {
			best = &lead{Over: s, Ratio: ratio}
		}
	}
	return best
}

// median is the middle value, or the mean of the two in the middle. There is at
// least one.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
