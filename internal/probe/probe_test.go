package probe

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of these tests.
const patience = 30 * time.Second

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// zone is a DNS: names by address, and addresses by name.
type zone struct {
	names     map[string][]string
	addresses map[string][]netip.Addr
	err       error // of lookups of addresses
}

var errNoName = &net.DNSError{Err: "no such host", IsNotFound: true}

func (z zone) LookupAddr(_ context.Context, a string) ([]string, error) {
	if z.err != nil {
		return nil, z.err
	}
	if names := z.names[a]; names != nil {
		return names, nil
	}
	return nil, errNoName
}

func (z zone) LookupNetIP(_ context.Context, network, host string) (all []netip.Addr, err error) {
	for _, a := range z.addresses[host] {
		if a.Is4() == (network == "ip4") {
			all = append(all, a)
		}
	}
	if all == nil {
		return nil, errNoName
	}
	return all, nil
}

// server answers each connection with do, and waits for all at its end.
func server(t *testing.T, do func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(patience))
				do(c)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// try probes one source.
func try(t *testing.T, p *Prober, to netip.AddrPort, target Target) Result {
	t.Helper()
	all, err := p.Probe(t.Context(), Request{Targets: []Target{target}, Host: to.Addr().String(), Port: to.Port()})
	if err != nil || len(all) != 1 {
		t.Fatalf("got %v, %v; want one result", all, err)
	}
	return all[0]
}

// TestGreetings: what a server says decides, and it is told QUIT once it has said
// all.
func TestGreetings(t *testing.T) {
	for _, tt := range []struct {
		says    []string
		failure Failure
		banner  string
		quit    bool
	}{
		{[]string{"220 mx.example.org ESMTP\r\n"}, None, "220 mx.example.org ESMTP", true},
		{[]string{"2", "20 mx", " ESMTP\r", "\n"}, None, "220 mx ESMTP", true},
		{[]string{"220-wait\r\n", "220 mx\r\n"}, None, "220-wait\n220 mx", true},
		{[]string{"554 5.7.1 blocked\r\n"}, Refused, "554 5.7.1 blocked", true},
		{[]string{"554 blocked"}, Refused, "554 blocked", false},
		{[]string{"421 later\n"}, Refused, "421 later", true},
		{[]string{"220 \xff\xfe\r\n"}, None, "220 ?", true},
		{[]string{"SSH-2.0-OpenSSH\r\n"}, NoBanner, "SSH-2.0-OpenSSH", false},
		{[]string{"\r\n"}, NoBanner, "", false},
		{nil, NoBanner, "", false},
		{[]string{"220 " + strings.Repeat("x", 64<<10)}, None, "220 " + strings.Repeat("x", 508), true},
	} {
		heard := make(chan string, 1)
		to := server(t, func(c net.Conn) {
			for _, s := range tt.says {
				if _, err := io.WriteString(c, s); err != nil {
					break // it had read enough
				}
			}
			if !tt.quit {
				_ = c.(*net.TCPConn).CloseWrite()
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			heard <- line
		})
		got := try(t, New(zone{}), to, Target{Source: loopback})
		if got.Failure != tt.failure || got.Banner != tt.banner || (got.Err == nil) != (tt.failure == None) {
			t.Errorf("%.40q: got %v (%v), banner %q; want %v, %q", tt.says, got.Failure, got.Err, got.Banner, tt.failure, tt.banner)
		}
		if got.Plumbed != Yes || got.Routed != Yes || got.Connect <= 0 || got.Destination != to {
			t.Errorf("%.40q: got plumbed %v, routed %v, %v to %v; want a connection to %v", tt.says, got.Plumbed, got.Routed, got.Connect, got.Destination, to)
		}
		if line := <-heard; tt.quit && line != "QUIT\r\n" {
			t.Errorf("%.40q: the server heard %q; want QUIT", tt.says, line)
		}
	}
}

// TestWaitsForTheLastLine: nothing is said to a server that has not ended.
func TestWaitsForTheLastLine(t *testing.T) {
	early := make(chan error, 1)
	to := server(t, func(c net.Conn) {
		io.WriteString(c, "220-teaser\r\n")
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // the longer, the more certain to see what must not be
		_, err := c.Read(make([]byte, 1))
		early <- err
		_ = c.SetReadDeadline(time.Now().Add(patience))
		io.WriteString(c, "220 mx\r\n")
		bufio.NewReader(c).ReadString('\n')
	})
	got := try(t, New(zone{}), to, Target{Source: loopback})
	if err := <-early; err == nil {
		t.Error("it spoke before the greeting had ended")
	}
	if got.Failure != None {
		t.Errorf("got %v, %v; want none", got.Failure, got.Err)
	}
}

// TestNoConnection: each reason has its name.
func TestNoConnection(t *testing.T) {
	asked := make(chan struct{}, 8)
	open := server(t, func(c net.Conn) { asked <- struct{}{} })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).AddrPort()
	_ = l.Close()
	nobody := netip.MustParseAddr("192.0.2.77")
	for _, tt := range []struct {
		to      netip.AddrPort
		target  Target
		failure Failure
		plumbed Certainty
		routed  Certainty
	}{
		{open, Target{Source: nobody}, Unplumbed, No, Unknown},
		{open, Target{Source: nobody, Plumbed: Yes}, Unplumbed, No, Unknown}, // until a moment ago
		{open, Target{Source: loopback, Plumbed: No}, Unplumbed, No, Unknown},
		{open, Target{Source: netip.IPv6Loopback()}, NoDestination, Unknown, Unknown},
		{closed, Target{Source: loopback}, NotConnected, Unknown, Yes},
	} {
		got := try(t, New(zone{}), tt.to, tt.target)
		if got.Failure != tt.failure || got.Plumbed != tt.plumbed || got.Routed != tt.routed || got.Err == nil || got.Banner != "" {
			t.Errorf("%v: got %+v; want %v, plumbed %v, routed %v", tt.target, got, tt.failure, tt.plumbed, tt.routed)
		}
	}
	select {
	case <-asked:
		t.Error("something was dialled; want nothing to be")
	default:
	}
}

