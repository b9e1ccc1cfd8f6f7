package transport

import (
	"sync"
	"sync/atomic"
)

const (
	// smallBuffer takes any SMTP dialogue and most reads of a message.
	smallBuffer = 16 << 10
	// largeBuffer serves a direction while more comes than smallBuffer takes.
	largeBuffer = 128 << 10
	// tinyBuffer serves who comes when the budget is used up: a command or a reply
	// fits, and a message goes on, slowly.
	tinyBuffer = 1 << 10
	// largeLent bounds the large buffers that are out at once: a direction that
	// stalls keeps the one it has. Who gets none does with a small one.
	largeLent = 64
)

// buffer is what one receive brought. It belongs to one goroutine at a time.
type buffer struct {
	space []byte
	n     int
	home  *buffers
}

// bytes is what was received.
func (b *buffer) bytes() []byte { return b.space[:b.n] }

// free gives the buffer back; nothing of it may be used afterwards.
func (b *buffer) free() {
	b.n = 0
	b.home.put(b)
}

// buffers lends buffers to all sessions of a Network. As many are out as
// directions have bytes in hand, whatever the number of sessions: they are that
// transport's remainders.
type buffers struct {
	budget             *budget
	large, small, tiny sync.Pool
	lent               atomic.Int64 // large ones
}

func newBuffers(shared *budget) *buffers {
	b := &buffers{budget: shared}
	b.large.New = func() any { return &buffer{space: make([]byte, largeBuffer), home: b} }
	b.small.New = func() any { return &buffer{space: make([]byte, smallBuffer), home: b} }
	b.tiny.New = func() any { return &buffer{space: make([]byte, tinyBuffer), home: b} }
	return b
}

// get lends a buffer for at most limit bytes. It may be for fewer.
func (b *buffers) get(limit int) *buffer {
	if limit > smallBuffer && b.takeLarge() {
		return b.large.Get().(*buffer)
	}
	if b.budget.take(smallBuffer) {
		return b.small.Get().(*buffer)
	}
	b.budget.add(tinyBuffer)
	return b.tiny.Get().(*buffer)
}

func (b *buffers) takeLarge() bool {
	if b.lent.Add(1) <= largeLent && b.budget.take(largeBuffer) {
		return true
	}
	b.lent.Add(-1)
	return false
}

func (b *buffers) put(one *buffer) {
	b.budget.release(len(one.space))
	switch len(one.space) {
	case largeBuffer:
		b.lent.Add(-1)
		b.large.Put(one)
	case smallBuffer:
		b.small.Put(one)
	default:
		b.tiny.Put(one)
	}
}
