package resolve

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

const zone = `
$ORIGIN example.com.
@        60 IN MX  10 b.mx
@        60 IN MX  10 A.mx
@        60 IN MX  5  mx
@        60 IN TXT "v=spf1 " "-all"
@        60 IN TXT "a \"quote\" \\ and \228"
host     60 IN A    192.0.2.1
host     60 IN AAAA 2001:db8::1
six      60 IN AAAA 2001:db8::6
alias    60 IN CNAME host
loop     60 IN CNAME loop
nomx     60 IN A    192.0.2.9
null     60 IN MX   0 .
text     60 IN TXT  "only"
2.0.0.127.bl 60 IN A   127.0.0.2
2.0.0.127.bl 60 IN TXT "listed"
3.0.0.127.bl 60 IN A   127.0.0.3
1.2.0.192.in-addr.arpa. 60 IN PTR host.example.com.
`

// nameServer is a real server on loopback with the zone; datagrams of big answers
// are cut short. asked counts the questions by transport.
type nameServer struct {
	address  string
	udp, tcp atomic.Int32
	zones    zones
	fails    bool // every answer is SERVFAIL
	silent   bool // no answer at all
}

// listenBoth has one port for both protocols. One that is free for one may be
// taken for the other, by a connection that lingers for instance.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 100 {
		streams, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp", streams.Addr().String())
		if err == nil {
			return packets, streams
		}
		streams.Close()
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

func startNameServer(t *testing.T, change func(*nameServer)) *nameServer {
	t.Helper()
	z, err := newZones([]string{zone}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{zones: z}
	if change != nil {
		change(s)
	}
	packets, streams := listenBoth(t)
	s.address = packets.LocalAddr().String()
	for _, server := range []*dns.Server{
		{PacketConn: packets, Handler: s.handler(&s.udp, true)},
		{Listener: streams, Handler: s.handler(&s.tcp, false)},
	} {
		ready, ended := make(chan struct{}), make(chan struct{})
		server.NotifyStartedFunc = func() { close(ready) }
		go func() {
			defer close(ended)
			server.ActivateAndServe()
		}()
		<-ready
		t.Cleanup(func() {
			server.Shutdown()
			<-ended
		})
	}
	return s
}

func (s *nameServer) handler(asked *atomic.Int32, datagrams bool) dns.HandlerFunc {
	return func(w dns.ResponseWriter, question *dns.Msg) {
		asked.Add(1)
		if s.silent {
			return
		}
		answer := new(dns.Msg).SetReply(question)
		name := dns.CanonicalName(question.Question[0].Name)
		found, err := s.zones.records(context.Background(), name, question.Question[0].Qtype)
		switch {
		case s.fails:
			answer.Rcode = dns.RcodeServerFailure
		case err != nil:
			answer.Rcode = dns.RcodeNameError
		case datagrams && question.Question[0].Qtype == dns.TypeTXT:
			answer.Truncated = true
		default:
			answer.Answer = found
		}
		w.WriteMsg(answer)
	}
}

// newState is a state whose resolvers are default, served by s, and "zone".
func newState(t *testing.T, s *nameServer) *luatest.State {
	t.Helper()
	state := luatest.New(t, New().Module())
	state.Must(t, fmt.Sprintf(`
		zone = %q
		kumo.dns.configure_resolver {name_servers = {%q}}
		kumo.dns.define_resolver('zone', {Test = {zones = {zone}, servfail = {'broken.example.com'}}})`, zone, s.address))
	return state
}

func TestLookups(t *testing.T) {
	s := startNameServer(t, nil)
	state := newState(t, s)
	for _, resolver := range []string{"nil", "'zone'"} {
		for _, c := range []struct {
			code string
			want any
		}{
			{`lookup_txt('example.com', R)[1]`, "v=spf1 -all"},
			{`lookup_txt('example.com', R)[2]`, "a \"quote\" \\ and \xe4"},
			{`lookup_addr('host.example.com', R)`, []any{"192.0.2.1", "2001:db8::1"}},
			{`lookup_addr('host.example.com', R, 'Ipv4Only')`, []any{"192.0.2.1"}},
			{`lookup_addr('host.example.com', R, 'Ipv6thenIpv4')`, []any{"2001:db8::1"}},
			{`lookup_addr('nomx.example.com', R, 'Ipv6thenIpv4')`, []any{"192.0.2.9"}},
			{`lookup_addr('alias.example.com', R)`, []any{"192.0.2.1", "2001:db8::1"}},
			{`lookup_addr('six.example.com.', R)`, []any{"2001:db8::6"}},
			{`lookup_addr('192.0.2.77', R)`, []any{"192.0.2.77"}},
			{`lookup_ptr('192.0.2.1', R)`, []any{"host.example.com."}},
			{`lookup_ptr('192.0.2.1:25', R)`, []any{"host.example.com."}},
			{`rbl_lookup('127.0.0.2', 'bl.example.com', R)`, "127.0.0.2"},
			{`rbl_lookup('127.0.0.4', 'bl.example.com', R)`, nil},
		} {
			code := `return kumo.dns.` + strings.ReplaceAll(c.code, "R", resolver)
			if got := state.Must(t, code); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: got %#v; want %#v", code, got, c.want)
			}
		}
		if got := state.Must(t, `local ip, why = kumo.dns.rbl_lookup('127.0.0.2', 'bl.example.com.', `+resolver+`) return why`); got != "listed" {
			t.Errorf("got %v; want the reason", got)
		}
		if got := state.Must(t, `local ip, why = kumo.dns.rbl_lookup('127.0.0.3', 'bl.example.com.', `+resolver+`) return ip .. tostring(why)`); got != "127.0.0.3nil" {
			t.Errorf("got %v; want no reason", got)
		}
	}
	if s.tcp.Load() == 0 {
		t.Error("an answer that was cut short was not asked for again over TCP")
	}
}

