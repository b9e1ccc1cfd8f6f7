package actors

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/task"
)

// guarded is a resolver whose panic is an error: it is asked on goroutines that
// nobody else recovers, and a panic there would end the process.
type guarded struct {
	resolver egress.Resolver
	log      *slog.Logger
}

// LookupNetIP implements egress.Resolver.
func (g guarded) LookupNetIP(ctx context.Context, network, host string) (addrs []netip.Addr, err error) {
	err = task.Protect(ctx, func(ctx context.Context) error {
		var err error
		addrs, err = g.resolver.LookupNetIP(ctx, network, host)
		return err
	})
	if p, ok := errors.AsType[*task.Panic](err); ok {
		g.log.Error("the resolver panicked", slog.Any("error", p), slog.String("stack", string(p.Stack)))
		return nil, lookupPanicked(host, p)
	}
	return addrs, err
}

// lookupPanicked is a lookup that failed by our fault, not the name's.
func lookupPanicked(host string, p error) error {
	return &net.DNSError{UnwrapErr: p, Err: p.Error(), Name: host}
}
