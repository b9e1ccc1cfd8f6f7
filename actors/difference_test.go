package actors

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/lua/policy"
)

func TestChanges(t *testing.T) {
	inline := func(text string) tlsconf.KeySource { return tlsconf.Inline(text) }
	for _, tc := range []struct {
		name   string
		change func(*policy.Listener)
		want   []string
	}{
		{"nothing", func(*policy.Listener) {}, nil},
		{"where it is said", func(l *policy.Listener) { l.At = policy.Position{File: "x", Line: 7}; l.Listen = "localhost:1080" }, nil},
		{"durations and switches", func(l *policy.Listener) { l.Timeout, l.ConnectTimeout, l.UseSplice = 90*time.Second, time.Second, true },
			[]string{"timeout 1m → 1m 30s", "connect_timeout 1m → 1s", "use_splice false → true"}},
		{"a table", func(l *policy.Listener) { l.KeepAlive.Retries, l.KeepAlive.Enabled = 7, true },
			[]string{"tcp_keepalive.enabled false → true", "tcp_keepalive.retries 0 → 7"}},
		{"numbers", func(l *policy.Listener) { l.DestinationSeries = 5 }, []string{"destination_series 100 → 5"}},
		{"rules", func(l *policy.Listener) {
			l.Rules = rules.Spec{AllowClients: networks(t, "*"), Source: networks(t, "192.0.2.1"), AllowLocalDestinations: true, ForbidNames: true}
		}, []string{"allow_clients", "allow_local_destinations false → true", "source", "resolve_names true → false"}},
		{"nobody is served where all were", func(l *policy.Listener) { l.Rules.AllowClients = networks(t) }, []string{"allow_clients"}},
		{"texts are not shown", func(l *policy.Listener) { l.Hostname = "secret" }, []string{"hostname"}},
		{"keys are not shown", func(l *policy.Listener) { l.TLSPrivateKey = inline("secret") }, []string{"tls_private_key nowhere → key_data"}},
	} {
		a, b := anyListener(), anyListener()
		tc.change(&b)
		if got := changes(a, b); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q; want %q", tc.name, got, tc.want)
		}
	}
	a, b := anyListener(), anyListener()
	a.TLSPrivateKey, b.TLSPrivateKey = inline("secret"), inline("another")
	if got, want := changes(a, b), []string{"tls_private_key"}; !slices.Equal(got, want) {
		t.Errorf("another key: got %q; want %q", got, want)
	}
	h, i := anyHTTP(), anyHTTP()
	i.TrustedHosts = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	if got, want := changes(h, i), []string{"trusted_hosts"}; !slices.Equal(got, want) {
		t.Errorf("a list: got %q; want %q", got, want)
	}
}

// Whatever the policy gets of fields, none of them changes unnoticed, and none
// has a name that no policy could have.
func TestChangesNamesEveryField(t *testing.T) {
	for _, name := range []string{"UseTLS", "TLSClientCA", "RequireAuth", "DestinationSeries", "AllowIPv6", "ID"} {
		got := parameter(name)
		if got != strings.ToLower(got) || strings.Contains(got, "__") || strings.Trim(got, "_") != got {
			t.Errorf("%s is %q; want it as in a policy", name, got)
		}
	}
	for field, want := range map[string]string{
		"UseTLS": "use_tls", "TLSClientCA": "tls_client_ca", "TLSPrivateKey": "tls_private_key", "DestinationIdle": "destination_idle",
	} {
		if got := parameter(field); got != want {
			t.Errorf("%s is %q; want %q", field, got, want)
		}
	}
}

func TestDifferenceText(t *testing.T) {
	if d := (Difference{Unchanged: 3}); !d.Empty() || d.String() != "= 3 listeners unchanged" {
		t.Errorf("got %q, empty %v; want = 3 listeners unchanged, empty", d, d.Empty())
	}
	d := Difference{
		Added: []string{"listener 127.0.0.1:1081"}, Changed: []string{"listener 127.0.0.1:1080 timeout 1m → 30s"},
		Removed: []string{"http listener 127.0.0.1:8000"}, Unchanged: 1,
	}
	want := "+ listener 127.0.0.1:1081\n~ listener 127.0.0.1:1080 timeout 1m → 30s\n- http listener 127.0.0.1:8000\n= 1 listener unchanged"
	if d.Empty() || d.String() != want {
		t.Errorf("got %q; want %q", d, want)
	}
}

// Who is wanted finds who is open by the text, in order, and otherwise by the
// address that the text stands for.
func TestPair(t *testing.T) {
	open := []endpoint{
		{"127.0.0.1:0", netip.MustParseAddrPort("127.0.0.1:4001")},
		{"127.0.0.1:0", netip.MustParseAddrPort("127.0.0.1:4002")},
		{"[::1]:1080", netip.MustParseAddrPort("[::1]:1080")},
	}
	for _, tc := range []struct {
		wanted []string
		want   []int
	}{
		{[]string{"127.0.0.1:0"}, []int{0}},
		{[]string{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}, []int{0, 1, -1}},
		{[]string{"127.0.0.1:0", "127.0.0.1:4001"}, []int{1, 0}},
		{[]string{"127.0.0.1:4002", "[::1]:1080"}, []int{1, 2}},
		{[]string{"127.0.0.1:1080", "nonsense"}, []int{-1, -1}},
		{nil, []int{}},
	} {
		got := pair(t.Context(), len(tc.wanted), func(i int) string { return tc.wanted[i] }, len(open), func(j int) endpoint { return open[j] })
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: got %v; want %v", tc.wanted, got, tc.want)
		}
	}
}
