package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// reportEvery is how often the old process tells its figures unasked: so old they
// are at most should it die.
const reportEvery = time.Second

// Successor is the process that is to take over, as the old one has it. Whoever has
// launched it abandons it, or lets it go on.
type Successor struct {
	line   *line
	kill   func() error
	pid    int
	exited chan struct{} // closed once it is gone
	status string        // how, then

	heard   chan message // what it said by itself, before Serve
	answers atomic.Pointer[Answers]

	telling sync.Mutex // held from the look at the figures until they are said
}

// Answers are what the old process says when it is asked, by topic. They are called
// one at a time, on a goroutine of the line's.
type Answers struct {
	// Figures are this process's, for the successor to add to its own.
	Figures func() ([]byte, error)
	Topics  map[string]func(body json.RawMessage) (any, error)
}

// topicFigures is answered by a report, which comes first.
const topicFigures = "figures"

// newSuccessor is a process that has the other end of conn.
func newSuccessor(conn net.Conn, pid int, kill func() error) *Successor {
	s := &Successor{pid: pid, kill: kill, exited: make(chan struct{}), heard: make(chan message, 4)}
	s.line = newLine(conn, s.hear)
	go s.line.run()
	return s
}

// PID is the process's number.
func (s *Successor) PID() int { return s.pid }

func (s *Successor) hear(m message) error {
	switch m.Kind {
	case kindPrepared, kindRefused, kindReady:
		select {
		case s.heard <- m:
			return nil
		default:
			return unexpected(m)
		}
	case kindAsk:
		return s.line.say(s.answer(m))
	}
	return nil // said by a newer one
}

// answer asks those who know. A panic of theirs is the answer.
func (s *Successor) answer(m message) (reply message) {
	reply = message{Kind: kindAnswer, ID: m.ID}
	defer func() {
		if p := recover(); p != nil {
			reply.Error = fmt.Sprintf("panic: %v", p)
		}
	}()
	answers := s.answers.Load()
	if answers == nil {
		reply.Error = "it is too early to ask"
		return reply
	}
	body, err := s.body(answers, m)
	if err == nil {
		reply.Body, err = json.Marshal(body)
	}
	if err != nil {
		reply.Error = err.Error()
	}
	return reply
}

func (s *Successor) body(answers *Answers, m message) (any, error) {
	if m.Topic == topicFigures {
		return nil, s.report(kindReport, answers.Figures)
	}
	if answer := answers.Topics[m.Topic]; answer != nil {
		return answer(m.Body)
	}
	return nil, fmt.Errorf("there is no answer to %.40q", m.Topic)
}

// Prepare says hello and waits until the successor has done all that may fail. The
// error says why it has not, and wraps ErrRefused, ErrProtocol or what ctx ended by.
func (s *Successor) Prepare(ctx context.Context, h Hello) error {
	h.Protocol, h.PID = Protocol, os.Getpid()
	body, err := json.Marshal(h)
	if err == nil {
		err = s.line.say(message{Kind: kindHello, Body: body})
	}
	if err != nil {
		return s.gone(err)
	}
	return s.await(ctx, kindPrepared)
}

// Begin has the successor serve, and waits until it does. It is told what had been
// decided by then, which may have changed since the hello.
func (s *Successor) Begin(ctx context.Context, decided json.RawMessage) error {
	if err := s.line.say(message{Kind: kindBegin, Body: decided}); err != nil {
		return s.gone(err)
	}
	return s.await(ctx, kindReady)
}

func (s *Successor) await(ctx context.Context, want kind) error {
	select {
	case m := <-s.heard:
		return s.understand(m, want)
	case <-s.line.ended:
		select {
		case m := <-s.heard: // its last words
			return s.understand(m, want)
		default:
			return s.gone(s.line.err())
		}
	case <-ctx.Done():
		return fmt.Errorf("the new process has not said that it is %s: %w", want, ctx.Err())
	}
}

func (s *Successor) understand(m message, want kind) error {
	switch m.Kind {
	case want:
		return nil
	case kindRefused:
		return fmt.Errorf("%w: %s", ErrRefused, m.Error)
	}
	return unexpected(m)
}

// goneTime is how long the end of a process may take to be noticed once its line has
// ended.
const goneTime = 2 * time.Second

// gone says how the process has ended, if it has.
func (s *Successor) gone(err error) error {
	patience := time.NewTimer(goneTime)
	defer patience.Stop()
	select {
	case <-s.exited:
		return fmt.Errorf("the new process ended before it was ready (%s), its log says why: %w", s.status, err)
	case <-patience.C:
		return err
	}
}

// Abandon kills the process, which has served nobody or had begun to, and waits for
// its end.
func (s *Successor) Abandon() {
	if err := s.kill(); err == nil || errors.Is(err, os.ErrProcessDone) {
		<-s.exited
	}
	s.line.end(nil)
}

// Serve tells the successor that it has the sockets alone, and from then on answers
// what it asks and reports figures, until the line or ctx ends. An error says that
// the line did.
func (s *Successor) Serve(ctx context.Context, answers Answers) error {
	s.answers.Store(&answers)
	if err := s.report(kindReleased, answers.Figures); err != nil {
		return err
	}
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.report(kindReport, answers.Figures); err != nil {
				return err
			}
		case <-s.line.ended:
			return s.line.err()
		case <-ctx.Done():
			return nil
		}
	}
}

// Final tells the last figures and ends the line. The process goes on by itself.
func (s *Successor) Final(figures func() ([]byte, error)) error {
	err := s.report(kindFinal, figures)
	s.line.end(nil)
	return err
}

// report tells figures. Should there be none, the line goes on without them. Those
// that are said later were looked at later, so that none fall.
func (s *Successor) report(k kind, figures func() ([]byte, error)) error {
	s.telling.Lock()
	defer s.telling.Unlock()
	text, err := figures()
	if err != nil {
		return s.line.say(message{Kind: k})
	}
	body, err := json.Marshal(text)
	if err != nil {
		return err
	}
	return s.line.say(message{Kind: k, Body: body})
}
