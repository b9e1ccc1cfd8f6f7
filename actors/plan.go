package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/troupe-proxy/troupe/internal/task"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// plan is what a reload is going to do. What could fail has been done by then:
// sockets are open, certificates read.
type plan struct {
	generation *generation
	listeners  []*keptListener
	web        []*keptSocket
	removed    []*openListener
	removedWeb []*webSocket
	difference Difference

	// Set by the supervisor: closed with the sockets of removed, and as soon as
	// listeners take clients as planned.
	closed, begun []<-chan struct{}
}

// keptListener is a listener of the new policy. was is nil if it is new.
type keptListener struct {
	was, is *openListener
}

// keptSocket is an HTTP listener of the new policy. manner is how it is to be
// served, if it was open before.
type keptSocket struct {
	socket   *webSocket
	added    bool
	manner   *manner
	source   *tlsconf.Source
	replaced *tlsconf.Source // what it had before
	permits  bool            // other permissions than before, already
}

// running is what the newest policy has open.
type running struct {
	generation *generation
	older      []*generation // that may have sessions still
	listeners  []*openListener
	web        []*webSocket
}

// prepare makes a plan, or changes nothing: the error names the place in the
// policy. It may wait for names and disks.
func (s *System) prepare(ctx context.Context, g *generation) (*plan, error) {
	p := &plan{generation: g}
	err := s.prepareListeners(ctx, p)
	if err == nil {
		err = s.prepareWeb(ctx, p)
	}
	for _, l := range p.listeners {
		if err == nil && l.was == nil {
			err = l.is.openAccount(s.config)
		}
	}
	if err != nil {
		p.abandon(s.config)
		return nil, err
	}
	return p, nil
}

func (s *System) prepareListeners(ctx context.Context, p *plan) error {
	wanted := p.generation.policy.Listeners
	partners := pair(ctx, len(wanted), func(i int) string { return wanted[i].Listen }, len(s.running.listeners), func(j int) endpoint {
		o := s.running.listeners[j]
		return endpoint{asked: o.asked.Listen, bound: o.config.Address}
	})
	for j, o := range s.running.listeners {
		if !slices.Contains(partners, j) {
			p.removed = append(p.removed, o)
			p.difference.Removed = append(p.difference.Removed, o.title())
		}
	}
	for i := range wanted {
		l, err := s.prepareListener(ctx, p, &wanted[i], partners[i])
		if err != nil {
			return fmt.Errorf("%s: %w", wanted[i].At, s.explain(err, p))
		}
		p.listeners = append(p.listeners, l)
	}
	return nil
}

func (s *System) prepareListener(ctx context.Context, p *plan, l *policy.Listener, partner int) (*keptListener, error) {
	if partner < 0 {
		o, err := s.config.openListener(ctx, l)
		if err != nil {
			return nil, err
		}
		p.difference.Added = append(p.difference.Added, o.title())
		return &keptListener{is: o}, nil
	}
	was := s.running.listeners[partner]
	is, err := s.keep(ctx, was, l)
	if err != nil {
		return nil, err
	}
	p.difference.note(is.title(), changes(was.asked, *l))
	return &keptListener{was: was, is: is}, nil
}

// keep is a listener that stays, as another policy asks for it.
func (s *System) keep(ctx context.Context, was *openListener, l *policy.Listener) (*openListener, error) {
	source, err := s.keepTLS(was.source, listenerTLS(&was.asked), l.UseTLS, listenerTLS(l))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	is, err := s.config.newOpenListener(l, was.config.Address, source)
	if err != nil {
		return nil, err
	}
	is.account = was.account
	if is.config == was.config {
		return is, nil
	}
	is.socket, err = s.shareSocket(ctx, was, is)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	return is, nil
}

// keepTLS is the source of a listener that stays: the same one, unless the policy
// has it read something else.
func (s *System) keepTLS(was *tlsconf.Source, old tlsconf.Options, use bool, o tlsconf.Options) (*tlsconf.Source, error) {
	o.NextProtos = old.NextProtos
	same := old.Hostname == o.Hostname && old.Certificate == o.Certificate && old.PrivateKey == o.PrivateKey && old.ClientCA == o.ClientCA
	if use && was != nil && same {
		return was, nil
	}
	return s.config.openTLS(use, o)
}

// shareSocket asks a listener for its socket.
func (s *System) shareSocket(ctx context.Context, was, is *openListener) (transport.Listener, error) {
	answer := make(chan sharedSocket, 1)
	s.actors.Root.Send(s.root, &share{listener: was, config: is.config, answer: answer})
	select {
	case shared := <-answer:
		return shared.socket, shared.err
	case <-s.stopped:
		return nil, ErrStopping
	case <-ctx.Done():
		go s.discardAnswer(answer)
		return nil, ctx.Err()
	}
}

// discardAnswer closes a socket that comes too late.
func (s *System) discardAnswer(answer <-chan sharedSocket) {
	select {
	case late := <-answer:
		if late.socket != nil {
			_ = late.socket.Close() // nothing was accepted on it
		}
	case <-s.stopped:
	}
}

