package actors

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/internal/unixsocket"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// webPatience is how long requests may take that are under way when their
// listener is removed, or changes how it speaks.
const webPatience = 10 * time.Second

// webGrace is how long those may take to ask who had connected before another process
// began to answer.
const webGrace = time.Second

// webSocket is one HTTP listening socket. It is the supervisor's: each web actor
// borrows it, so that a scrape waits for the next one and is not refused.
//
// It is a handler too, that of each of its servers: a reload changes what answers
// and leaves the connections alone.
type webSocket struct {
	listener webListener
	manner   atomic.Pointer[manner]
	source   atomic.Pointer[tlsconf.Source] // nil: plain HTTP
	retired  atomic.Bool
	yielded  atomic.Bool // to another process, which answers what is asked from now on
	turn     sync.Mutex  // held by the incarnation that accepts

	answered chan struct{} // closed when a retired socket's requests are answered
	once     sync.Once     // for it

	mu     sync.Mutex
	period *period
}

// webListener is a TCP or a Unix socket.
type webListener interface {
	net.Listener
	SetDeadline(t time.Time) error
}

// period is the time of one server, which renew and close end.
type period struct {
	context.Context
	end   context.CancelFunc
	begun chan struct{} // closed when the server accepts, and none before it does
	begin sync.Once     // for it
}

func newPeriod() *period {
	ctx, end := context.WithCancel(context.Background())
	return &period{Context: ctx, end: end, begun: make(chan struct{})}
}

// manner is how a socket is served by one generation, whose user it is.
type manner struct {
	asked      policy.HTTPListener
	generation *generation
	balancers  *balancers // nil: clients come directly
	build      func() *http.Server
	handler    atomic.Pointer[http.Handler] // of the server built last
}

func newWebSocket(l webListener, source *tlsconf.Source) *webSocket {
	s := &webSocket{listener: l, period: newPeriod(), answered: make(chan struct{})}
	s.source.Store(source)
	return s
}

// server builds a server. What answers is its handler.
func (m *manner) server() *http.Server {
	server := m.build()
	handler := server.Handler // which the socket will take the place of
	m.handler.Store(&handler)
	return server
}

// address is as a policy would have it.
func (s *webSocket) address() string {
	a := s.listener.Addr()
	if a.Network() == "unix" {
		return policy.UnixPrefix + a.String()
	}
	return a.String()
}

// bound is what the socket is bound to; not valid for one that is no TCP socket.
func (s *webSocket) bound() netip.AddrPort {
	bound, _ := netip.ParseAddrPort(s.listener.Addr().String()) // what is not valid is none
	return bound
}

// permit gives a Unix socket the permissions that a policy asks for.
func (s *webSocket) permit(l *policy.HTTPListener) error {
	if u, ok := s.listener.(*unixsocket.Listener); ok {
		return u.Permit(socketPermission(l))
	}
	return nil
}

// scheme is that of the socket's URLs.
func (s *webSocket) scheme() string {
	if s.source.Load() != nil {
		return "https"
	}
	return "http"
}

// change serves by another manner, which has built a server before, and another
// certificate source. Connections live on, unless they have to speak otherwise.
// What it returns is closed once all that come are served so.
func (s *webSocket) change(m *manner, source *tlsconf.Source) (begun <-chan struct{}) {
	old := s.manner.Swap(m)
	defer old.generation.leave()
	if s.source.Swap(source) != source {
		return s.renew().begun
	}
	return s.current().begun
}

// renew makes serve go on with another server.
func (s *webSocket) renew() *period {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.period.end()
	s.period = newPeriod()
	return s.period
}

// retire closes the socket; serve returns once the requests are answered.
func (s *webSocket) retire() {
	s.retired.Store(true)
	s.close()
}

// yield is retire for a socket that another process serves. What is asked after it
// on a connection from before is for that one to answer: its figures are those of
// both, and these here would seem to have fallen.
func (s *webSocket) yield() {
	s.yielded.Store(true)
	if u, ok := s.listener.(*unixsocket.Listener); ok {
		u.KeepFile()
	}
	s.retire()
}

// close closes the socket. It may be called again.
func (s *webSocket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.period.end() // first: the end of accepting must not look like a failure
	if s.listener.Close() == nil {
		s.manner.Load().generation.leave()
	}
}

