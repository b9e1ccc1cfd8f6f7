package egress

import (
	"fmt"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// Result is how the dialling for one request ended. It is the value of a metric
// label, so the set is closed and the names are part of the public surface.
type Result uint8

const (
	// Connected: an upstream is there.
	Connected Result = iota
	// Refused: the destination refused the connection.
	Refused
	// NetworkUnreachable: no route leads to the destination's network.
	NetworkUnreachable
	// HostUnreachable: a router, or this host, cannot reach the destination.
	HostUnreachable
	// TimedOut: no answer in time, by the kernel's patience, ours or the client's.
	TimedOut
	// NoPort: the source has no free port left towards this destination. It
	// does not say that the source is unplumbed; a bind tells that.
	NoPort
	// FamilyMismatch: source and destination are of different families, the
	// name has no address of the source's family, or this host lacks the
	// destination's family.
	FamilyMismatch
	// NameNotFound: the name does not exist or has no address.
	NameNotFound
	// ResolveFailed: the resolver could not say.
	ResolveFailed
	// NoResources: this host is out of descriptors, buffers or memory.
	NoResources
	// NotPermitted: a firewall or a route of this host forbids it.
	NotPermitted
	// Denied: the policy forbids it; nothing was tried.
	Denied
	// Limited: the policy's limits leave no room; nothing was tried.
	Limited
	// Failed: anything else, a reset while connecting among it.
	Failed
	// ClientLeft: the client closed before there was an outcome.
	ClientLeft
	// Aborted: we stopped before there was an outcome.
	Aborted

	results // how many there are
)

// ResultCount is how many there are.
const ResultCount = int(results)

// Results lists every Result, so that each can be exported from the start.
func Results() []Result {
	all := make([]Result, results)
	for i := range all {
		all[i] = Result(i)
	}
	return all
}

// String is the metric label.
func (r Result) String() string {
	switch r {
	case Connected:
		return "connected"
	case Refused:
		return "refused"
	case NetworkUnreachable:
		return "network_unreachable"
	case HostUnreachable:
		return "host_unreachable"
	case TimedOut:
		return "timeout"
	case NoPort:
		return "ports_exhausted"
	case FamilyMismatch:
		return "family_mismatch"
	case NameNotFound:
		return "name_not_found"
	case ResolveFailed:
		return "resolve_failed"
	case NoResources:
		return "no_resources"
	case NotPermitted:
		return "not_permitted"
	case Denied:
		return "denied"
	case Limited:
		return "limited"
	case Failed:
		return "failed"
	case ClientLeft:
		return "client_left"
	case Aborted:
		return "aborted"
	}
	return fmt.Sprintf("result_%d", uint8(r))
}

// Reply is what the client is told, RFC 1928 section 6. It follows KumoMTA's
// proxy, which answers all but four errnos with a general failure; a name that
// is not found, which that proxy does not know, is an unreachable host.
func (r Result) Reply() socks5.Reply {
	switch r {
	case Connected:
		return socks5.Succeeded
	case NetworkUnreachable:
		return socks5.NetworkUnreachable
	case HostUnreachable, NameNotFound:
		return socks5.HostUnreachable
	case Refused:
		return socks5.ConnectionRefused
	case TimedOut:
		return socks5.TTLExpired
	case Denied:
		return socks5.NotAllowed
	}
	return socks5.GeneralFailure
}
