package main

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

func tinySizes() *sizes {
	return &sizes{clients: 3, sessions: 20, dialogues: 6, roundtrips: 50, trippers: 3, bulk: 3<<20 + 1, idle: countPair{5, 15}}
}

// TestWorkloads runs each of them through a proxy that works: every value is
// there and no operation has failed.
func TestWorkloads(t *testing.T) {
	t.Parallel()
	for _, w := range workloads() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			p := startIOCopy(t)
			p.forward = startForwarder(t, func(r io.Reader) io.Reader { return r }).forward
			out, err := w.run(ctx, p, tinySizes())
			must(t, err)
			if out.errors != 0 || len(out.values) != len(w.metrics) {
				t.Fatalf("got %d errors (%v), %d values; want 0 and %d", out.errors, out.first, len(out.values), len(w.metrics))
			}
			for i, m := range w.metrics {
				cost := strings.HasPrefix(m.name, "processor") || strings.HasPrefix(m.name, "resident") || w.name == "idle" || w.name == "scale"
				if v := out.values[i]; math.IsNaN(v) != cost || !cost && v <= 0 {
					t.Errorf("%s: got %v from a proxy whose process is not known", m.name, v)
				}
			}
		})
	}
}

// TestDamage runs them through proxies that lose or change bytes: what is
// measured must have been carried.
func TestDamage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		workload string
		change   func(io.Reader) io.Reader
	}{
		{"sessions", shortened}, {"sessions", altered},
		{"smtp", shortened}, {"smtp", altered},
		{"bulk-down-1", shortened},
		{"roundtrip", shortened}, {"roundtrip", altered},
		{"idle", shortened},
		{"forward", shortened}, {"forward", altered},
	} {
		t.Run(c.workload, func(t *testing.T) {
			t.Parallel()
			selected, err := selectWorkloads([]string{c.workload})
			must(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			p := startProxy(t, mangling(c.change))
			p.forward = startForwarder(t, c.change).forward
			_, err = selected[0].run(ctx, p, tinySizes())
			if err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v from a proxy that damages what it carries; want an error at once", err)
			}
		})
	}
}

// TestBulkCounts looks at the last byte: none is missing, none is too many.
func TestBulkCounts(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{1, chunk, chunk + 1} {
		k, err := newSink(func(c net.Conn) {
			want, _ := readCount(c)
			if got := readAway(c, want); got != n {
				t.Errorf("the server got %d bytes; want %d", got, n)
			}
			_, _ = c.Write([]byte{0, 0, 0, 0, 0, 0, 0, 0}) // as if all had been lost
		})
		must(t, err)
		c, err := open(t.Context(), startIOCopy(t), k.addr(), false)
		must(t, err)
		if err := send(c, n); err == nil {
			t.Errorf("sending %d bytes: got no error although the server says that none came", n)
		}
		must(t, c.Close())
		k.close()
	}
}

func TestBindNotSpoken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		serve     func(*net.TCPConn)
		notSpoken bool
	}{
		{"refused", plainBind(socks5.CommandNotSupported), true},
		{"RFC 1928", plainBind(socks5.Succeeded), true},
		{"no proxy at all", func(*net.TCPConn) {}, false},
		{"CONNECT refused", refusing(socks5.GeneralFailure), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := runSessions(ctx, startProxy(t, c.serve), tinySizes(), true)
			if err == nil || errors.Is(err, errNotSpoken) != c.notSpoken {
				t.Errorf("got %v; want errNotSpoken: %v", err, c.notSpoken)
			}
		})
	}
}

// TestRefusal: the error of a session names what was refused.
func TestRefusal(t *testing.T) {
	t.Parallel()
	p := startProxy(t, refusing(socks5.HostUnreachable))
	_, err := open(t.Context(), p, netip.MustParseAddrPort("127.0.0.1:9"), false)
	var refused *replyError
	if !errors.As(err, &refused) || refused.command != socks5.Connect || refused.reply != socks5.HostUnreachable {
		t.Errorf("got %v; want CONNECT answered with host unreachable", err)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]error{"right": nil, "wrong": errLogin} {
		p := startProxy(t, func(c *net.TCPConn) {
			_, _ = io.ReadFull(c, make([]byte, 3))
			_, _ = c.Write(socks5.AppendMethod(nil, socks5.MethodPassword))
			message := make([]byte, 2+len("user")+1+len("right"))
			_, _ = io.ReadFull(c, message)
			_, _ = c.Write(socks5.AppendAuthStatus(nil, string(message) == "\x01\x04user\x05right"))
			if _, to, err := readRequest(c); err == nil {
				_ = reply(c, socks5.Succeeded, to)
			}
		})
		p.credentials = &socks5.Credentials{User: "user", Password: password}
		c, err := open(t.Context(), p, netip.MustParseAddrPort("127.0.0.1:9"), false)
		if !errors.Is(err, want) {
			t.Errorf("password %s: got error %v; want %v", password, err, want)
		}
		if err == nil {
			must(t, c.Close())
		}
	}
}

// TestHang: a proxy that takes clients and says nothing does not hold up the
// measurement beyond its time.
func TestHang(t *testing.T) {
	t.Parallel()
	p := startProxy(t, waitForever)
	p.forward = p.addr
	o := &options{timeout: 50 * time.Millisecond, sizes: *tinySizes()}
	for _, w := range workloads() {
		if _, err := o.measure(t.Context(), w, p); !errors.Is(err, errLate) {
			t.Errorf("%s: got error %v; want %v", w.name, err, errLate)
		}
	}
}

func waitForever(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

// TestCost reads what a proxy in a process of its own uses.
func TestCost(t *testing.T) {
	t.Parallel()
	self, err := exec.LookPath("troupe-bench")
	must(t, err)
	p := peers("", self)[1]
	r, err := p.start(t.Context(), newGuard(t), false)
	must(t, err)
	defer r.stop()
	if _, err := r.usage(); errors.Is(err, errNoUsage) {
		t.Skip(err)
	}
	out, err := runIdle(t.Context(), &r.subject, tinySizes())
	must(t, err)
	if files := out.values[1]; files < 2 || files > 6 {
		t.Errorf("got %v files per session; want 2, and a pipe's two for each direction", files)
	}
	out, err = runSessions(t.Context(), &r.subject, tinySizes(), true)
	must(t, err)
	if m := out.values[2]; m < 1 || m > 1000 {
		t.Errorf("got %v MiB resident, which no Go program has", m)
	}
}
