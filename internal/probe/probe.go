package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// What a probe may take. Each source of a request has its time, even if none is
// answered.
const (
	// AtOnce is how many sources are tried at once, each with up to three sockets:
	// what is kept free of descriptors for other things than sessions has room for it.
	AtOnce = 32
	// SourceTime is for one source, all that is asked about it.
	SourceTime = 15 * time.Second
	// MostTargets is how many sources a request may have.
	MostTargets = 512
	// WholeTime is for a request.
	WholeTime = MostTargets / AtOnce * SourceTime
)

// Resolver looks names up; *net.Resolver is one. It is called by many goroutines
// and must return soon after ctx ends.
type Resolver interface {
	egress.Resolver
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Prober carries out one request at a time. It may be used by any goroutine.
type Prober struct {
	resolver Resolver
	busy     atomic.Bool
}

// New dials nobody yet.
func New(r Resolver) *Prober { return &Prober{resolver: r} }

// Target is a source to be tried. Its address is canonical: not IPv4-mapped, and
// without a zone.
type Target struct {
	Source netip.Addr
	// Plumbed is what is known of it. With No nothing is dialled, since a bind would
	// succeed where the kernel lets sockets be bound to any address (ip(7)).
	Plumbed Certainty
	// Freebind: the source is bound though it is not plumbed (ip(7)).
	Freebind bool
}

// dialer dials from the target, from the local address given.
func (t Target) dialer(local net.Addr) *net.Dialer {
	d := &net.Dialer{LocalAddr: local}
	if t.Freebind {
		d.Control = freebind
	}
	return d
}

func (t Target) tcp() *net.Dialer {
	return t.dialer(net.TCPAddrFromAddrPort(netip.AddrPortFrom(t.Source, 0)))
}

// Request says what is to be tried.
type Request struct {
	Targets []Target // at most MostTargets
	Host    string   // a name or an address
	Port    uint16
	// Echo is a page, http or https, that says who asks for it. Nil: none.
	Echo *url.URL
}

// Probe tries all targets and gives a result for each, in their order. It returns
// once all goroutines that it has started are gone, which is soon after ctx ends; a
// target that was not tried by then has Failure NotTried. The error is ErrBusy or a
// *DestinationError; nothing was dialled then.
func (p *Prober) Probe(ctx context.Context, r Request) ([]Result, error) {
	if !p.busy.CompareAndSwap(false, true) {
		return nil, ErrBusy
	}
	defer p.busy.Store(false)
	ctx, cancel := context.WithTimeout(ctx, WholeTime)
	defer cancel()
	to, err := p.resolve(ctx, &r)
	if err != nil {
		return nil, &DestinationError{Host: r.Host, Err: err}
	}
	run := &run{prober: p, request: &r, to: to, results: make([]Result, len(r.Targets))}
	var workers sync.WaitGroup
	for range min(AtOnce, len(r.Targets)) {
		workers.Go(func() { run.work(ctx) })
	}
	workers.Wait()
	return run.results, nil
}

// destinations are where the sources of each family dial; one that is not valid
// there is not.
type destinations struct{ v4, v6 netip.AddrPort }

func (d destinations) of(source netip.Addr) netip.AddrPort {
	if source.Is4() {
		return d.v4
	}
	return d.v6
}

// resolve takes the first address of each family, so that all sources of a family
// dial the same one and can be compared.
func (p *Prober) resolve(ctx context.Context, r *Request) (to destinations, err error) {
	ctx, cancel := context.WithTimeout(ctx, SourceTime)
	defer cancel()
	egress.Resolve(ctx, p.resolver, r.Host, egress.Any, func(addrs []netip.Addr, _ bool, failed error) {
		for _, a := range addrs {
			switch {
			case a.Is4() && !to.v4.IsValid():
				to.v4 = netip.AddrPortFrom(a, r.Port)
			case a.Is6() && !to.v6.IsValid():
				to.v6 = netip.AddrPortFrom(a, r.Port)
			}
		}
		err = failed
	})
	return to, err
}

// run is one call of Probe.
type run struct {
	prober  *Prober
	request *Request
	to      destinations
	next    atomic.Int64 // of the targets, the first that nobody has taken
	results []Result     // each is written by whoever took its target
}

// work is a goroutine that takes one target after the other.
func (r *run) work(ctx context.Context) {
	for {
		i := int(r.next.Add(1)) - 1
		if i >= len(r.request.Targets) {
			return
		}
		r.results[i] = r.one(ctx, r.request.Targets[i])
	}
}

// one tries one source: the connection, its names and the page side by side.
func (r *run) one(ctx context.Context, t Target) Result {
	result := Result{Source: t.Source, Plumbed: t.Plumbed}
	if ctx.Err() != nil {
		result.fail(NotTried, errNotTried)
		return result
	}
	ctx, cancel := context.WithTimeout(ctx, SourceTime)
	defer cancel()
	var names Names
	var seen string
	var unseen error
	var beside sync.WaitGroup
	beside.Go(func() { names = r.prober.names(ctx, t.Source) })
	if r.request.Echo != nil && t.Plumbed != No {
		beside.Go(func() { seen, unseen = askWho(ctx, t.tcp(), r.request.Echo) })
	}
	r.dial(ctx, t, &result)
	beside.Wait()
	result.Names, result.Seen = names, seen
	if unseen != nil {
		result.fail(NotSeen, unseen)
	}
	return result
}

// dial connects from a source and hears what the destination says.
func (r *run) dial(ctx context.Context, t Target, result *Result) {
	if result.Plumbed == No {
		result.fail(Unplumbed, errUnplumbed)
		return
	}
	result.Destination = r.to.of(result.Source)
	if !result.Destination.IsValid() {
		result.fail(NoDestination, errors.New(r.request.Host+" has no address of the family of the source"))
		return
	}
	result.Routed = route(ctx, t, result.Destination)
	began := time.Now()
	c, err := t.tcp().DialContext(ctx, "tcp", result.Destination.String())
	switch {
	case unplumbed(err):
		result.Plumbed = No
		result.fail(Unplumbed, errUnplumbed)
		return
	case err != nil:
		result.fail(NotConnected, cause(err))
		return
	}
	result.Connect = max(time.Since(began), 1)
	if !t.Freebind { // of which a bind proves nothing
		result.Plumbed = Yes
	}
	defer func() { _ = c.Close() }() // all that mattered was read
	banner, err := converse(ctx, c)
	result.Banner = banner
	switch {
	case err != nil:
		result.fail(NoBanner, cause(err))
	case banner[0] == '4' || banner[0] == '5':
		result.fail(Refused, &RefusedError{banner})
	}
}

// route asks the kernel for one, by connecting a datagram socket: that looks for the
// route and sends nothing, connect(2).
func route(ctx context.Context, from Target, to netip.AddrPort) Certainty {
	dialer := from.dialer(net.UDPAddrFromAddrPort(netip.AddrPortFrom(from.Source, 0)))
	c, err := dialer.DialContext(ctx, "udp", to.String())
	switch {
	case err == nil:
		_ = c.Close()
		return Yes
	case failedAt(err, "connect"):
		return No
	}
	return Unknown
}

// unplumbed says whether a socket could not be bound because the address is not this
// host's. That no port is left is something else.
func unplumbed(err error) bool {
	if errors.Is(err, syscall.EAFNOSUPPORT) {
		return true
	}
	return failedAt(err, "bind") && egress.Classify(err) == egress.NoPort && !errors.Is(err, syscall.EADDRINUSE)
}
