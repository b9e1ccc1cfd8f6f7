package actors

import (
	"context"
	"time"

	"github.com/troupe-proxy/troupe/internal/task"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// Decider is what a policy is asked. *policy.Hooks implements it. Its methods may
// be called from any goroutine; Authenticate and Request block, the others don't.
type Decider interface {
	Has(event string) bool
	// Patience is how long Authenticate and Request take at most.
	Patience() time.Duration
	// Epoch numbers the state of the world that answers are given in: what was said
	// in an earlier one is to be asked anew.
	Epoch() uint64
	Authenticate(ctx context.Context, user, password string, meta policy.ConnMeta) (policy.AuthInfo, error)
	// Remembered hears of a client that was let in because it had been before.
	Remembered(user string, who policy.AuthInfo, meta policy.ConnMeta)
	Request(ctx context.Context, r policy.RequestInfo, meta policy.ConnMeta) (policy.Decision, error)
	SessionEnd(s policy.SessionSummary)
}

// Hooks are the handlers of one policy and what is known of them. All connections
// that began under the policy ask the same Hooks. Its methods may be called from
// any goroutine; those of a nil *Hooks find no handler.
type Hooks struct {
	decider Decider
	has     handlers
	ends    bool
}

// NewHooks asks d which handlers it has, which does not change.
func NewHooks(d Decider) *Hooks {
	return &Hooks{decider: d, ends: d.Has(policy.EventSessionEnd), has: handlers{
		auth: d.Has(policy.EventAuth), request: d.Has(policy.EventRequest),
		patience: d.Patience() + graceForAnswers,
	}}
}

// graceForAnswers is how much longer than the policy's own limits a machine waits
// for an answer: it is there for an answer that is lost.
const graceForAnswers = 2 * time.Second

func (h *Hooks) handlers() handlers {
	if h == nil {
		return handlers{}
	}
	return h.has
}

func (h *Hooks) wantsEnds() bool { return h != nil && h.ends }

func (h *Hooks) sessionEnd(s policy.SessionSummary) { h.decider.SessionEnd(s) }

// ask puts a question to the policy on a goroutine of its own, which cancelAsk
// ends.
func (c *connection) ask(q *question) {
	c.cancelAsk()
	ctx, cancel := context.WithCancel(context.Background())
	c.forget = cancel
	go c.runAsk(ctx, q, c.meta(), c.record.account)
}

func (c *connection) runAsk(ctx context.Context, q *question, meta policy.ConnMeta, books *account) {
	a := answer{}
	d := c.shared.hooks.decider
	a.err = task.Protect(ctx, func(ctx context.Context) (err error) {
		if q.topic == aboutCredentials {
			a.who, err = c.logIn(ctx, d, q.credentials, meta, books)
		} else {
			a.decision, err = d.Request(ctx, q.request, meta)
		}
		return err
	})
	a.number = q.number
	c.shared.root.Send(c.self, &answered{answer: a})
}

func (c *connection) meta() policy.ConnMeta {
	return policy.ConnMeta{Peer: c.record.client, Local: c.shared.bound}
}

func (c *connection) cancelAsk() {
	if c.forget != nil {
		c.forget()
		c.forget = nil
	}
}