func TestLookupMX(t *testing.T) {
	state := newState(t, startNameServer(t, nil))
	for _, resolver := range []string{"nil", "'zone'"} {
		for _, c := range []struct{ code, want string }{
			{`table.concat(x.hosts, ' ') .. ' ' .. x.by_pref[5][1] .. ' ' .. #x.by_pref[10]`, "mx.example.com. a.mx.example.com. b.mx.example.com. mx.example.com. 2"},
			{`x.site_name .. ' ' .. x.domain_name .. ' ' .. tostring(x.is_mx) .. tostring(x.is_domain_literal)`, "(a|b)?.mx.example.com example.com. truefalse"},
		} {
			code := `local x = kumo.dns.lookup_mx('example.com', ` + resolver + `) return ` + c.code
			if got := state.Must(t, code); got != c.want {
				t.Errorf("%s: got %v; want %v", code, got, c.want)
			}
		}
		for domain, want := range map[string]string{
			"nomx.example.com": "false nomx.example.com. nomx.example.com",
			"null.example.com": "true . ",
			"text.example.com": "false text.example.com. text.example.com",
			"[192.0.2.5]":      "false 192.0.2.5 192.0.2.5",
			"[IPv6:::1]":       "false ::1 %3A%3A1",
		} {
			code := fmt.Sprintf(`local x = kumo.dns.lookup_mx(%q, %s) return tostring(x.is_mx) .. ' ' .. x.hosts[1] .. ' ' .. x.site_name`, domain, resolver)
			if got := state.Must(t, code); got != want {
				t.Errorf("%s: got %v; want %v", code, got, want)
			}
		}
		state.Raises(t, `kumo.dns.lookup_mx('none.example.com', `+resolver+`)`, "none.example.com: there is no such name")
	}
}

func TestFailures(t *testing.T) {
	state := newState(t, startNameServer(t, nil))
	state.Raises(t, `kumo.dns.lookup_addr('none.example.com')`, "kumo.dns.lookup_addr: none.example.com: there is no such name")
	state.Raises(t, `kumo.dns.lookup_txt('none.example.com', 'zone')`, "there is no such name")
	state.Raises(t, `kumo.dns.lookup_addr('broken.example.com', 'zone')`, "the server failed")
	state.Raises(t, `kumo.dns.rbl_lookup('::1', 'x', 'nowhere')`, "no resolver 'nowhere' is defined")
	state.Raises(t, `kumo.dns.lookup_addr('loop.example.com', 'zone')`, "aliases of the name have no end")
	state.Raises(t, `kumo.dns.lookup_addr('host.example.com', 'zone', 'Both')`, "expected the strategy")
	state.Raises(t, `kumo.dns.lookup_ptr('host')`, "expected an IP address")
	state.Raises(t, `kumo.dns.lookup_ptr('192.0.2.200', 'zone')`, "there is no such name")
	state.Raises(t, `kumo.dns.configure_unbound_resolver()`, "not part of Troupe")
}

