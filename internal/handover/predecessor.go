package handover

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Predecessor is the process that is taken over from, as the new one has it. Its
// methods may be called from any goroutine, but for those that take part in the
// hand-over, which are called in their order: Prepared, Ready.
type Predecessor struct {
	line  *line
	hello Hello
	began chan struct{} // closed when it may serve
	word  message       // by which it may; set before began is closed
	freed chan struct{} // closed when nobody else does
	once  struct{ began, freed, greeted sync.Once }
	greet chan struct{} // closed when hello has come

	finished atomic.Bool // the last figures have come
	reported atomic.Pointer[func(figures []byte, last bool)]

	mu      sync.Mutex
	next    uint64                  // question; guarded by mu
	waiting map[uint64]chan message // for its answer; guarded by mu
}

// newPredecessor waits for the hello on the line.
func newPredecessor(conn net.Conn) (*Predecessor, error) {
	p := &Predecessor{
		began: make(chan struct{}), freed: make(chan struct{}), greet: make(chan struct{}), waiting: make(map[uint64]chan message),
	}
	p.line = newLine(conn, p.hear)
	go p.line.run()
	patience := time.NewTimer(helloTime)
	defer patience.Stop()
	select {
	case <-p.greet:
	case <-p.line.ended:
		return nil, p.line.err()
	case <-patience.C:
		p.line.end(nil)
		return nil, fmt.Errorf("the process to take over from says nothing: %w", os.ErrDeadlineExceeded)
	}
	if p.hello.Protocol != Protocol {
		err := fmt.Errorf("%w: version %d is running, and %d is installed", ErrProtocol, p.hello.Protocol, Protocol)
		p.Refuse(err)
		return nil, err
	}
	return p, nil
}

func (p *Predecessor) hear(m message) error {
	switch m.Kind {
	case kindHello:
		return p.heardHello(m)
	case kindBegin:
		p.once.began.Do(func() {
			p.word = m
			close(p.began)
		})
	case kindReleased, kindReport, kindFinal:
		p.heardFigures(m)
		if m.Kind == kindReleased {
			p.once.freed.Do(func() { close(p.freed) })
		}
	case kindAnswer:
		p.mu.Lock()
		defer p.mu.Unlock()
		if answer := p.waiting[m.ID]; answer != nil {
			delete(p.waiting, m.ID)
			answer <- m // it has room
		}
	}
	return nil
}

func (p *Predecessor) heardHello(m message) error {
	err := unexpected(m)
	p.once.greeted.Do(func() {
		if err = json.Unmarshal(m.Body, &p.hello); err == nil {
			close(p.greet)
		}
	})
	return err
}

// heardFigures passes figures on. Those that cannot be read are left out.
func (p *Predecessor) heardFigures(m message) {
	var figures []byte
	if json.Unmarshal(m.Body, &figures) != nil {
		return
	}
	if m.Kind == kindFinal {
		defer p.finished.Store(true)
	}
	if tell := p.reported.Load(); tell != nil {
		(*tell)(figures, m.Kind == kindFinal)
	}
}

// Hello is what it said first.
func (p *Predecessor) Hello() Hello { return p.hello }

// Reported has tell called with the figures that come unasked, on the line's
// goroutine. It is called once, before Prepared.
func (p *Predecessor) Reported(tell func(figures []byte, last bool)) { p.reported.Store(&tell) }

// Refuse says why this process cannot take over, and ends the line.
func (p *Predecessor) Refuse(why error) {
	_ = p.line.say(message{Kind: kindRefused, Error: why.Error()}) // it may be gone
	p.line.end(nil)
}

// Prepared says that all has been done that may fail, and waits until clients may
// be served: at the word of the old process, or when that has died. The error is
// that of ctx, or wraps ErrLost.
func (p *Predecessor) Prepared(ctx context.Context) error {
	_ = p.line.say(message{Kind: kindPrepared}) // the line ends when it is gone
	if err := p.await(ctx, p.began); err != nil {
		return err
	}
	select {
	case <-p.began:
		return nil
	default:
		return p.awaitDeath(ctx)
	}
}

// Decided is what the old process had decided when it gave its word; nil: it has said
// nothing of that, or has died before. It is called after Prepared.
func (p *Predecessor) Decided() json.RawMessage {
	select {
	case <-p.began:
		return p.word.Body
	default:
		return nil
	}
}

// deathTime is how long after the end of its line a process may take to be gone.
const deathTime = 5 * time.Second

// awaitDeath waits until the old process is gone, which has not said that this one
// may serve: two must not go on.
func (p *Predecessor) awaitDeath(ctx context.Context) error {
	tick, patience := time.NewTicker(10*time.Millisecond), time.NewTimer(deathTime)
	defer tick.Stop()
	defer patience.Stop()
	for p.Lives() {
		select {
		case <-tick.C:
		case <-patience.C:
			return p.line.err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Ready says that clients are served, and waits until nobody else serves the
// sockets, which is so once the old process has died too. The error is that of ctx.
func (p *Predecessor) Ready(ctx context.Context) error {
	_ = p.line.say(message{Kind: kindReady})
	return p.await(ctx, p.freed)
}

func (p *Predecessor) await(ctx context.Context, word <-chan struct{}) error {
	select {
	case <-word:
	case <-p.line.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Ended is closed when the line has ended: the old process has told its last
// figures, has died, or cannot be understood.
func (p *Predecessor) Ended() <-chan struct{} { return p.line.ended }

// Err is why the line has ended; nil: after the last figures, as it should.
func (p *Predecessor) Err() error {
	if p.finished.Load() {
		return nil
	}
	return p.line.err()
}

// Lives says whether the old process is there still, whatever became of the line.
func (p *Predecessor) Lives() bool { return os.Getppid() == p.hello.PID }

// Ask asks the old process about a topic. The error wraps ErrLost, is that of ctx,
// or is the answer.
func (p *Predecessor) Ask(ctx context.Context, topic string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	id, answers := p.expect()
	defer p.forget(id)
	if err := p.line.say(message{Kind: kindAsk, ID: id, Topic: topic, Body: body}); err != nil {
		return err
	}
	select {
	case m := <-answers:
		if m.Error != "" {
			return fmt.Errorf("the old process: %s", m.Error)
		}
		return json.Unmarshal(m.Body, answer)
	case <-p.line.ended:
		return p.line.err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// AskFigures asks for a report, which has come when it returns; see Reported.
func (p *Predecessor) AskFigures(ctx context.Context) error {
	var none any
	return p.Ask(ctx, topicFigures, nil, &none)
}

func (p *Predecessor) expect() (id uint64, answer <-chan message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	c := make(chan message, 1)
	p.waiting[p.next] = c
	return p.next, c
}

func (p *Predecessor) forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}
