package transport

import "sync/atomic"

// budgetBytes is what the remainders of all sessions may take: those of some
// four thousand directions.
const budgetBytes = 64 << 20

// budget bounds the memory for what has come from one side and what the other
// side's socket has not taken. There is one for all sessions of a Network,
// whatever carries them. Who finds it used up does with less, and goes on.
type budget struct {
	limit int64 // constant
	held  atomic.Int64
}

func newBudget() *budget { return &budget{limit: budgetBytes} }

// take counts n bytes in, if there is room for them.
func (b *budget) take(n int) bool {
	if b.held.Add(int64(n)) <= b.limit {
		return true
	}
	b.held.Add(int64(-n))
	return false
}

// add counts n bytes in that have to be kept.
func (b *budget) add(n int) { b.held.Add(int64(n)) }

// release counts n bytes out.
func (b *budget) release(n int) { b.held.Add(int64(-n)) }

// spare reports whether there is room for n bytes more.
func (b *budget) spare(n int) bool { return b.held.Load()+int64(n) <= b.limit }
