package policy

import (
	"context"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/pool"
)

// sessionEndEvent tells the policy of a session that has ended. KumoMTA has none
// like it.
const sessionEndEvent = "proxy_server_session_end"

// EventSessionEnd is the event of SessionEnd, for Has.
const EventSessionEnd = sessionEndEvent

// SessionSummary is what is known of a session that has ended.
type SessionSummary struct {
	Meta ConnMeta
	Auth AuthInfo
	// Source and Destination are empty when nothing was dialled.
	Source, Destination string
	// Outcome is "completed" or "failed"; End is how a completed one ended, "fin"
	// or "reset"; Reason and Fault are why a failed one did.
	Outcome, End, Reason, Fault string
	// Received came from the client, Sent went to it, in bytes.
	Received, Sent uint64
	Duration       time.Duration
}

func (s SessionSummary) table(L *lua.LState) *lua.LTable {
	t := s.Meta.table(L)
	s.Auth.into(t, L)
	for key, text := range map[string]string{
		"source": s.Source, "destination": s.Destination,
		"outcome": s.Outcome, "end": s.End, "reason": s.Reason, "fault": s.Fault,
	} {
		if text != "" {
			t.RawSetString(key, lua.LString(text))
		}
	}
	t.RawSetString("bytes_received", lua.LNumber(s.Received))
	t.RawSetString("bytes_sent", lua.LNumber(s.Sent))
	t.RawSetString("duration", lua.LNumber(s.Duration.Seconds()))
	return t
}

// mostEnds is how many ends of sessions may wait to be told.
const mostEnds = 1024

// sessionEnds tells the policy of sessions that have ended, on goroutines of its
// own. They begin with the first end and last until close.
type sessionEnds struct {
	hooks *Hooks
	pool  *pool.Pool[*state]
	ctx   context.Context
	end   context.CancelFunc

	mu      sync.RWMutex // held by writers while queue is closed
	queue   chan SessionSummary
	closed  bool
	begin   sync.Once
	workers group
}

func (q *sessionEnds) open(h *Hooks) {
	q.hooks, q.pool = h, h.pool(sessionStates)
	q.ctx, q.end = context.WithCancel(context.Background())
}

// SessionEnd has the policy told of a session. It never waits: when too many ends
// wait already, this one is dropped and counted.
func (h *Hooks) SessionEnd(s SessionSummary) {
	if h.Has(sessionEndEvent) {
		h.ends.add(s)
	}
}

func (q *sessionEnds) add(s SessionSummary) {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		q.hooks.program.options.Meter.Drop()
		return
	}
	q.begin.Do(func() { // most policies have no such handler, and need no queue of 200 KiB
		q.queue = make(chan SessionSummary, mostEnds)
		for range sessionStates {
			q.workers.Go(q.work)
		}
	})
	select {
	case q.queue <- s:
	default:
		q.hooks.program.options.Meter.Drop()
	}
}

// work is one of the goroutines.
func (q *sessionEnds) work() {
	for s := range q.queue {
		if q.ctx.Err() != nil {
			q.hooks.program.options.Meter.Drop()
			continue
		}
		if err := q.tell(s); err != nil {
			q.hooks.logFailure("the policy could not be told of the end of a session", err)
		}
	}
}

func (q *sessionEnds) tell(s SessionSummary) error {
	return q.hooks.ask(q.ctx, q.pool, query{
		event: sessionEndEvent,
		args:  func(L *lua.LState) []lua.LValue { return []lua.LValue{s.table(L)} },
		read:  func(lua.LValue) error { return nil }, // what it returns is nobody's
	})
}

// close tells what waits, for as long as one call may take, and ends the goroutines.
func (q *sessionEnds) close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		if q.queue != nil {
			close(q.queue)
		}
	}
	q.mu.Unlock()
	q.workers.waitFor(q.hooks.limits.Deadline)
	q.end()
	q.pool.Close()
	q.workers.Wait() // soon: whatever they wait for has ended
}
