package policy

import (
	"errors"
	"slices"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:1080":         "127.0.0.1:1080",
		"0.0.0.0:0":              "0.0.0.0:0",
		"[::]:65535":             "[::]:65535",
		"[2001:DB8:0:0::1]:1":    "[2001:db8::1]:1",
		"[fe80::1%eth0]:1080":    "[fe80::1%eth0]:1080",
		"[::ffff:127.0.0.1]:80":  "127.0.0.1:80",
		"localhost:01080":        "localhost:1080",
		"Proxy.Example.COM.:25":  "proxy.example.com.:25",
		"egress_1.internal:1080": "egress_1.internal:1080",
	} {
		if got, _, err := checkAddress(text); err != nil || got != want {
			t.Errorf("checkAddress(%q): got %q, error %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"":                errNoPort,
		"localhost":       errNoPort,
		"localhost:":      errNoPort,
		"[::1]":           errNoPort,
		":1080":           errEmptyHost,
		"::1":             errBrackets,
		"::1:1080":        errBrackets,
		"2001:db8::1:80":  errBrackets,
		"[127.0.0.1]:80":  errBracketsHost,
		"[localhost]:80":  errHost,
		"[::1:80":         errBrackets,
		"127.0.0.1:-1":    errPort,
		"127.0.0.1:+1":    errPort,
		"127.0.0.1:65536": errPort,
		"127.0.0.1:socks": errPort,
		"127.0.0.1:1 ":    errPort,
		"127.0.0.300:80":  errHost,
		"10.1:80":         errHost,
		"a b:80":          errHost,
		"-a:80":           errHost,
		"a..b:80":         errHost,
		"http://a:80":     errBrackets,
	} {
		if got, _, err := checkAddress(text); !errors.Is(err, want) || got != "" {
			t.Errorf("checkAddress(%q): got %q, error %v; want error %v", text, got, err, want)
		}
	}
}

func TestParseTrusted(t *testing.T) {
	for entry, want := range map[string][]string{
		"any":                  {"0.0.0.0/0", "::/0"},
		"192.0.2.1":            {"192.0.2.1/32"},
		"::1":                  {"::1/128"},
		"10.0.0.0/8":           {"10.0.0.0/8"},
		"0.0.0.0/0":            {"0.0.0.0/0"},
		"2001:db8::/32":        {"2001:db8::/32"},
		"::ffff:192.0.2.1":     {"192.0.2.1/32"},
		"::ffff:10.0.0.0/104":  {"10.0.0.0/8"},
		"::ffff:192.0.2.1/128": {"192.0.2.1/32"},
		"::ffff:0.0.0.0/96":    {"0.0.0.0/0"},
	} {
		if got, err := parseTrusted(entry); err != nil || !slices.Equal(got, prefixes(want...)) {
			t.Errorf("parseTrusted(%q): got %v, error %v; want %v", entry, got, err, want)
		}
	}
	for _, entry := range []string{"", "ANY", "localhost", "10/8", "10.0.0.1/8", "10.0.0.0/33", "::ffff:10.0.0.1/104", "fe80::1%eth0", "10.0.0.0/08", " 10.0.0.0/8"} {
		if got, err := parseTrusted(entry); err == nil {
			t.Errorf("parseTrusted(%q): got %v; want an error", entry, got)
		}
	}
}