func (s *webSocket) current() *period {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.period
}

// ServeHTTP implements http.Handler: as the newest policy has it.
func (s *webSocket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.yielded.Load() {
		w.Header().Set("Connection", "close")
		http.Error(w, "another process of the proxy answers here now: ask again", http.StatusServiceUnavailable)
		return
	}
	for m := s.manner.Load(); ; {
		if m.generation.join() {
			defer m.generation.leave()
			(*m.handler.Load()).ServeHTTP(w, r)
			return
		}
		newer := s.manner.Load()
		if newer == m {
			http.Error(w, "the proxy does not listen here any more", http.StatusServiceUnavailable)
			return
		}
		m = newer
	}
}

// serve answers requests until ctx ends, then closes its connections but not
// the socket; or until the socket is retired.
func (s *webSocket) serve(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	var finishing sync.WaitGroup
	defer s.finish(&finishing)
	for {
		period := s.current()
		server := s.manner.Load().server()
		server.Handler = s
		err := s.servePeriod(ctx, period, server)
		switch {
		case ctx.Err() != nil:
			_ = server.Close() // can only fail because it is closed already
			return nil
		case period.Err() == nil:
			return err
		}
		finishing.Go(func() { s.finishRequests(ctx, server) })
		if s.retired.Load() {
			return nil
		}
	}
}

// finish waits for the servers that accept no more.
func (s *webSocket) finish(finishing *sync.WaitGroup) {
	finishing.Wait()
	if s.retired.Load() {
		s.once.Do(func() { close(s.answered) })
	}
}

// hearLast gives those who have connected already time to ask: Shutdown would close
// them unheard.
func (s *webSocket) hearLast(ctx context.Context) {
	grace := time.NewTimer(webGrace)
	defer grace.Stop()
	select {
	case <-grace.C:
	case <-ctx.Done():
	}
}

// finishRequests lets a server that accepts no more answer what it was asked.
func (s *webSocket) finishRequests(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(ctx, webPatience)
	defer cancel()
	if s.yielded.Load() {
		server.SetKeepAlivesEnabled(false)
		s.hearLast(ctx)
	}
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}

// servePeriod accepts for one server until ctx or the period ends.
func (s *webSocket) servePeriod(ctx context.Context, p *period, server *http.Server) error {
	// The one before woke its Accept by a deadline in the past.
	if err := s.listener.SetDeadline(time.Time{}); err != nil {
		return err
	}
	wake := func() { _ = s.listener.SetDeadline(time.Unix(1, 0)) } // can only fail because it is closed
	defer uponEnd(ctx, func() { wake(); _ = server.Close() })()
	defer uponEnd(p, wake)()
	p.begin.Do(func() { close(p.begun) })
	l := borrowed{s.listener, s, ctx, p}
	source := s.source.Load()
	if source == nil {
		return server.Serve(l)
	}
	server.TLSConfig = source.Config().Clone() // net/http adds to it
	return server.ServeTLS(l, "", "")
}

// borrowed is a listener that its server cannot close.
type borrowed struct {
	webListener
	socket      *webSocket
	ctx, period context.Context
}

// errWoken ends a server's Serve; a deadline alone it would wait out.
var errWoken = errors.New("the socket is given back")

// Accept implements net.Listener.
func (b borrowed) Accept() (net.Conn, error) {
	for {
		c, err := b.webListener.Accept()
		switch {
		case err != nil && (b.ctx.Err() != nil || b.period.Err() != nil):
			return nil, errWoken
		case err != nil && egress.Classify(err) == egress.NoResources:
			return nil, shortOfMeans{err}
		case err != nil:
			return nil, err
		}
		if c = b.socket.manner.Load().balancers.admit(c); c != nil {
			return c, nil
		}
	}
}

// shortOfMeans is an error of an accept for want of descriptors or memory. It passes,
// which a server of net/http believes of a net.Error alone: it tries again, a second
// apart at most.
type shortOfMeans struct{ error }

func (e shortOfMeans) Unwrap() error { return e.error }
func (shortOfMeans) Timeout() bool   { return false }
func (shortOfMeans) Temporary() bool { return true }

// Close implements net.Listener.
func (borrowed) Close() error { return nil }