// TestNames: an address is confirmed by one of its names that leads back to it.
func TestNames(t *testing.T) {
	to := server(t, func(c net.Conn) { io.WriteString(c, "220 mx\r\n"); bufio.NewReader(c).ReadString('\n') })
	other := netip.MustParseAddr("192.0.2.1")
	broken := errors.New("the resolver is down")
	for what, tt := range map[string]struct {
		zone      zone
		ptr       []string
		confirmed bool
		err       error
	}{
		"none":          {zone: zone{}},
		"broken":        {zone: zone{err: broken}, err: broken},
		"leads back":    {zone: zone{names: map[string][]string{"127.0.0.1": {"mx1.", "mx2."}}, addresses: map[string][]netip.Addr{"mx1.": {other}, "mx2.": {other, loopback}}}, ptr: []string{"mx1", "mx2"}, confirmed: true},
		"leads astray":  {zone: zone{names: map[string][]string{"127.0.0.1": {"mx1."}}, addresses: map[string][]netip.Addr{"mx1.": {other}}}, ptr: []string{"mx1"}},
		"leads nowhere": {zone: zone{names: map[string][]string{"127.0.0.1": {"mx1."}}}, ptr: []string{"mx1"}},
		"many":          {zone: zone{names: map[string][]string{"127.0.0.1": {"a.", "b.", "c.", "d.", "e."}}, addresses: map[string][]netip.Addr{"e.": {loopback}}}, ptr: []string{"a", "b", "c", "d"}},
	} {
		got := try(t, New(tt.zone), to, Target{Source: loopback})
		if n := got.Names; !slices.Equal(n.PTR, tt.ptr) || n.Confirmed != tt.confirmed || !errors.Is(n.Err, tt.err) || got.Failure != None {
			t.Errorf("%s: got %+v, %v; want %v, %v, %v and no failure", what, n, got.Failure, tt.ptr, tt.confirmed, tt.err)
		}
	}
}

// TestEcho: the page is asked from the source; what is no plain answer of it fails
// the source.
func TestEcho(t *testing.T) {
	to := server(t, func(c net.Conn) { io.WriteString(c, "220 mx\r\n"); bufio.NewReader(c).ReadString('\n') })
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		switch r.URL.Path {
		case "/ip":
			io.WriteString(w, host+"\n")
		case "/long":
			io.WriteString(w, strings.Repeat("x", 5000))
		case "/elsewhere":
			http.Redirect(w, r, "/ip", http.StatusFound)
		case "/empty":
		default:
			http.NotFound(w, r)
		}
	}))
	defer web.Close()
	for path, want := range map[string]string{"/ip": "127.0.0.1", "/long": strings.Repeat("x", 100), "/elsewhere": "", "/empty": "", "/none": ""} {
		page, err := url.Parse(web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		all, err := New(zone{}).Probe(t.Context(), Request{Targets: []Target{{Source: loopback}}, Host: "127.0.0.1", Port: to.Port(), Echo: page})
		if err != nil {
			t.Fatal(err)
		}
		got := all[0]
		if got.Seen != want || (got.Failure == NotSeen) != (want == "") || got.Banner == "" {
			t.Errorf("%s: got %q, %v, %v; want %q", path, got.Seen, got.Failure, got.Err, want)
		}
	}
}

