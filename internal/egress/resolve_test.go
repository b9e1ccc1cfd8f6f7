package egress_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// fakeResolver answers when told to, with what it is told: no real name server
// can be made to answer one family 51 ms after the other.
type fakeResolver struct {
	ip4, ip6 fakeAnswer

	mu    sync.Mutex
	asked []string
}

type fakeAnswer struct {
	after time.Duration
	addrs string
	err   error
}

func (f *fakeResolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	f.mu.Lock()
	f.asked = append(f.asked, network+" "+host)
	f.mu.Unlock()
	a, ok := map[string]fakeAnswer{"ip4": f.ip4, "ip6": f.ip6}[network]
	if !ok {
		panic("unknown network " + network)
	}
	select {
	case <-time.After(a.after):
		return addrs(a.addrs), a.err
	case <-ctx.Done():
		// As *net.Resolver words it.
		return nil, &net.DNSError{Err: ctx.Err().Error(), Name: host, UnwrapErr: ctx.Err()}
	}
}

var (
	errNotFound = &net.DNSError{Err: "no such host", IsNotFound: true}
	errServer   = &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	errHosts    = &net.AddrError{Err: "no suitable address found"}
)

// emitted is a call of emit, with the time since Resolve was called.
func emitted(after time.Duration, addrs []netip.Addr, last bool, err error) string {
	text := fmt.Sprintf("%v %v", after, addrs)
	if last {
		text += " last"
	}
	if err != nil {
		text += " " + egress.Classify(err).String()
	}
	return text
}

