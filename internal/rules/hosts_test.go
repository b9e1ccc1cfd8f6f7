package rules

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errNotNow = errors.New("not now")

// reading is what a host's reader is to return.
type reading struct {
	addresses Addresses
	err       error
	times     int
}

func (r *reading) read() (Addresses, error) {
	r.times++
	return r.addresses, r.err
}

func local1(texts ...string) Addresses { return Addresses{Local: mustPrefixes(texts...)} }

func TestHostsKnowsANewAddressWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reading{addresses: local1("192.0.2.1/32")}
		h, err := NewHosts(r.read, func(err error) { t.Errorf("reading failed: %v", err) })
		if err != nil {
			t.Fatal(err)
		}
		r.addresses = local1("192.0.2.2/32")
		<-time.After(HostTTL/2 - 1)
		wantHas(t, h, r, "192.0.2.1", 1)
		<-time.After(1)
		// From here on it is read beside.
		if !h.Local(addr("192.0.2.1")) {
			t.Error("got a wait for the second reading; want the first in force meanwhile")
		}
		synctest.Wait()
		wantHas(t, h, r, "192.0.2.2", 2)
		r.addresses = local1("192.0.2.9/32")
		<-time.After(HostTTL)
		wantHas(t, h, r, "192.0.2.9", 3)
		r.addresses = local1("192.0.2.3/32")
		h.Refresh()
		wantHas(t, h, r, "192.0.2.3", 4)
		<-time.After(time.Hour)
		if r.times != 4 {
			t.Errorf("got the addresses read %d times while nobody asked; want 4", r.times)
		}
	})
}

// wantHas: of the addresses in these tests the host has one, after some readings.
func wantHas(t *testing.T, h *Hosts, r *reading, want string, times int) {
	t.Helper()
	for _, a := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9"} {
		if got := h.Local(addr(a)); got != (a == want) {
			t.Errorf("%s: got local %v; want %s alone", a, got, want)
		}
	}
	if r.times != times {
		t.Errorf("got the addresses read %d times; want %d", r.times, times)
	}
}

// TestHostsReadsAheadOnce: who finds a view old that was replaced meanwhile has
// nothing read.
func TestHostsReadsAheadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reading{addresses: local1("192.0.2.1/32")}
		h, err := NewHosts(r.read, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		old := h.view.Load()
		h.Refresh()
		h.readAhead(old)
		synctest.Wait()
		if r.times != 2 {
			t.Errorf("got the addresses read %d times; want 2", r.times)
		}
	})
}

func TestHostsKeepsWhatItHasWhenReadingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reading{addresses: Addresses{Local: mustPrefixes("192.0.2.1/32"), Attached: mustPrefixes("192.0.2.0/24")}}
		var failures []error
		h, err := NewHosts(r.read, func(err error) { failures = append(failures, err) })
		if err != nil {
			t.Fatal(err)
		}
		good := r.addresses
		r.addresses, r.err = local1("192.0.2.2/32"), errNotNow
		for range 3 {
			<-time.After(HostTTL)
			for range 2 {
				if !h.Local(addr("192.0.2.1")) || h.Local(addr("192.0.2.2")) || !h.Attached(addr("192.0.2.9")) {
					t.Error("got another view; want the last good one")
				}
			}
		}
		if len(failures) != 1 || !errors.Is(failures[0], errNotNow) || r.times != 4 {
			t.Errorf("got the failures %v in %d readings; want one told, of 4", failures, r.times)
		}
		r.addresses, r.err = good, nil
		<-time.After(HostTTL)
		h.Local(addr("192.0.2.1"))
		r.err = errNotNow
		<-time.After(HostTTL)
		h.Local(addr("192.0.2.1"))
		if len(failures) != 2 {
			t.Errorf("got %d failures told; want 2, since it was well between", len(failures))
		}
	})
}

func TestHostsAtTheStart(t *testing.T) {
	none := &reading{err: errNotNow}
	told := 0
	if _, err := NewHosts(none.read, func(error) { told++ }); err == nil || told != 1 {
		t.Errorf("got error %v, told %d times; want one of each", err, told)
	}
	part := &reading{addresses: local1("192.0.2.1/32"), err: errNotNow}
	h, err := NewHosts(part.read, func(error) { told++ })
	if err != nil || !h.Local(addr("192.0.2.1")) || told != 2 {
		t.Errorf("got error %v, told %d times; want what could be read", err, told)
	}
}