func TestNextServerIsAsked(t *testing.T) {
	broken := startNameServer(t, func(s *nameServer) { s.fails = true })
	good := startNameServer(t, nil)
	empty := startNameServer(t, func(s *nameServer) { s.zones = zones{} })
	state := newState(t, good)
	state.Must(t, fmt.Sprintf(`
		kumo.dns.define_resolver('both', {Hickory = {name_servers = {%q, %q}}})
		kumo.dns.define_resolver('final', {name_servers = {%q, %q}})
		kumo.dns.define_resolver('doubt', {name_servers = {{socket_addr = %q, trust_negative_responses = false}, %q}})
		kumo.dns.define_resolver('broken', {name_servers = {%q}, options = {attempts = 3}})
		kumo.dns.define_resolver('tcp', {name_servers = {{socket_addr = %q, protocol = 'tcp', bind_addr = '127.0.0.1:0'}}})
		kumo.dns.define_resolver('all', {Aggregate = {{Test = {zones = {'here.example. 60 IN A 192.0.2.50'}}}, {name_servers = {%q}}}})`,
		broken.address, good.address, empty.address, good.address, empty.address, good.address, broken.address, good.address, good.address))
	for _, resolver := range []string{"both", "doubt", "tcp", "all"} {
		if got := state.Must(t, `return kumo.dns.lookup_addr('nomx.example.com', '`+resolver+`')[1]`); got != "192.0.2.9" {
			t.Errorf("%s: got %v; want 192.0.2.9", resolver, got)
		}
	}
	if got := state.Must(t, `return kumo.dns.lookup_addr('here.example', 'all')[1]`); got != "192.0.2.50" {
		t.Errorf("got %v; want the answer of the zone", got)
	}
	state.Raises(t, `kumo.dns.lookup_addr('nomx.example.com', 'final')`, "there is no such name")
	before := broken.udp.Load()
	state.Raises(t, `kumo.dns.lookup_txt('x.example.com', 'broken')`, "the server failed: SERVFAIL")
	if got := broken.udp.Load() - before; got != 3 {
		t.Errorf("got %d questions; want 3", got)
	}
}

func TestContextEndsAQuestion(t *testing.T) {
	s := startNameServer(t, func(s *nameServer) { s.silent = true })
	state := newState(t, s)
	state.Must(t, fmt.Sprintf(`kumo.dns.configure_resolver {name_servers = {%q}, options = {timeout = '1h'}}`, s.address))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := state.Try(ctx, `kumo.dns.lookup_txt('example.com')`); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got %v; want context canceled", err)
	}
	state.Must(t, fmt.Sprintf(`kumo.dns.configure_resolver {name_servers = {%q}, options = {timeout = '20ms', attempts = 1}}`, s.address))
	state.Raises(t, `kumo.dns.lookup_txt('example.com')`, "kumo.dns.lookup_txt: example.com: ")
}