func TestResolve(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name   string
		family egress.Family
		ip6    fakeAnswer
		ip4    fakeAnswer
		want   []string
		asked  string
	}{
		{"IPv6 first", egress.Any,
			fakeAnswer{10 * ms, "2001:db8::1", nil}, fakeAnswer{20 * ms, "192.0.2.1", nil},
			[]string{"10ms [2001:db8::1]", "20ms [192.0.2.1] last"}, "ip4 ip6"},
		{"IPv4 first, IPv6 within 50 ms", egress.Any,
			fakeAnswer{59 * ms, "2001:db8::1", nil}, fakeAnswer{10 * ms, "192.0.2.1", nil},
			[]string{"59ms [2001:db8::1 192.0.2.1] last"}, "ip4 ip6"},
		{"IPv4 first, no IPv6 within 50 ms", egress.Any,
			fakeAnswer{100 * ms, "2001:db8::1", nil}, fakeAnswer{10 * ms, "192.0.2.1", nil},
			[]string{"60ms [192.0.2.1]", "100ms [2001:db8::1] last"}, "ip4 ip6"},
		{"IPv4 first, then word that there is no IPv6", egress.Any,
			fakeAnswer{30 * ms, "", errNotFound}, fakeAnswer{10 * ms, "192.0.2.1", nil},
			[]string{"30ms [192.0.2.1] last"}, "ip4 ip6"},
		{"no IPv6, then IPv4", egress.Any,
			fakeAnswer{10 * ms, "", errNotFound}, fakeAnswer{200 * ms, "192.0.2.1", nil},
			[]string{"200ms [192.0.2.1] last"}, "ip4 ip6"},
		{"no IPv4, then IPv6", egress.Any,
			fakeAnswer{200 * ms, "2001:db8::1", nil}, fakeAnswer{10 * ms, "", errServer},
			[]string{"200ms [2001:db8::1] last"}, "ip4 ip6"},
		{"IPv6, and the other lookup failed", egress.Any,
			fakeAnswer{10 * ms, "2001:db8::1", nil}, fakeAnswer{20 * ms, "", errServer},
			[]string{"10ms [2001:db8::1]", "20ms [] last"}, "ip4 ip6"},
		{"neither", egress.Any,
			fakeAnswer{10 * ms, "", errNotFound}, fakeAnswer{20 * ms, "", errNotFound},
			[]string{"20ms [] last name_not_found"}, "ip4 ip6"},
		{"none without an error", egress.Any, fakeAnswer{}, fakeAnswer{},
			[]string{"0s [] last name_not_found"}, "ip4 ip6"},
		{"one not found, the other unknown", egress.Any,
			fakeAnswer{10 * ms, "", errNotFound}, fakeAnswer{20 * ms, "", errServer},
			[]string{"20ms [] last resolve_failed"}, "ip4 ip6"},
		{"one unknown, the other not found", egress.Any,
			fakeAnswer{10 * ms, "", errServer}, fakeAnswer{20 * ms, "", errNotFound},
			[]string{"20ms [] last resolve_failed"}, "ip4 ip6"},
		{"mapped addresses and zones", egress.Any,
			fakeAnswer{10 * ms, "fe80::1%eth0", nil}, fakeAnswer{20 * ms, "::ffff:192.0.2.1", nil},
			[]string{"10ms [fe80::1]", "20ms [192.0.2.1] last"}, "ip4 ip6"},

		{"IPv4 source", egress.IPv4,
			fakeAnswer{}, fakeAnswer{20 * ms, "192.0.2.1 192.0.2.2", nil},
			[]string{"20ms [192.0.2.1 192.0.2.2] last"}, "ip4"},
		{"IPv6 source, resolver fails", egress.IPv6,
			fakeAnswer{20 * ms, "", errServer}, fakeAnswer{},
			[]string{"20ms [] last resolve_failed"}, "ip6"},
		{"IPv6 source, IPv4 in the hosts file", egress.IPv6,
			fakeAnswer{20 * ms, "", errHosts}, fakeAnswer{},
			[]string{"20ms [] last family_mismatch"}, "ip6"},
		{"IPv4 source, name has IPv6 only", egress.IPv4,
			fakeAnswer{10 * ms, "2001:db8::1", nil}, fakeAnswer{20 * ms, "", errNotFound},
			[]string{"30ms [2001:db8::1] last"}, "ip4 ip6"},
		{"IPv4 source, no such name", egress.IPv4,
			fakeAnswer{10 * ms, "", errNotFound}, fakeAnswer{20 * ms, "", errNotFound},
			[]string{"30ms [] last name_not_found"}, "ip4 ip6"},
		{"IPv4 source, no address, the rest unknown", egress.IPv4,
			fakeAnswer{10 * ms, "", errServer}, fakeAnswer{20 * ms, "", errNotFound},
			[]string{"30ms [] last name_not_found"}, "ip4 ip6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				resolver := &fakeResolver{ip4: tt.ip4, ip6: tt.ip6}
				start := time.Now()
				var got []string
				egress.Resolve(t.Context(), resolver, "mx.example.org", tt.family, func(addrs []netip.Addr, last bool, err error) {
					got = append(got, emitted(time.Since(start), addrs, last, err))
				})
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %q; want %q", got, tt.want)
				}
				slices.Sort(resolver.asked)
				asked := strings.ReplaceAll(strings.Join(resolver.asked, " "), " mx.example.org", "")
				if asked != tt.asked {
					t.Errorf("asked: got %s; want %s", asked, tt.asked)
				}
			})
		})
	}
}

// A client that leaves, or a deadline, ends a lookup that hangs; what was found
// by then is not lost, and what the context says goes before what the resolver
// makes of it.
func TestResolveEndsWithItsContext(t *testing.T) {
	const hang = time.Hour
	for _, tt := range []struct {
		name   string
		family egress.Family
		ip4    fakeAnswer
		want   []string
	}{
		{"nothing yet", egress.Any, fakeAnswer{after: hang}, []string{"1s [] last timeout"}},
		{"one family, nothing yet", egress.IPv4, fakeAnswer{after: hang}, []string{"1s [] last timeout"}},
		{"IPv4 held back", egress.Any, fakeAnswer{after: 990 * time.Millisecond, addrs: "192.0.2.1"},
			[]string{"1s [192.0.2.1] last"}},
		{"IPv4 out already", egress.Any, fakeAnswer{addrs: "192.0.2.1"},
			[]string{"50ms [192.0.2.1]", "1s [] last"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				var got []string
				resolver := &fakeResolver{ip4: tt.ip4, ip6: fakeAnswer{after: hang}}
				egress.Resolve(ctx, resolver, "mx.example.org", tt.family, func(addrs []netip.Addr, last bool, err error) {
					got = append(got, emitted(time.Since(start), addrs, last, err))
				})
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %q; want %q", got, tt.want)
				}
			})
		})
	}
}

func TestResolveOfACancelledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var got error
	egress.Resolve(ctx, &fakeResolver{}, "mx.example.org", egress.Any, func(addrs []netip.Addr, _ bool, err error) {
		if len(addrs) == 0 {
			got = err
		}
	})
	if !errors.Is(got, context.Canceled) || egress.Classify(got) != egress.Aborted {
		t.Errorf("got %v; want %v", got, context.Canceled)
	}
}

// A name that spells an address: a policy that forbids the address must see it
// in the form that it would be dialled in.
func TestResolveOfAnAddress(t *testing.T) {
	for host, want := range map[string]string{
		"192.0.2.1":        "192.0.2.1",
		"::1":              "::1",
		"::ffff:127.0.0.1": "127.0.0.1",
		"::1%lo":           "::1",
	} {
		var got []string
		egress.Resolve(t.Context(), nil, host, egress.IPv4, func(addrs []netip.Addr, last bool, err error) {
			got = append(got, emitted(0, addrs, last, err))
		})
		if want := []string{"0s [" + want + "] last"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q; want %q", host, got, want)
		}
	}
}

// A resolver with a cache may hand out the same slice again and again.
func TestResolveLeavesTheResolversSliceAlone(t *testing.T) {
	cache := addrs("::ffff:192.0.2.1 ::ffff:192.0.2.2")
	egress.Resolve(t.Context(), cachingResolver(cache), "mx.example.org", egress.Any, func(addrs []netip.Addr, _ bool, _ error) {
		clear(addrs)
	})
	if want := addrs("::ffff:192.0.2.1 ::ffff:192.0.2.2"); !slices.Equal(cache, want) {
		t.Errorf("got %v; want %v", cache, want)
	}
}

type cachingResolver []netip.Addr

func (c cachingResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return c, nil
}

// The real resolver, on names that need no network.
func TestResolveByTheSystem(t *testing.T) {
	var found []netip.Addr
	egress.Resolve(t.Context(), net.DefaultResolver, "localhost", egress.Any, func(addrs []netip.Addr, _ bool, err error) {
		if err != nil {
			t.Errorf("localhost: got %v; want nil", err)
		}
		found = append(found, addrs...)
	})
	if len(found) == 0 || !found[0].IsLoopback() {
		t.Errorf("localhost: got %v; want loopback addresses", found)
	}
	strict := &net.Resolver{PreferGo: true} // the C library might ask the network
	egress.Resolve(t.Context(), strict, "not a name", egress.IPv4, func(_ []netip.Addr, last bool, err error) {
		if got := egress.Classify(err); got != egress.NameNotFound || !last {
			t.Errorf("not a name: got %v, last %v; want %v, true", err, last, egress.NameNotFound)
		}
	})
}

func TestFamilyOf(t *testing.T) {
	for text, want := range map[string]egress.Family{
		"192.0.2.1":        egress.IPv4,
		"::ffff:192.0.2.1": egress.IPv4,
		"2001:db8::1":      egress.IPv6,
	} {
		if got := egress.FamilyOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %v; want %v", text, got, want)
		}
	}
	if got := egress.FamilyOf(netip.Addr{}); got != egress.Any {
		t.Errorf("no address: got %v; want %v", got, egress.Any)
	}
}