// TestDestinationByName: each family dials the first address of it.
func TestDestinationByName(t *testing.T) {
	to := server(t, func(c net.Conn) { io.WriteString(c, "220 mx\r\n"); bufio.NewReader(c).ReadString('\n') })
	p := New(zone{addresses: map[string][]netip.Addr{"mx.test": {loopback, netip.MustParseAddr("192.0.2.9")}}})
	all, err := p.Probe(t.Context(), Request{Targets: []Target{{Source: loopback}, {Source: netip.IPv6Loopback()}}, Host: "mx.test", Port: to.Port()})
	if err != nil {
		t.Fatal(err)
	}
	if all[0].Destination != to || all[0].Failure != None || all[1].Failure != NoDestination {
		t.Errorf("got %+v; want the first to %v, and nothing for the second", all, to)
	}
	_, err = p.Probe(t.Context(), Request{Targets: []Target{{Source: loopback}}, Host: "nowhere.test", Port: 25})
	if d, ok := errors.AsType[*DestinationError](err); !ok || d.Host != "nowhere.test" {
		t.Errorf("got %v; want an error about the destination", err)
	}
}

// TestBounds: so many sources at once and no more, one probe at a time, and an end
// when whoever asked has gone.
func TestBounds(t *testing.T) {
	const targets = AtOnce + 8
	arrived := make(chan struct{}, targets)
	to := server(t, func(c net.Conn) {
		arrived <- struct{}{}
		io.Copy(io.Discard, c) // it never says a word
	})
	p := New(zone{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request := Request{Host: "127.0.0.1", Port: to.Port()}
	for range targets {
		request.Targets = append(request.Targets, Target{Source: loopback})
	}
	done := make(chan []Result, 1)
	go func() {
		all, err := p.Probe(ctx, request)
		if err != nil {
			t.Error(err)
		}
		done <- all
	}()
	for i := range AtOnce {
		select {
		case <-arrived:
		case <-time.After(patience):
			t.Fatalf("only %d were dialled; want %d at once", i, AtOnce)
		}
	}
	if _, err := p.Probe(ctx, request); !errors.Is(err, ErrBusy) {
		t.Errorf("a second probe: got %v; want %v", err, ErrBusy)
	}
	select {
	case <-arrived:
		t.Errorf("more than %d were dialled at once", AtOnce)
	default:
	}
	cancel()
	failed := map[Failure]int{}
	for _, one := range <-done {
		failed[one.Failure]++
	}
	// A server may have a connection before the dial has returned.
	if begun := failed[NoBanner] + failed[NotConnected]; begun != AtOnce || failed[NotTried] != targets-AtOnce {
		t.Errorf("got %v; want %d that had begun and %d not tried", failed, AtOnce, targets-AtOnce)
	}
	if _, err := p.Probe(t.Context(), Request{Host: "127.0.0.1", Port: to.Port()}); err != nil {
		t.Errorf("after it: got %v; want another probe to be let in", err)
	}
}

// FuzzGreeting: whatever a server says, what is kept is short and valid, and
// nothing but an error is empty.
func FuzzGreeting(f *testing.F) {
	for _, s := range []string{"220 mx\r\n", "220-a\r\n220 b\r\n", "", "\r\n", "554", "\xff\xff\xff\xff-\n", "220-\n220-\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		got, err := readGreeting(bufio.NewReader(io.LimitReader(strings.NewReader(said), mostGreeting)))
		if got == "" && err == nil {
			t.Errorf("%q: got nothing and no error", said)
		}
		if len(got) > MostBanner || strings.ToValidUTF8(got, "?") != got {
			t.Errorf("%q: got %d bytes %q; want at most %d that are valid", said, len(got), got, MostBanner)
		}
	})
}
