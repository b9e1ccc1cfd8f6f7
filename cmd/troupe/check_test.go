package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/examples"
)

// runCheck is troupe check within this process.
func runCheck(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(append([]string{"check"}, args...), process{stdout: &out, stderr: &errs, lookup: os.LookupEnv})
	return code, out.String(), errs.String()
}

// TestCheckRefusesBadPolicies: with the words of the daemon, which are in the file
// beside each.
func TestCheckRefusesBadPolicies(t *testing.T) {
	t.Setenv("LUA_PATH", "")
	t.Chdir(filepath.Join("..", "..", "lua", "policy"))
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.lua"))
	if err != nil || len(files) < 60 {
		t.Fatalf("found %d policies, %v; want the bad ones", len(files), err)
	}
	for _, file := range files {
		want, err := os.ReadFile(strings.TrimSuffix(file, ".lua") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := runCheck(file)
		if code != exitFailed || stdout != "" {
			t.Errorf("%s: got exit code %d and %q; want %d and nothing", file, code, stdout, exitFailed)
		}
		text := strings.NewReplacer("testdata/bad/", "", "testdata/modules/", "").Replace(filepath.ToSlash(stderr))
		if !strings.HasSuffix(text, "Error: "+strings.TrimSpace(string(want))+"\n") {
			t.Errorf("%s: got\n%s; want\n%s", file, text, want)
		}
	}
}

// TestCheckExamples: each loads, and names nothing that is not there.
func TestCheckExamples(t *testing.T) {
	names, err := fs.Glob(examples.FS, "*.lua")
	if err != nil || len(names) < 9 {
		t.Fatalf("found %q, %v; want the examples", names, err)
	}
	a := newAuthority(t)
	for _, name := range names {
		text, err := fs.ReadFile(examples.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, tlsExample(t, a, text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := runCheck(path)
		if code != exitOK || stderr != "" || strings.Contains(stdout, "warning ") ||
			!strings.Contains(stdout, "\nlistener ") || !strings.Contains(stdout, "\nhook      proxy_init (") {
			t.Errorf("%s: got exit code %d,\n%s%s; want listeners and hooks, and no warning", name, code, stdout, stderr)
		}
	}
}

// TestCheckWarnsOfStart: what loads and cannot start, or serves nobody, used to pass
// without a word.
func TestCheckWarnsOfStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.lua")
	for _, tt := range []struct{ init, want string }{
		{"proxy.start_proxy_listener { listen = '0.0.0.0:1080' } proxy.start_http_listener { listen = '127.0.0.1:1080' }",
			"POLICY:3: listener 127.0.0.1:1080: cannot be opened beside that on 0.0.0.0:1080 (POLICY:3), which has the port on all addresses"},
		{"proxy.start_proxy_listener { listen = '127.0.0.1:1080' } proxy.start_proxy_listener { listen = '[::]:1080' }",
			"POLICY:3: listener 127.0.0.1:1080: cannot be opened beside that on [::]:1080 (POLICY:3), which has the port on all addresses"},
		{"proxy.start_http_listener {}", "POLICY: there is no proxy listener: no client is served"},
		{"proxy.start_proxy_listener { listen = '0.0.0.0:1080' } proxy.start_proxy_listener { listen = '[::1]:1080' }", ""},
		{"proxy.start_proxy_listener { listen = '0.0.0.0:0' } proxy.start_http_listener { listen = '127.0.0.1:0' }", ""},
	} {
		policy := "local kumo, proxy = require 'kumo', require 'proxy'\nkumo.on('proxy_init', function()\n" + tt.init + "\nend)\n"
		if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := runCheck(path)
		var warnings []string
		for line := range strings.Lines(stdout) {
			if w, ok := strings.CutPrefix(line, "warning "); ok {
				warnings = append(warnings, strings.ReplaceAll(strings.TrimSpace(w), path, "POLICY"))
			}
		}
		if got := strings.Join(warnings, "; "); code != exitOK || got != tt.want {
			t.Errorf("%s: got exit code %d, %q, %s; want %q", tt.init, code, got, stderr, tt.want)
		}
	}
}

func TestParseQuestion(t *testing.T) {
	addr, port := netip.MustParseAddr, netip.MustParseAddrPort
	tests := []struct {
		text string
		want question
		err  error
	}{
		{"10.0.0.7->192.0.2.1:25", question{client: port("10.0.0.7:0"), host: "192.0.2.1", port: 25}, nil},
		{"alice@10.0.0.7:4711→mx.example:25", question{user: "alice", client: port("10.0.0.7:4711"), host: "mx.example", port: 25}, nil},
		{"a@b.example@::1 -> [2001:db8::1]:25 +src=2001:db8::2", question{user: "a@b.example", client: port("[::1]:0"), host: "2001:db8::1", port: 25, source: addr("2001:db8::2")}, nil},
		{"[::ffff:10.0.0.7]:1→[::ffff:192.0.2.1]:25+src=[::1]", question{client: port("10.0.0.7:1"), host: "192.0.2.1", port: 25, source: addr("::1")}, nil},
		{"a-b@10.0.0.7->x-y.example:1", question{user: "a-b", client: port("10.0.0.7:0"), host: "x-y.example", port: 1}, nil},
		{"", question{}, errNoArrow},
		{"10.0.0.7 192.0.2.1:25", question{}, errNoArrow},
		{"mta1->192.0.2.1:25", question{}, errNoClient},
		{"->192.0.2.1:25", question{}, errNoClient},
		{"10.0.0.7->192.0.2.1", question{}, errDestination},
		{"10.0.0.7->:25", question{}, errDestination},
		{"10.0.0.7->mx:0", question{}, errDestination},
		{"10.0.0.7->mx:smtp", question{}, errDestination},
		{"10.0.0.7->2001:db8::1:25", question{}, errDestination},
		{"10.0.0.7->mx:25+src=eth0", question{}, errSource},
	}
	for _, tt := range tests {
		got, err := parseQuestion(tt.text)
		if !errors.Is(err, tt.err) || err == nil && *got != tt.want {
			t.Errorf("%q: got %+v, %v; want %+v, %v", tt.text, got, err, tt.want, tt.err)
		}
	}
}

// FuzzParseQuestion: what is read can be asked: there is a client and somewhere to
// go.
func FuzzParseQuestion(f *testing.F) {
	for _, seed := range []string{"alice@10.0.0.7->mx.example:25+src=192.0.2.1", "[::1]:1→[::1]:25", "@->", "a@b@1.1.1.1->x:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseQuestion(text)
		if err == nil && (!q.client.Addr().IsValid() || q.host == "" || q.port == 0) {
			t.Errorf("%q: got %+v", text, q)
		}
	})
}
