package handover

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// line is one end of the socket pair. hear is called for each message, on the
// line's one goroutine; an error of it ends the line, and so does a panic.
type line struct {
	conn net.Conn
	hear func(message) error

	writing sync.Mutex

	mu    sync.Mutex
	cause error         // guarded by mu
	ended chan struct{} // closed by end
}

func newLine(conn net.Conn, hear func(message) error) *line {
	return &line{conn: conn, hear: hear, ended: make(chan struct{})}
}

// run hears the other side until the line ends.
func (l *line) run() { l.end(l.listen()) }

func (l *line) listen() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	r := bufio.NewReader(l.conn)
	for {
		m, err := readMessage(r)
		if err != nil {
			return err
		}
		if err := l.hear(m); err != nil {
			return err
		}
	}
}

// say sends a message. A line on which nobody makes room is ended. One that the other
// side has ended is left to run, which may have more to hear.
func (l *line) say(m message) error {
	text, err := encode(m)
	if err != nil {
		return err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(sayTime)); err != nil {
		return l.lost(err)
	}
	if _, err := l.conn.Write(text); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			l.end(err)
		}
		return l.lost(err)
	}
	return nil
}

// lost is the error of a message that could not be said: why the line has ended, if it
// has.
func (l *line) lost(err error) error {
	select {
	case <-l.ended:
		return l.err()
	default:
		return errors.Join(ErrLost, err)
	}
}

// end closes the line. The first cause is kept.
func (l *line) end(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.ended:
	default:
		l.cause = cause
		close(l.ended)
		_ = l.conn.Close() // nobody needs it any more
	}
}

// err is why the line has ended: ErrLost, and what else is known.
func (l *line) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil || errors.Is(l.cause, io.EOF) {
		return ErrLost
	}
	return fmt.Errorf("%w: %w", ErrLost, l.cause)
}

// encode is a message as it goes over the line.
func encode(m message) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(body) > longestMessage {
		return nil, fmt.Errorf("a message of %d bytes is longer than %d", len(body), longestMessage)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...), nil
}

// readMessage reads one message. Memory is taken as bytes come, so that a length
// alone costs nothing. The error is io.EOF at the end, or wraps ErrGarbled.
func readMessage(r io.Reader) (m message, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%w: it broke off", ErrGarbled)
		}
		return m, err
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if size > longestMessage {
		return m, fmt.Errorf("%w: it would have %d bytes", ErrGarbled, size)
	}
	text, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil {
		return m, err
	}
	if int64(len(text)) < size {
		return m, fmt.Errorf("%w: it broke off", ErrGarbled)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("%w: %w", ErrGarbled, err)
	}
	return m, nil
}

// unexpected is the error of a message that is out of place.
func unexpected(m message) error { return fmt.Errorf("%w: %.20q out of place", ErrGarbled, m.Kind) }
