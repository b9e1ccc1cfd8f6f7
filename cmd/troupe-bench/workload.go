package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// metric is one row of the table.
type metric struct {
	name   string // with its unit
	higher bool   // more is better
}

// outcome is what one run of a workload gave.
type outcome struct {
	values []float64 // as the workload's metrics; NaN where it cannot be known
	errors int       // operations that failed, while others went well
	first  error     // the first of the errors
}

// workload is one way to load a proxy.
type workload struct {
	name    string // as the table has it
	family  string // as the command line has it, if several go by one name
	about   string
	holds   bool // as many idle sessions as --idle says
	forward bool // the proxy is asked by PROXY headers
	metrics []metric
	run     func(context.Context, *subject, *sizes) (outcome, error)
}

// errNotSpoken: the proxy does not speak what the workload needs, which is no
// failure.
var errNotSpoken = errors.New("not spoken")

// errNotMeant: it is made for something else, of which nothing need be said.
var errNotMeant = fmt.Errorf("%w: it is made for something else", errNotSpoken)

// workloads are all there are, in the order of the table.
func workloads() []workload {
	return []workload{
		sessionsWorkload("sessions", "open, echo 64 bytes, close", false),
		sessionsWorkload("sessions-bind", "the same with BIND before CONNECT, as KumoMTA does it", true),
		forwardWorkload(),
		smtpWorkload(),
		bulkWorkload(1, false), bulkWorkload(1, true),
		bulkWorkload(8, false), bulkWorkload(8, true),
		roundtripWorkload(),
		idleWorkload(),
		scaleWorkload(),
	}
}

// selectWorkloads gives those of the names, or all. A name is that of one
// workload or of a family.
func selectWorkloads(names []string) ([]workload, error) {
	var out []workload
	found := map[string]bool{}
	for _, w := range workloads() {
		take := len(names) == 0
		for _, n := range names {
			if n == w.name || n == w.family {
				take, found[n] = true, true
			}
		}
		if take {
			out = append(out, w)
		}
	}
	for _, n := range names {
		if !found[n] {
			return nil, fmt.Errorf("there is no workload %q; there are:\n%s", n, describeWorkloads())
		}
	}
	return out, nil
}

// describeWorkloads lists them for the help, one a line.
func describeWorkloads() string {
	var b strings.Builder
	for _, w := range workloads() {
		fmt.Fprintf(&b, "  %-14s %s\n", w.name, w.about)
	}
	b.WriteString("The names sessions and bulk mean all of their kind.")
	return b.String()
}

// gave is the outcome of a load that went well, with values for the metrics.
func (t *tally) gave(values ...float64) outcome {
	return outcome{values: values, errors: t.errors, first: t.first}
}

func (t *tally) rate() float64 { return float64(t.done) / t.elapsed.Seconds() }

// microsEach is the processor time of one of n operations, in microseconds.
func (b bill) microsEach(n int) float64 {
	if !b.known {
		return math.NaN()
	}
	return inMicros(b.processor) / float64(n)
}

// mebibytes is the resident memory afterwards.
func (b bill) mebibytes() float64 {
	if !b.known {
		return math.NaN()
	}
	return float64(b.resident) / (1 << 20)
}

func inMicros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
