package transport

import "sync"

const (
	// smallBuffer takes any SMTP dialogue and most reads of a message.
	smallBuffer = 16 << 10
	// largeBuffer serves a direction while more comes than smallBuffer takes.
	largeBuffer = 128 << 10
)

// buffer is what one receive brought. It belongs to one goroutine at a time.
type buffer struct {
	space []byte
	n     int
	home  *sync.Pool
}

// bytes is what was received.
func (b *buffer) bytes() []byte { return b.space[:b.n] }

// free gives the buffer back; nothing of it may be used afterwards.
func (b *buffer) free() {
	b.n = 0
	b.home.Put(b)
}

// buffers lends buffers of two sizes to all sessions of a Network. As many are
// out as directions have bytes in hand, whatever the number of sessions.
type buffers struct {
	small, large sync.Pool
}

func newBuffers() *buffers {
	b := &buffers{}
	b.small.New = func() any { return &buffer{space: make([]byte, smallBuffer), home: &b.small} }
	b.large.New = func() any { return &buffer{space: make([]byte, largeBuffer), home: &b.large} }
	return b
}

// get lends a buffer for at most limit bytes.
func (b *buffers) get(limit int) *buffer {
	if limit > smallBuffer {
		return b.large.Get().(*buffer)
	}
	return b.small.Get().(*buffer)
}
