package examples_test

import (
	"bytes"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/examples"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// TestEveryExampleLoads is what makes an example one: it runs as it stands, and
// it starts something.
func TestEveryExampleLoads(t *testing.T) {
	names, err := fs.Glob(examples.FS, "*.lua")
	if err != nil || len(names) < 3 {
		t.Fatalf("found %v, error %v; want at least three examples", names, err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			p := load(t, name)
			if len(p.Listeners) == 0 || len(p.HTTP) == 0 {
				t.Errorf("got %d SOCKS and %d HTTP listeners; want at least one of each", len(p.Listeners), len(p.HTTP))
			}
		})
	}
}

// TestDefaultIsClosed: what runs when nothing was said serves this machine alone.
func TestDefaultIsClosed(t *testing.T) {
	p, err := policy.LoadSource(t.Context(), "(default policy)", examples.Default(), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if len(p.Listeners) != 1 || p.Listeners[0].Listen != "127.0.0.1:1080" {
		t.Errorf("got %+v; want SOCKS5 on 127.0.0.1:1080 alone", p.Listeners)
	}
	if len(p.HTTP) != 1 || p.HTTP[0].Listen != "127.0.0.1:8000" {
		t.Errorf("got %+v; want HTTP on 127.0.0.1:8000 alone", p.HTTP)
	}
	for _, trusted := range p.HTTP[0].TrustedHosts {
		if !trusted.Addr().IsLoopback() || !trusted.IsSingleIP() {
			t.Errorf("got %v among the trusted hosts; want loopback alone", trusted)
		}
	}
}

// TestDefaultIsACopy: who changes the text does not change it for others.
func TestDefaultIsACopy(t *testing.T) {
	before := bytes.Clone(examples.Default())
	clear(examples.Default())
	if !bytes.Equal(examples.Default(), before) {
		t.Error("the default policy changed with a copy of it")
	}
}

// TestMinimalFitsAReadme: it is printed there.
func TestMinimalFitsAReadme(t *testing.T) {
	text, err := examples.FS.ReadFile("minimal.lua")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "\n"); got > 12 {
		t.Errorf("minimal.lua has %d lines; want at most 12", got)
	}
	l := load(t, "minimal.lua").Listeners[0]
	if l.Listen != "127.0.0.1:1080" || l.Timeout != 30*time.Second || l.KeepAlive.Time != 5*time.Minute {
		t.Errorf("got %+v; want 127.0.0.1:1080 with a timeout of 30 s and keepalive", l)
	}
}

func TestKumoMTADropIn(t *testing.T) {
	p := load(t, "kumomta-drop-in.lua")
	for i, want := range []string{"0.0.0.0:5000", "0.0.0.0:5001"} {
		l := p.Listeners[i]
		if l.Listen != want || l.Timeout != time.Minute || l.KeepAlive != (policy.KeepAlive{
			Enabled: true, Time: 2 * time.Minute, Interval: 20 * time.Second, Retries: 4,
		}) {
			t.Errorf("got %+v; want %s with what with_defaults says", l, want)
		}
	}
	if !slices.Contains(p.HTTP[0].TrustedHosts, netip.MustParsePrefix("10.0.0.0/24")) {
		t.Errorf("got trusted hosts %v; want 10.0.0.0/24 among them", p.HTTP[0].TrustedHosts)
	}
}

func load(t *testing.T, name string) *policy.Policy {
	t.Helper()
	text, err := examples.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.LoadSource(t.Context(), name, text, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
