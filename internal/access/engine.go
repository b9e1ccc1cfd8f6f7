package access

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync/atomic"
	"time"
)

// The lifetimes of what is remembered, as KumoMTA documents them.
const (
	definitionTTL = 5 * time.Minute
	decisionTTL   = 5 * time.Minute
)

// Define asks the policy for the list of a resource; nil says that it has none.
// A Define of nil stands for a policy that has nothing to say about any resource.
type Define func(ctx context.Context, resource string) (*List, error)

// Engine decides, and remembers for a while what it has decided and what the
// policy has said. It belongs to one policy. Its methods may be called from any
// goroutine.
type Engine struct {
	builtin     *Map
	noBuiltin   atomic.Bool
	definitions *cache[string, *List]
	decisions   *cache[decisionKey, Decision]
}

type decisionKey [sha256.Size]byte

// NewEngine makes an engine. Whenever epoch gives another number than before, what
// was remembered is forgotten; nil means that it never does.
func NewEngine(epoch func() uint64) *Engine {
	if epoch == nil {
		epoch = func() uint64 { return 0 }
	}
	return &Engine{
		builtin:     Builtin(),
		definitions: newCache[string, *List](definitionTTL, epoch),
		decisions:   newCache[decisionKey, Decision](decisionTTL, epoch),
	}
}

// SetFallBack says whether the built-in lists stand for the resources of which the
// policy, that was asked, has none. They do unless it is told otherwise.
func (e *Engine) SetFallBack(on bool) {
	if e.noBuiltin.Swap(!on) == on {
		e.decisions.entries.Purge()
	}
}

// SetDefinitionTTL says for how long a list is remembered, from now on; 0 asks the
// policy each time.
func (e *Engine) SetDefinitionTTL(d time.Duration) { e.definitions.ttl.Store(int64(d)) }

// SetDecisionTTL says for how long a decision is remembered, from now on.
func (e *Engine) SetDecisionTTL(d time.Duration) { e.decisions.ttl.Store(int64(d)) }

// Decide answers a query. An error is that of define, with the resource: then
// nothing is decided, and nothing is remembered of it.
func (e *Engine) Decide(ctx context.Context, q Query, define Define) (Decision, error) {
	return e.decisions.get(keyOf(q), func() (Decision, error) { return e.decide(ctx, q, define) })
}

func (e *Engine) decide(ctx context.Context, q Query, define Define) (Decision, error) {
	d := Decision{}
	for _, resource := range q.Resource.chain {
		l, err := e.list(ctx, resource, define)
		if err != nil {
			return Decision{}, fmt.Errorf("who may use %s is not known: %w", resource, err)
		}
		if l != nil {
			if r := l.Decide(q.Who, q.Privilege); r != nil {
				d.Allow, d.Rule, d.Matching = r.Allow, r, resource
				return d, nil
			}
		}
		d.Considered = append(d.Considered, resource)
	}
	return d, nil
}

// list is the policy's, or else the built-in one.
func (e *Engine) list(ctx context.Context, resource string, define Define) (*List, error) {
	if define == nil {
		return e.builtin.Get(resource), nil
	}
	said, err := e.definitions.get(resource, func() (*List, error) { return define(ctx, resource) })
	if err != nil || said != nil || e.noBuiltin.Load() {
		return said, err
	}
	return e.builtin.Get(resource), nil
}

// keyOf is the same for two queries only if they have the same answer. A hash has
// one size whatever a client writes into a path.
func keyOf(q Query) (key decisionKey) {
	h := sha256.New()
	write(h, q.Privilege, q.Resource.String(), q.Who.Peer.String())
	for _, id := range q.Who.Identities {
		write(h, "i", id.Identity, id.Context)
	}
	for _, g := range q.Who.Groups {
		write(h, "g", g)
	}
	h.Sum(key[:0])
	return key
}

// write adds texts with their lengths, so that one does not run into the next.
func write(h hash.Hash, texts ...string) {
	for _, t := range texts {
		_ = binary.Write(h, binary.BigEndian, uint32(len(t))) // a hash takes everything
		_, _ = h.Write([]byte(t))
	}
}