// TestHostsIsReadOnceForAll: of many who ask at once one reads.
func TestHostsIsReadOnceForAll(t *testing.T) {
	var times atomic.Int32
	gate := make(chan struct{})
	read := func() (Addresses, error) {
		if times.Add(1) > 1 {
			<-gate
		}
		return local1("192.0.2.1/32"), nil
	}
	h, err := NewHosts(read, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	old := *h.view.Load()
	old.at = old.at.Add(-HostTTL)
	h.view.Store(&old)
	var asking, done sync.WaitGroup
	for range 16 {
		asking.Add(1)
		done.Go(func() {
			asking.Done()
			if !h.Local(addr("192.0.2.1")) {
				t.Error("got the address not local")
			}
		})
	}
	asking.Wait()
	close(gate)
	done.Wait()
	if got := times.Load(); got != 2 {
		t.Errorf("got %d readings; want 2", got)
	}
}

// TestReadHost: the addresses of the machine that the test runs on.
func TestReadHost(t *testing.T) {
	h, err := NewHosts(ReadHost, func(err error) { t.Errorf("reading failed: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		a := netip.MustParsePrefix(one.String()).Addr().Unmap()
		if !h.Local(a) || !h.Attached(a) {
			t.Errorf("%v: got local %v, attached %v; want both", a, h.Local(a), h.Attached(a))
		}
	}
	for _, text := range []string{"192.0.2.77", "198.51.100.77", "203.0.113.77", "2001:db8:7777::7"} { // for documentation
		a := addr(text)
		near := slices.ContainsFunc(list, func(one net.Addr) bool { return netip.MustParsePrefix(one.String()).Masked().Contains(a) })
		if !near && (h.Local(a) || h.Attached(a)) {
			t.Errorf("%v: got local %v, attached %v; want neither", a, h.Local(a), h.Attached(a))
		}
	}
}

func TestAddressesAdd(t *testing.T) {
	for text, want := range map[string]Addresses{
		"192.0.2.5/24":    {Local: mustPrefixes("192.0.2.5/32", "192.0.2.255/32"), Attached: mustPrefixes("192.0.2.0/24")},
		"192.0.2.5/31":    {Local: mustPrefixes("192.0.2.5/32"), Attached: mustPrefixes("192.0.2.4/31")},
		"192.0.2.5/32":    {Local: mustPrefixes("192.0.2.5/32"), Attached: mustPrefixes("192.0.2.5/32")},
		"10.0.0.5/8":      {Local: mustPrefixes("10.0.0.5/32", "10.255.255.255/32"), Attached: mustPrefixes("10.0.0.0/8")},
		"10.0.0.5/7":      {Local: mustPrefixes("10.0.0.5/32", "11.255.255.255/32"), Attached: nil},
		"10.0.0.5/0":      {Local: mustPrefixes("10.0.0.5/32", "255.255.255.255/32"), Attached: nil}, // a tunnel without a length
		"2001:db8::5/64":  {Local: mustPrefixes("2001:db8::5/128"), Attached: mustPrefixes("2001:db8::/64")},
		"2001:db8::5/128": {Local: mustPrefixes("2001:db8::5/128"), Attached: mustPrefixes("2001:db8::5/128")},
		"2001:db8::5/0":   {Local: mustPrefixes("2001:db8::5/128"), Attached: nil},
	} {
		p := netip.MustParsePrefix(text)
		var short, long Addresses
		short.add(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
		long16 := p.Addr().As16()
		long.add(&net.IPNet{IP: long16[:], Mask: net.CIDRMask(128-p.Addr().BitLen()+p.Bits(), 128)})
		for _, got := range []Addresses{short, long} {
			if !slices.Equal(got.Local, want.Local) || !slices.Equal(got.Attached, want.Attached) {
				t.Errorf("%s: got %v; want %v", text, got, want)
			}
		}
	}
}
