package egress_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"testing"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/socks5"
)

func TestClassifyErrnos(t *testing.T) {
	for errno, want := range errnos() {
		if got := egress.Classify(errno); got != want {
			t.Errorf("%v: got %v; want %v", errno, got, want)
		}
		wrapped := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", errno)}
		if got := egress.Classify(fmt.Errorf("upstream: %w", wrapped)); got != want {
			t.Errorf("%v: got %v; want %v", wrapped, got, want)
		}
	}
}

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want egress.Result
	}{
		{nil, egress.Connected},
		{errors.New("connection refused"), egress.Failed}, // never by text
		{context.Canceled, egress.Aborted},
		{net.ErrClosed, egress.Aborted},
		{context.DeadlineExceeded, egress.TimedOut},
		{os.ErrDeadlineExceeded, egress.TimedOut},
		{&net.DNSError{IsNotFound: true}, egress.NameNotFound},
		{&net.DNSError{IsTimeout: true}, egress.ResolveFailed},
		{&net.DNSError{IsTimeout: true, UnwrapErr: context.DeadlineExceeded}, egress.ResolveFailed},
		{&net.DNSError{IsTemporary: true}, egress.ResolveFailed},
		{&net.DNSError{UnwrapErr: context.Canceled}, egress.Aborted},
		{&net.AddrError{Err: "no suitable address found", Addr: "localhost"}, egress.FamilyMismatch},
	} {
		if got := egress.Classify(tt.err); got != tt.want {
			t.Errorf("%#v: got %v; want %v", tt.err, got, tt.want)
		}
	}
}

// What a real socket says, on whatever system this runs.
func TestClassifyRealErrors(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustFail := func(d net.Dialer, ctx context.Context) error {
		t.Helper()
		c, err := d.DialContext(ctx, "tcp", nobody)
		if err == nil {
			_ = c.Close()
			t.Fatalf("dial %s: got a connection; want an error", nobody)
		}
		return err
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()

	for _, tt := range []struct {
		name string
		err  error
		want egress.Result
	}{
		{"nobody listens", mustFail(net.Dialer{}, t.Context()), egress.Refused},
		{"source of another family", mustFail(net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv6loopback}}, t.Context()), egress.FamilyMismatch},
		{"we stopped", mustFail(net.Dialer{}, ended), egress.Aborted},
	} {
		if got := egress.Classify(tt.err); got != tt.want {
			t.Errorf("%s (%v): got %v; want %v", tt.name, tt.err, got, tt.want)
		}
	}
}

// The labels stand in people's dashboards and alerts: each one is written out
// here once more, so that a change is meant.
func TestLabelsAndReplies(t *testing.T) {
	want := []struct {
		result egress.Result
		label  string
		reply  socks5.Reply
	}{
		{egress.Connected, "connected", socks5.Succeeded},
		{egress.Refused, "refused", socks5.ConnectionRefused},
		{egress.NetworkUnreachable, "network_unreachable", socks5.NetworkUnreachable},
		{egress.HostUnreachable, "host_unreachable", socks5.HostUnreachable},
		{egress.TimedOut, "timeout", socks5.TTLExpired},
		{egress.NoPort, "ports_exhausted", socks5.GeneralFailure},
		{egress.FamilyMismatch, "family_mismatch", socks5.GeneralFailure},
		{egress.NameNotFound, "name_not_found", socks5.HostUnreachable},
		{egress.ResolveFailed, "resolve_failed", socks5.GeneralFailure},
		{egress.NoResources, "no_resources", socks5.GeneralFailure},
		{egress.NotPermitted, "not_permitted", socks5.GeneralFailure},
		{egress.Denied, "denied", socks5.NotAllowed},
		{egress.Limited, "limited", socks5.GeneralFailure},
		{egress.Failed, "failed", socks5.GeneralFailure},
		{egress.ClientLeft, "client_left", socks5.GeneralFailure},
		{egress.Aborted, "aborted", socks5.GeneralFailure},
	}
	all := egress.Results()
	if len(all) != len(want) {
		t.Fatalf("got %d results; want %d", len(all), len(want))
	}
	label := regexp.MustCompile(`^[a-z_]+$`)
	for i, tt := range want {
		if all[i] != tt.result {
			t.Errorf("result %d: got %v; want %v", i, all[i], tt.result)
		}
		if got := tt.result.String(); got != tt.label || !label.MatchString(got) {
			t.Errorf("label: got %q; want %q", got, tt.label)
		}
		if got := tt.result.Reply(); got != tt.reply {
			t.Errorf("%s: reply: got %v; want %v", tt.label, got, tt.reply)
		}
	}
	all[0] = egress.Aborted
	if got := egress.Results()[0]; got != egress.Connected {
		t.Errorf("Results after a caller wrote to its slice: got %v; want %v", got, egress.Connected)
	}
}
