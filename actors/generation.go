package actors

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/supervise"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// generation is a policy with its handlers and the count of those who live by it:
// the tree while it is the newest, each listener and each call of Serve that takes
// clients by it, each session, each HTTP request. A session keeps the policy it
// began with, so an old one is closed only when the last of its sessions has
// ended. Its methods may be called from any goroutine.
type generation struct {
	policy *policy.Policy
	hooks  *Hooks // nil: it has no handlers
	log    *slog.Logger
	users  atomic.Int64  // once 0 it stays 0
	closed chan struct{} // once the policy is
}

// lastWords is how long a policy stays open for the session that left it last,
// which tells it of its end after that.
const lastWords = 100 * time.Millisecond

// newGeneration takes a policy over. The caller is its first user.
func (c *Config) newGeneration(p *policy.Policy) *generation {
	g := &generation{policy: p, hooks: c.Hooks, log: c.Log(targetActors), closed: make(chan struct{})}
	if g.hooks == nil && p.Hooks != nil {
		g.hooks = NewHooks(p.Hooks)
	}
	g.users.Store(1)
	return g
}

// join counts one more user, who owes a leave. False: the last has left, and the
// policy is closed; who comes from a user of it need not look.
func (g *generation) join() bool {
	for {
		n := g.users.Load()
		if n == 0 {
			return false
		}
		if g.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave counts a user less. After the last, the policy is closed, on a goroutine
// of its own: it may wait for a handler that does not return, and whoever leaves
// is in an actor's turn.
func (g *generation) leave() {
	switch {
	case g.users.Add(-1) > 0:
	case g.hooks.wantsEnds():
		time.AfterFunc(lastWords, g.close)
	default:
		go g.close()
	}
}

func (g *generation) close() {
	defer close(g.closed)
	supervise.Contain(g.log, g.policy.Close)
}

func (g *generation) isClosed() bool {
	select {
	case <-g.closed:
		return true
	default:
		return false
	}
}
