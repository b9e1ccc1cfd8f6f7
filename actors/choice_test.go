package actors

import (
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/lua/policy"
)

func (d *driver) wantBinds(want ...string) {
	d.t.Helper()
	var got []string
	for _, a := range d.binds {
		got = append(got, a.String())
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("bound %q; want %q", got, want)
	}
}

func at4(s string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(s), 40000) }

// A client that does not bind sends from the source that the policy has for it.
func TestSourceIsChosen(t *testing.T) {
	one := rules.Spec{Source: networks(t, "192.0.2.50")}
	t.Run("for an address", func(t *testing.T) {
		d := ruled(t, afar, one)
		d.send(connect4...)
		d.wantBinds("192.0.2.50:0")
		d.wantDials("192.0.2.1:25")
		d.feed(event{kind: evDialed, addr: at4("192.0.2.50")})
		d.wantDid(doRelay)
		d.wantWrote(5, 0, 0, 1, 192, 0, 2, 50, 0x9c, 0x40)
	})
	t.Run("not for who binds", func(t *testing.T) {
		d := ruled(t, afar, one)
		d.send(slices.Concat(bind4, connect4)...)
		d.wantBinds("127.0.0.2:0")
		d.wantDials("192.0.2.1:25")
	})
	t.Run("for who binds no address", func(t *testing.T) {
		d := ruled(t, afar, one)
		d.send(slices.Concat(bindOf("::"), connect4)...)
		d.wantBinds("[::]:0", "192.0.2.50:0")
		d.wantDials("192.0.2.1:25")
	})
	t.Run("not for whom the handler has one", func(t *testing.T) {
		d := ruled(t, afar, one)
		d.m.handlers = handlers{request: true}
		d.send(connect4...)
		d.answer(aboutConnect, answer{decision: policy.Decision{Source: netip.MustParseAddr("192.0.2.51")}})
		d.wantBinds("192.0.2.51:0")
	})
	t.Run("of the other family", func(t *testing.T) {
		d := ruled(t, afar, one)
		d.send(connect("2001:db8::1", 25)...)
		d.wantDials()
		d.wantBinds()
		d.wantWrote(refusal(1)...)
		d.wantEnd(failed(ReasonFamilyMismatch))
	})
	t.Run("but the system sends from elsewhere", func(t *testing.T) {
		d := ruled(t, afar, one)
		d.send(connect4...)
		d.feed(event{kind: evDialed, addr: at4("192.0.2.99")})
		d.wantWrote(refusal(1)...)
		d.wantEnd(failed(ReasonSourceMisconfigured))
	})
}

// Each attempt at a name goes out from the source of its family, bound anew only
// where it changes.
func TestSourceIsChosenForEachAttempt(t *testing.T) {
	both := rules.Spec{Source: networks(t, "192.0.2.50", "2001:db8::50")}
	all := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")}
	t.Run("both work", func(t *testing.T) {
		d := ruled(t, afar, both)
		d.send(requestName("mx.x", 25)...)
		d.feed(event{kind: evResolved, last: true, addrs: slices.Clone(all)})
		d.feed(event{kind: evDialed, n: 0, err: syscall.ECONNREFUSED})
		d.now = d.timer
		d.feed(event{kind: evExpired})
		d.wantDials("[2001:db8::1]:25", "192.0.2.1:25", "192.0.2.2:25")
		d.wantBinds("[2001:db8::50]:0", "192.0.2.50:0")
		d.feed(event{kind: evDialed, n: 1, addr: at4("192.0.2.50")})
		d.wantDid(doRelay)
	})
	t.Run("this host lacks one", func(t *testing.T) {
		d := ruled(t, afar, both)
		d.bindErrs = map[netip.Addr]error{netip.MustParseAddr("2001:db8::50"): syscall.EADDRNOTAVAIL}
		d.send(requestName("mx.x", 25)...)
		d.feed(event{kind: evResolved, last: true, addrs: slices.Clone(all)})
		d.wantDials("192.0.2.1:25")
		d.feed(event{kind: evDialed, n: 1, addr: at4("192.0.2.50")})
		d.wantDid(doRelay)
	})
	t.Run("this host has neither", func(t *testing.T) {
		d := ruled(t, afar, both)
		d.bindErr = syscall.EADDRNOTAVAIL
		d.send(requestName("mx.x", 25)...)
		d.feed(event{kind: evResolved, last: true, addrs: slices.Clone(all)})
		d.wantDials()
		d.wantWrote(refusal(1)...)
		if !slices.Equal(d.results, []egress.Result{egress.Failed}) {
			t.Errorf("dial results %v; want one, failed", d.results)
		}
		d.wantEnd(failed(ReasonSourceMisconfigured))
	})
	t.Run("no descriptor is left", func(t *testing.T) {
		d := ruled(t, afar, both)
		d.bindErr = syscall.EMFILE
		d.send(connect4...)
		d.wantWrote(refusal(1)...)
		d.wantEnd(failed(ReasonNoResources))
	})
}

func TestSourceChoices(t *testing.T) {
	pool := networks(t, "192.0.2.50", "192.0.2.51", "192.0.2.52")
	sources := func(choice rules.Choice, client netip.Addr) (all []string) {
		set := compiled(t, rules.Spec{Source: pool, SourceChoice: choice})
		for range 6 {
			d := newDriver(t, limits{rules: set})
			d.m.client = client
			d.send(slices.Concat(greetNone, requestName("mx.x", 25))...)
			d.feed(event{kind: evResolved, last: true, addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}})
			d.feed(event{kind: evDialed, n: 0, err: syscall.ECONNREFUSED}) // the second goes out from the same
			if len(d.binds) != 1 || len(d.dials) != 2 {
				t.Fatalf("bound %v for %v; want one source for a session", d.binds, d.dials)
			}
			all = append(all, d.binds[0].Addr().String())
		}
		return all
	}
	if got := sources(rules.RoundRobin, afar); !slices.Equal(got[:3], got[3:]) || len(slices.Compact(slices.Sorted(slices.Values(got)))) != 3 {
		t.Errorf("round robin: %q; want all three by turns", got)
	}
	if got := slices.Compact(sources(rules.Sticky, afar)); len(got) != 1 {
		t.Errorf("sticky: %q; want one source", got)
	}
}
