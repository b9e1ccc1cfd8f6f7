package actors

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/task"
	"github.com/troupe-proxy/troupe/lua/policy"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// Decider is what a policy is asked. *policy.Hooks implements it. Its methods may
// be called from any goroutine; Authenticate and Request block, the others don't.
type Decider interface {
	Has(event string) bool
	// Patience is how long Authenticate and Request take at most.
	Patience() time.Duration
	Authenticate(ctx context.Context, user, password string, meta policy.ConnMeta) (policy.AuthInfo, error)
	Request(ctx context.Context, r policy.RequestInfo, meta policy.ConnMeta) (policy.Decision, error)
	SessionEnd(s policy.SessionSummary)
}

// Hooks are the handlers of the policy in force. Every connection asks the same
// Hooks, so that a session which began under one policy is decided about by the
// next. Its methods may be called from any goroutine; those of a nil *Hooks find
// no handler.
type Hooks struct {
	current atomic.Pointer[inForce]
}

// inForce is one policy's handlers and what is known of them.
type inForce struct {
	decider  Decider
	handlers handlers
	ends     bool
	// turn numbers the policies, so that what one has said is not taken for the
	// word of the next.
	turn uint64
}

// NewHooks puts the first policy's handlers in force.
func NewHooks(d Decider) *Hooks {
	h := &Hooks{}
	h.Swap(d)
	return h
}

// graceForAnswers is how much longer than the policy's own limits a machine waits
// for an answer: it is there for an answer that is lost.
const graceForAnswers = 2 * time.Second

// Swap puts the handlers of another policy in force and returns those before, nil
// the first time. Whoever closes those lets the questions that are under way come
// to their end; one that comes too late is put to the new ones.
func (h *Hooks) Swap(d Decider) (before Decider) {
	next := &inForce{decider: d, ends: d.Has(policy.EventSessionEnd), handlers: handlers{
		auth: d.Has(policy.EventAuth), request: d.Has(policy.EventRequest),
		patience: d.Patience() + graceForAnswers,
	}}
	for {
		old := h.current.Load()
		if old != nil {
			next.turn, before = old.turn+1, old.decider
		}
		if h.current.CompareAndSwap(old, next) {
			return before
		}
	}
}

func (h *Hooks) handlers() handlers {
	if h == nil {
		return handlers{}
	}
	return h.current.Load().handlers
}

func (h *Hooks) wantsEnds() bool { return h != nil && h.current.Load().ends }

func (h *Hooks) sessionEnd(s policy.SessionSummary) { h.current.Load().decider.SessionEnd(s) }

// put asks the policy in force, and again if that was replaced and closed before
// it could answer.
func (h *Hooks) put(ask func(*inForce) error) error {
	for {
		asked := h.current.Load()
		err := ask(asked)
		if !errors.Is(err, pool.ErrClosed) || h.current.Load() == asked {
			return err
		}
	}
}

// ask puts a question to the policy on a goroutine of its own, which cancelAsk
// ends.
func (c *connection) ask(q *question) {
	c.cancelAsk()
	ctx, cancel := context.WithCancel(context.Background())
	c.forget = cancel
	go c.runAsk(ctx, q, c.meta())
}

func (c *connection) runAsk(ctx context.Context, q *question, meta policy.ConnMeta) {
	a := answer{}
	err := task.Protect(ctx, func(ctx context.Context) error {
		return c.shared.hooks.put(func(f *inForce) (err error) {
			if q.topic == aboutCredentials {
				a.who, err = c.limits.auth.authenticate(ctx, f, q.credentials, meta)
			} else {
				a.decision, err = f.decider.Request(ctx, q.request, meta)
			}
			return err
		})
	})
	a.number, a.err = q.number, err
	c.shared.root.Send(c.self, &answered{answer: a})
}

func (c *connection) meta() policy.ConnMeta {
	return policy.ConnMeta{Peer: c.record.client, Local: c.conn.Local()}
}

func (c *connection) cancelAsk() {
	if c.forget != nil {
		c.forget()
		c.forget = nil
	}
}
