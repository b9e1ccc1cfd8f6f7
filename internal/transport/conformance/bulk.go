package conformance

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"
)

// Bulk is made, sent and compared by whole blocks and in bounded memory: a loop
// of ours that touches each byte, and the pages of what is only sent once, are
// what a run under the race detector would mostly consist of.

// stretch is how much of a long stream is made at once.
const stretch = 256 << 10

// stream makes bytes of which no two stretches are alike: a cipher's key stream.
// The seed chooses which.
func stream(seed int) cipher.Stream {
	var key, start [aes.BlockSize]byte
	binary.LittleEndian.PutUint64(key[:], uint64(seed))
	c, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the length of the key is right
	}
	return cipher.NewCTR(c, start[:])
}

// pattern is n bytes of a stream.
func pattern(n int) []byte {
	b := make([]byte, n)
	stream(n).XORKeyStream(b, b)
	return b
}

// sending is a stream that is being sent on a goroutine of its own.
type sending struct {
	done chan struct{}
	n    int
	sum  uint32 // of what sendLong sent
	err  error
}

// send sends p, then the end of the stream if that is asked for.
func send(c peer, p []byte, end bool) *sending {
	s := &sending{done: make(chan struct{})}
	go s.run(c, p, end)
	return s
}

func (s *sending) run(c peer, p []byte, end bool) {
	defer close(s.done)
	if s.n, s.err = c.Write(p); s.err == nil && end {
		s.err = c.CloseWrite()
	}
}

// sendLong sends n bytes of a stream, then the end if that is asked for.
func sendLong(c peer, n int, end bool) *sending {
	s := &sending{done: make(chan struct{})}
	go s.runLong(c, n, end)
	return s
}

func (s *sending) runLong(c peer, n int, end bool) {
	defer close(s.done)
	made, zero, piece := stream(n), make([]byte, stretch), make([]byte, stretch)
	for s.n < n && s.err == nil {
		p := piece[:min(stretch, n-s.n)]
		made.XORKeyStream(p, zero[:len(p)])
		s.sum = crc32.Update(s.sum, crc32.IEEETable, p)
		var sent int
		sent, s.err = c.Write(p)
		s.n += sent
	}
	if s.err == nil && end {
		s.err = c.CloseWrite()
	}
}

// wait waits until all is sent, or nothing more can be.
func (s *sending) wait() (int, error) {
	<-s.done
	return s.n, s.err
}

// receiving is a stream that is being read to its end on a goroutine of its own.
type receiving struct {
	done chan struct{}
	n    int
	sum  uint32
	err  error // nil: an end of stream
}

func receive(c peer) *receiving {
	r := &receiving{done: make(chan struct{})}
	go r.run(c)
	return r
}

func (r *receiving) run(c peer) {
	defer close(r.done)
	sum := crc32.NewIEEE()
	n, err := io.Copy(sum, struct{ io.Reader }{c})
	r.n, r.sum, r.err = int(n), sum.Sum32(), err
}

// want waits for the end of the stream and compares all of it.
func (r *receiving) want(t *testing.T, p []byte) {
	t.Helper()
	r.wantSum(t, len(p), crc32.ChecksumIEEE(p))
}

// wantAll waits until all is sent and compares it with what came.
func (r *receiving) wantAll(t *testing.T, s *sending) {
	t.Helper()
	n, err := s.wait()
	if err != nil {
		t.Errorf("send: %v after %d bytes", err, n)
	}
	r.wantSum(t, n, s.sum)
}

func (r *receiving) wantSum(t *testing.T, n int, sum uint32) {
	t.Helper()
	<-r.done
	if r.err != nil || r.n != n || r.sum != sum {
		t.Errorf("received: got %d bytes, sum %x, %v; want %d bytes, sum %x, end of stream", r.n, r.sum, r.err, n, sum)
	}
}
