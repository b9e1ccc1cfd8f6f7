package socks5_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/socks5"
)

// Dead letters, panics and log lines print whole messages by whatever means.
func TestCredentialsNeverPrintThePassword(t *testing.T) {
	const secret = "hunter2"
	c := socks5.Credentials{User: "al\nice", Password: secret}
	held := struct {
		Name  string
		Creds socks5.Credentials
	}{"message", c}

	printed := map[string]string{
		"String":   c.String(),
		"GoString": c.GoString(),
		"LogValue": c.LogValue().String(),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%30v"} {
		printed[verb] = fmt.Sprintf(verb, c)
		printed[verb+" pointer"] = fmt.Sprintf(verb, &c)
		printed[verb+" in a struct"] = fmt.Sprintf(verb, held)
		printed[verb+" in a slice"] = fmt.Sprintf(verb, []socks5.Credentials{c})
	}
	text, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	printed["json"] = string(text)
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("authenticated", "credentials", c, "message", held)
	}
	printed["slog"] = log.String()

	for how, text := range printed {
		hex := fmt.Sprintf("%x", secret)
		if strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), hex) {
			t.Errorf("%s: password in %q", how, text)
		}
		if !strings.Contains(text, "ice") {
			t.Errorf("%s: got %q; want the user in it", how, text)
		}
	}
	if got, want := fmt.Sprint(c), `{User:"al\nice" Password:redacted}`; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	if got, want := fmt.Sprintf("%#v", c), `socks5.Credentials{User:"al\nice" Password:redacted}`; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

func TestAddress(t *testing.T) {
	ip := netip.MustParseAddr("2001:db8::1")
	for _, tt := range []struct {
		address socks5.Address
		text    string
		isName  bool
	}{
		{socks5.Address{IP: netip.MustParseAddr("192.0.2.1"), Port: 25}, "192.0.2.1:25", false},
		{socks5.Address{IP: ip, Port: 25}, "[2001:db8::1]:25", false},
		{socks5.Address{Host: "mx.example.org", Port: 587}, "mx.example.org:587", true},
		{socks5.Address{Host: "::1", Port: 25}, "[::1]:25", true},
	} {
		if got := tt.address.String(); got != tt.text {
			t.Errorf("String: got %s; want %s", got, tt.text)
		}
		if got := tt.address.IsName(); got != tt.isName {
			t.Errorf("%s: IsName: got %v; want %v", tt.text, got, tt.isName)
		}
		if got := tt.address.AddrPort().IsValid(); got == tt.isName {
			t.Errorf("%s: AddrPort valid: got %v; want %v", tt.text, got, !tt.isName)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		value fmt.Stringer
		want  string
	}{
		{socks5.MethodNone, "no authentication"},
		{socks5.MethodGSSAPI, "GSSAPI"},
		{socks5.MethodPassword, "username/password"},
		{socks5.MethodUnacceptable, "no acceptable method"},
		{socks5.Method(0x80), "method 0x80"},
		{socks5.Connect, "CONNECT"},
		{socks5.Bind, "BIND"},
		{socks5.Associate, "UDP ASSOCIATE"},
		{socks5.Command(0x09), "command 0x09"},
		{socks5.Succeeded, "succeeded"},
		{socks5.GeneralFailure, "general SOCKS server failure"},
		{socks5.NotAllowed, "connection not allowed by ruleset"},
		{socks5.NetworkUnreachable, "network unreachable"},
		{socks5.HostUnreachable, "host unreachable"},
		{socks5.ConnectionRefused, "connection refused"},
		{socks5.TTLExpired, "TTL expired"},
		{socks5.CommandNotSupported, "command not supported"},
		{socks5.AddressNotSupported, "address type not supported"},
		{socks5.Reply(0x09), "reply 0x09"},
	} {
		if got := tt.value.String(); got != tt.want {
			t.Errorf("%T: got %q; want %q", tt.value, got, tt.want)
		}
	}
}