func TestNames(t *testing.T) {
	state := luatest.New(t, New().Module())
	for _, c := range []struct{ code, want string }{
		{`ptr_host '127.0.0.1'`, "1.0.0.127.in-addr.arpa"},
		{`ptr_host '::1'`, "1." + strings.Repeat("0.", 31) + "ip6.arpa"},
		{`ptr_host '[2001:db8::1]:25'`, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
		{`reverse_ip '10.1.2.3:25'`, "3.2.1.10"},
		{`reverse_ip '::ffff:10.1.2.3'`, "3.2.1.10"},
	} {
		if got := state.Must(t, `return kumo.dns.`+c.code); got != c.want {
			t.Errorf("%s: got %v; want %v", c.code, got, c.want)
		}
	}
	state.Raises(t, `kumo.dns.ptr_host 'x'`, "kumo.dns.ptr_host: x: expected an IP address")
}

func TestSiteName(t *testing.T) {
	for want, hosts := range map[string][]string{
		"(alt1|alt2|alt3|alt4)?.gmail-smtp-in.l.google.com": {
			"gmail-smtp-in.l.google.com.", "alt2.gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com.", "ALT4.gmail-smtp-in.l.google.com.", "alt3.gmail-smtp-in.l.google.com."},
		"((a|b).x|c.y).example": {"a.x.example", "b.x.example", "c.y.example"},
		"mx.example":            {"mx.example."},
		"a?.mx.example":         {"mx.example", "a.mx.example"},
		"(a.b)?.mx.example":     {"mx.example", "a.b.mx.example"},
		"(x.example|y.test)":    {"y.test", "x.example"},
		"a%2Bb.example":         {"a+b.example"},
	} {
		if got := siteName(hosts); got != want {
			t.Errorf("%v: got %s; want %s", hosts, got, want)
		}
	}
}

func TestConfigurationErrors(t *testing.T) {
	state := luatest.New(t, New().Module())
	for code, want := range map[string]string{
		`{}`:                           "kumo.dns.configure_resolver: expected a table with name_servers",
		`{name_servers = {}}`:          "name_servers: expected a list of 1 to 16",
		`{name_servers = {'host:53'}}`: "expected an address such as '192.0.2.1:53', got 'host:53'",
		`{name_servers = {{socket_addr = '::1', protocol = 'tls'}}}`: "protocol: expected udp, tcp or udp_then_tcp, got 'tls'",
		`{name_servers = {{socket_addr = '::1', bind_addr = 'x'}}}`:  "bind_addr: expected an IP address",
		`{name_servers = {{address = '::1'}}}`:                       "unknown key 'resolver.name_servers.address'",
		`{name_servers = {'::1'}, options = {timeut = 1}}`:           "unknown key 'resolver.options.timeut'",
		`{Test = {zones = {'x x x'}}}`:                               "zones[1]: dns: ",
		`{Test = {zones = {'$INCLUDE /etc/passwd'}}}`:                "zones[1]: dns: ",
		`{Unbound = {name_servers = {'::1'}}}`:                       "Unbound is not part of Troupe",
		`{Aggregate = {}}`:                                           "Aggregate: expected a list of resolvers",
		`'System'`:                                                   "or 'HickorySystemConfig'",
	} {
		state.Raises(t, `kumo.dns.configure_resolver(`+code+`)`, want)
	}
	state.Must(t, `kumo.dns.configure_resolver 'HickorySystemConfig'`)
	if got := state.Must(t, `return kumo.dns.lookup_addr('127.0.0.1')[1]`); got != "127.0.0.1" {
		t.Errorf("got %v; want 127.0.0.1", got)
	}
	state.Raises(t, `for i = 1, 300 do kumo.dns.define_resolver('r' .. i, 'HickorySystemConfig') end`, "more than 256 resolvers")
}

func TestLoadResolvConf(t *testing.T) {
	s := startNameServer(t, nil)
	_, port, _ := net.SplitHostPort(s.address)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver 192.0.2.1\nnameserver ::1\nsearch a.example b.example\noptions ndots:2 timeout:3 attempts:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	state := luatest.New(t, New().Module())
	got := state.Must(t, fmt.Sprintf(`c = kumo.dns.load_resolv_conf(%q)
		return table.concat(c.name_servers, ' ') .. ' ' .. table.concat(c.search, ' ') .. ' ' .. c.options.timeout .. c.options.attempts .. c.options.ndots`, path))
	if want := "192.0.2.1:53 [::1]:53 a.example b.example 312"; got != want {
		t.Errorf("got %v; want %v", got, want)
	}
	got = state.Must(t, `c.name_servers = {'127.0.0.1:`+port+`'}
		kumo.dns.configure_resolver(c)
		return kumo.dns.lookup_addr('nomx.example.com')[1]`)
	if got != "192.0.2.9" {
		t.Errorf("got %v; want an answer of the server configured", got)
	}
	state.Raises(t, `kumo.dns.load_resolv_conf('/nonexistent')`, "kumo.dns.load_resolv_conf: /nonexistent: ")
}

func FuzzUnescaped(f *testing.F) {
	f.Add(`a\228b\"\\`)
	f.Add(`\`)
	f.Add(`\25`)
	f.Fuzz(func(t *testing.T, text string) {
		if got := unescaped(text); len(got) > len(text) {
			t.Errorf("%q: got %q; want nothing longer", text, got)
		}
	})
}
