package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of a dump.
const (
	defaultDumpTime = 5 * time.Second
	// mostDumpTime leaves time to send what was written.
	mostDumpTime = writeTimeout / 2
	mostDumped   = 1 << 20 // bytes
)

// taskDump shows what the goroutines are doing: how many are at each place, the
// most first. Only places are shown and no values, so that no secret can be in it.
// The world stands still while they are counted, so that is done for one client
// at a time.
type taskDump struct {
	turn chan struct{}
}

func newTaskDump() *taskDump { return &taskDump{turn: make(chan struct{}, 1)} }

// taskDumpQuery are the parameters of the dump.
type taskDumpQuery struct {
	Timeout uint64 `query:"timeout" default:"5" description:"Seconds after which the dump is cut short; more than half a minute is half a minute."`
}

// ServeHTTP implements http.Handler.
func (d *taskDump) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	timeout, err := dumpTime(r.URL)
	if err != nil {
		writeText(w, http.StatusBadRequest, "Failed to deserialize query string: "+err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		writeError(w, http.StatusServiceUnavailable, "another dump is being made")
		return
	}
	writeText(w, http.StatusOK, dumpTasks(ctx))
}

// dumpTime is what the query allows.
func dumpTime(u *url.URL) (time.Duration, error) {
	query, err := parseQuery(u, "timeout")
	if err != nil || query["timeout"] == "" {
		if u.Query().Has("timeout") && err == nil {
			err = fmt.Errorf("timeout: expected a whole number of seconds, got nothing")
		}
		return defaultDumpTime, err
	}
	seconds, err := strconv.ParseUint(query["timeout"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("timeout: expected a whole number of seconds, got %q", cut(query["timeout"]))
	}
	return time.Duration(min(seconds, uint64(mostDumpTime/time.Second))) * time.Second, nil
}

// stack is where some goroutines are: program counters, the innermost first.
// Only so many are known.
type stack [32]uintptr

// dumpTasks writes the dump until it is long enough or ctx ends.
func dumpTasks(ctx context.Context) string {
	records := goroutines()
	counts := make(map[stack]int)
	for i := range records {
		counts[records[i].Stack0]++
	}
	stacks := make([]stack, 0, len(counts))
	for s := range counts {
		stacks = append(stacks, s)
	}
	slices.SortFunc(stacks, func(a, b stack) int {
		if n := counts[b] - counts[a]; n != 0 {
			return n
		}
		return slices.Compare(a[:], b[:])
	})
	var out strings.Builder
	fmt.Fprintf(&out, "goroutines: %d at %d places\n", len(records), len(stacks))
	for i, s := range stacks {
		if out.Len() > mostDumped || ctx.Err() != nil {
			fmt.Fprintf(&out, "\ncut short: %d more places\n", len(stacks)-i)
			break
		}
		writeStack(&out, counts[s], s)
	}
	return out.String()
}

// goroutines are the stacks of all there are.
func goroutines() []runtime.StackRecord {
	for {
		const room = 16 // for those that start meanwhile
		records := make([]runtime.StackRecord, runtime.NumGoroutine()+room)
		if n, ok := runtime.GoroutineProfile(records); ok {
			return records[:n]
		}
	}
}

func writeStack(out *strings.Builder, count int, s stack) {
	fmt.Fprintf(out, "\n%d at\n", count)
	depth := slices.Index(s[:], 0)
	if depth < 0 {
		depth = len(s)
	}
	for frames := runtime.CallersFrames(s[:depth]); ; {
		frame, more := frames.Next()
		fmt.Fprintf(out, "  %s %s:%d\n", frame.Function, frame.File, frame.Line)
		if !more {
			return
		}
	}
}
