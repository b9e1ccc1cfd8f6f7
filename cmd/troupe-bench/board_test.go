package main

import (
	"errors"
	"testing"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []float64
		want float64
	}{
		{[]float64{7}, 7}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 9, 2}, 3},
	} {
		if got := median(c.in); got != c.want {
			t.Errorf("%v: got %v; want %v", c.in, got, c.want)
		}
	}
	in := []float64{2, 1}
	median(in)
	if in[0] != 2 {
		t.Error("the rounds were put into another order")
	}
}

func TestLead(t *testing.T) {
	t.Parallel()
	subjects := []string{"troupe", "a", "b"}
	value := func(v float64) cell { return cell{Median: &v} }
	for _, c := range []struct {
		name            string
		higher          bool
		troupe, a, b    cell
		wantOver        string
		wantRatio       float64
		wantNoComparing bool
	}{
		{name: "rate won", higher: true, troupe: value(30), a: value(20), b: value(10), wantOver: "a", wantRatio: 1.5},
		{name: "rate lost", higher: true, troupe: value(10), a: value(5), b: value(20), wantOver: "b", wantRatio: 0.5},
		{name: "cost won", troupe: value(10), a: value(40), b: value(20), wantOver: "b", wantRatio: 2},
		{name: "cost lost", troupe: value(10), a: value(5), b: value(20), wantOver: "a", wantRatio: 0.5},
		{name: "one missing", troupe: value(10), a: cell{Missing: "n/a"}, b: value(20), wantOver: "b", wantRatio: 2},
		{name: "all missing", troupe: value(10), a: cell{Missing: "n/a"}, b: cell{Missing: "n/a"}, wantNoComparing: true},
		{name: "ours missing", troupe: cell{Missing: "failed"}, a: value(1), b: value(1), wantNoComparing: true},
		{name: "theirs unmeasurably small", troupe: value(10), a: value(0), b: value(20), wantNoComparing: true},
	} {
		r := row{HigherIsBetter: c.higher, Cells: map[string]cell{"troupe": c.troupe, "a": c.a, "b": c.b}}
		got := r.leadOf(subjects)
		switch {
		case (got == nil) != c.wantNoComparing:
			t.Errorf("%s: got %v", c.name, got)
		case got != nil && (got.Over != c.wantOver || got.Ratio != c.wantRatio):
			t.Errorf("%s: got %v over %s; want %v over %s", c.name, got.Ratio, got.Over, c.wantRatio, c.wantOver)
		}
	}
}

// TestSettled: what cannot change is not tried again, and what may be a passing
// trouble is.
func TestSettled(t *testing.T) {
	t.Parallel()
	one, two := workload{name: "one"}, workload{name: "two"}
	for _, c := range []struct {
		err                        error
		wantOne, wantTwo, wantHole bool
	}{
		{nil, false, false, false},
		{errors.New("reset"), false, false, true},
		{errNotSpoken, true, false, false},
		{errNotStarted, true, true, true},
	} {
		b := newBoard([]workload{one, two})
		b.add(two, "p", outcome{}, nil)
		b.add(one, "p", outcome{}, c.err)
		if got := b.settled(one, "p"); got != c.wantOne {
			t.Errorf("%v: settled: got %v; want %v", c.err, got, c.wantOne)
		}
		if got := b.settled(two, "p"); got != c.wantTwo {
			t.Errorf("%v: settled elsewhere: got %v; want %v", c.err, got, c.wantTwo)
		}
		if got := b.failed("p"); got != c.wantHole {
			t.Errorf("%v: failed: got %v; want %v", c.err, got, c.wantHole)
		}
	}
}