func (s *System) prepareWeb(ctx context.Context, p *plan) error {
	wanted := p.generation.policy.HTTP
	partners := pair(ctx, len(wanted), func(i int) string { return wanted[i].Listen }, len(s.running.web), func(j int) endpoint {
		w := s.running.web[j]
		return endpoint{asked: w.manner.Load().asked.Listen, bound: w.bound()}
	})
	for j, w := range s.running.web {
		if !slices.Contains(partners, j) {
			p.removedWeb = append(p.removedWeb, w)
			p.difference.Removed = append(p.difference.Removed, w.title())
		}
	}
	for i := range wanted {
		if err := s.prepareSocket(ctx, p, &wanted[i], partners[i]); err != nil {
			return fmt.Errorf("%s: %w", wanted[i].At, s.explain(err, p))
		}
	}
	return nil
}

func (s *System) prepareSocket(ctx context.Context, p *plan, l *policy.HTTPListener, partner int) error {
	if partner < 0 {
		w, err := s.config.openHTTP(ctx, l, p.generation)
		if err != nil {
			return err
		}
		p.web = append(p.web, &keptSocket{socket: w, added: true, source: w.source.Load()})
		p.difference.Added = append(p.difference.Added, w.title())
		return nil
	}
	w := s.running.web[partner]
	was := w.manner.Load().asked
	replaced := w.source.Load()
	source, err := s.keepTLS(replaced, httpTLS(&was), l.UseTLS, httpTLS(l))
	if err != nil {
		return fmt.Errorf("listen on %s: %w", l.Listen, err)
	}
	m := s.config.newManner(l, w.address(), p.generation)
	kept := &keptSocket{socket: w, manner: m, source: source, replaced: replaced}
	p.web = append(p.web, kept)
	if socketPermission(&was) != socketPermission(l) {
		if err := w.permit(l); err != nil {
			return fmt.Errorf("listen on %s: %w", l.Listen, err)
		}
		kept.permits = true
	}
	p.difference.note(w.title(), changes(was, *l))
	return task.Protect(ctx, func(context.Context) error {
		m.server()
		return nil
	})
}

// abandon undoes a plan that is not carried out.
func (p *plan) abandon(c *Config) {
	for _, l := range p.listeners {
		l.is.close()
		if l.was == nil && l.is.account != nil {
			c.Metrics.Ledger.discard(l.is.account)
		}
	}
	for _, w := range p.web {
		if w.added {
			w.socket.close()
		} else {
			w.manner.generation.leave()
		}
		if w.permits {
			was := w.socket.manner.Load().asked
			if err := w.socket.permit(&was); err != nil {
				c.Log(targetHTTP).Error("the permissions of a Unix socket are those of a policy that was refused",
					slog.String("listener", w.socket.address()), slog.Any("error", err))
			}
		}
	}
}

// explain adds what a person would have to find out: the address may be held by
// a listener of ours that the same policy removes.
func (s *System) explain(err error, p *plan) error {
	if len(p.removed)+len(p.removedWeb) == 0 || !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return fmt.Errorf("%w (a listener that this policy removes may hold it: remove that in one reload and add this in the next)", err)
}

// endpoint is an address that is open: as it was asked for, and as it is.
type endpoint struct {
	asked string
	bound netip.AddrPort
}

// pair finds for each of n addresses that are wanted which of those open it is,
// -1 if none: by its text, or else by what that stands for. Several may be
// 127.0.0.1:0: they are taken in order, of those that nobody means by its port.
func pair(ctx context.Context, n int, wanted func(int) string, m int, open func(int) endpoint) []int {
	partners := slices.Repeat([]int{-1}, n)
	find := func(i int, is func(endpoint) bool) {
		for j := 0; j < m && partners[i] < 0; j++ {
			if is(open(j)) && !slices.Contains(partners, j) {
				partners[i] = j
			}
		}
	}
	sameText := func(i int) func(endpoint) bool { return func(e endpoint) bool { return e.asked == wanted(i) } }
	for i := range n {
		if !strings.HasSuffix(wanted(i), ":0") {
			find(i, sameText(i))
		}
	}
	for i := range n {
		if partners[i] >= 0 {
			continue
		}
		// Should it stand for nothing, opening it will tell.
		if address, err := resolveListen(ctx, wanted(i)); err == nil && address.Port() != 0 {
			find(i, func(e endpoint) bool { return e.bound == address })
		}
	}
	for i := range n {
		find(i, sameText(i))
	}
	return partners
}

func (o *openListener) title() string { return listenerTitle(&o.asked) + o.config.Address.String() }

// listenerTitle stands before an address in a difference.
func listenerTitle(l *policy.Listener) string {
	if l.Forward {
		return "forward listener "
	}
	return "listener "
}

func (s *webSocket) title() string { return "http listener " + s.address() }

// note adds a listener that stays.
func (d *Difference) note(title string, changes []string) {
	if len(changes) == 0 {
		d.Unchanged++
		return
	}
	d.Changed = append(d.Changed, title+" "+strings.Join(changes, ", "))
}
