package policy

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/accesslog"
)

// withAccessLog is a policy that configures the access log as it says.
func withAccessLog(parameters string) []byte {
	return []byte("require('kumo').on('proxy_init', function()\n" +
		"  require('proxy').configure_access_log { " + parameters + " }\nend)")
}

func TestAccessLog(t *testing.T) {
	plain := accesslog.Default()
	plain.Path = "/var/log/troupe/access.log"
	stdout := accesslog.Default()
	stdout.Path = accesslog.Stdout
	for parameters, want := range map[string]accesslog.Config{
		"path = '/var/log//troupe/./access.log'":                           plain,
		"path = '-', mode = '0640', buffer_lines = 16384":                  stdout,
		"path = '/a', mode = '600', buffer_lines = 1048576, probes = true": {Path: "/a", Mode: 0o600, BufferLines: 1 << 20, Probes: true},
		"path = '/a', mode = '0664', buffer_lines = 1, probes = false":     {Path: "/a", Mode: 0o664, BufferLines: 1},
	} {
		p, err := LoadSource(t.Context(), "p.lua", withAccessLog(parameters), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if got := p.Hooks.accessLog; got == nil || *got != want {
			t.Errorf("%s: got %+v; want %+v", parameters, got, want)
		}
	}
	for _, parameters := range []string{
		"", "path = ''", "path = 1", "path = 'access.log'", "path = './a'", "path = '/var/log/'", `path = '/a\0b'`,
		"path = '-', mode = '0400'", "path = '-', mode = '0700'", "path = '-', mode = '4640'", "path = '-', mode = '-640'",
		"path = '-', mode = '0648'", "path = '-', buffer_lines = 1.5", "path = '-', buffer_lines = 1048577", "'-'",
	} {
		if p, err := LoadSource(t.Context(), "p.lua", withAccessLog(parameters), Options{}); err == nil {
			p.Close()
			t.Errorf("%s: accepted; want it refused", parameters)
		}
	}
}

// TestAccessLogRefusedAndCaught: what was refused is not in force, and another
// call may be right.
func TestAccessLogRefusedAndCaught(t *testing.T) {
	p, err := LoadSource(t.Context(), "p.lua", []byte(`require('kumo').on('proxy_init', function()
  local configure = require('proxy').configure_access_log
  pcall(configure, { path = '/wrong', mode = '0777' })
  configure { path = '/right' }
end)`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := p.Hooks.accessLog; got == nil || got.Path != "/right" {
		t.Errorf("got %+v; want the path /right", got)
	}
}

// TestAccessLogStarts: with the policy in force, and not before; a policy that
// configures none ends it.
func TestAccessLogStarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	log := accesslog.New(slog.New(slog.DiscardHandler), io.Discard)
	defer log.Close(time.Minute)
	load := func(source []byte) *Policy {
		t.Helper()
		p, err := LoadSource(t.Context(), "p.lua", source, Options{AccessLog: log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	first := load(withAccessLog("path = " + strconv.Quote(filepath.ToSlash(path))))
	if log.Wants() {
		t.Error("a policy that was only loaded has begun a log")
	}
	first.Hooks.Start()
	if err := log.Reopen(t.Context()); err != nil {
		t.Errorf("the log has not begun: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	load([]byte("")).Hooks.Start()
	if log.Wants() {
		t.Error("the log goes on under a policy that configures none")
	}
}

// TestAccessLogElsewhere: no handler but proxy_init has a say in it.
func TestAccessLogElsewhere(t *testing.T) {
	p, err := LoadSource(t.Context(), "p.lua", []byte(`local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_server_auth_rfc1929', function() proxy.configure_access_log { path = '-' } end)`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = p.Hooks.Authenticate(t.Context(), "u", "p", ConnMeta{})
	if err == nil || !strings.Contains(err.Error(), "configured in proxy_init alone") {
		t.Errorf("got error %v; want it refused", err)
	}
}
