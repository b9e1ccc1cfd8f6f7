package policy

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/suggest"
)

// requestEvent is asked about each request of a client. KumoMTA has none like it.
const requestEvent = "proxy_server_request"

// EventRequest is the event of Request, for Has.
const EventRequest = requestEvent

// RequestInfo is a request that the policy is asked about.
type RequestInfo struct {
	// Connect is false for a BIND, of which only Source means anything.
	Connect bool
	// Host is the upstream as the client named it, an address or a name.
	Host string
	Port uint16
	// Group is that of the upstream, as far as Host says it; empty: none.
	Group string
	// Source is our outgoing address that the client asked for; not valid when it
	// asked for none.
	Source netip.Addr
	// Auth is who the client is; empty when it was not asked.
	Auth AuthInfo
}

func (r RequestInfo) table(L *lua.LState) *lua.LTable {
	t := L.CreateTable(0, 8)
	t.RawSetString("command", lua.LString("bind"))
	if r.Connect {
		t.RawSetString("command", lua.LString("connect"))
		t.RawSetString("destination", lua.LString(joinHostPort(r.Host, r.Port)))
		t.RawSetString("destination_host", lua.LString(r.Host))
		t.RawSetString("destination_port", lua.LNumber(r.Port))
	}
	if r.Group != "" {
		t.RawSetString("group", lua.LString(r.Group))
	}
	if r.Source.IsValid() {
		t.RawSetString("source", lua.LString(r.Source.String()))
	}
	r.Auth.into(t, L)
	return t
}

// into adds who a client is to the table of an event.
func (a AuthInfo) into(t *lua.LTable, L *lua.LState) {
	if user := a.User(); user != "" {
		t.RawSetString("user", lua.LString(user))
	}
	groups := L.CreateTable(len(a.Groups), 0)
	for _, g := range a.Groups {
		groups.Append(lua.LString(g))
	}
	t.RawSetString("groups", groups)
}

// joinHostPort puts brackets around a host that has colons.
func joinHostPort(host string, port uint16) string {
	number := strconv.Itoa(int(port))
	for i := range len(host) {
		if host[i] == ':' {
			return "[" + host + "]:" + number
		}
	}
	return host + ":" + number
}

// Decision is what the policy says to a request. The zero value lets it pass.
type Decision struct {
	Deny bool
	// Why is for the log, if the policy said so. The client does not see it.
	Why string
	// Source, if valid, takes the place of the one asked for.
	Source netip.Addr
	// Destination, if valid, takes the place of the upstream. Only for CONNECT.
	Destination netip.AddrPort
}

// Request asks the policy about a request; without a handler it passes. The error
// is a *HookError: the policy has not decided.
func (h *Hooks) Request(ctx context.Context, r RequestInfo, meta ConnMeta) (Decision, error) {
	if !h.Has(requestEvent) {
		return Decision{}, nil
	}
	var decision Decision
	err := h.ask(ctx, h.socks, query{
		event: requestEvent,
		args: func(L *lua.LState) []lua.LValue {
			return []lua.LValue{r.table(L), meta.table(L)}
		},
		read: func(v lua.LValue) (err error) {
			decision, err = requestAnswer(v, r.Connect)
			return err
		},
	})
	if err != nil {
		return Decision{}, err
	}
	return decision, nil
}

const requestForm = "nothing, true, false, { deny = 'why' }, or { source = 'ip', destination = 'ip:port' }"

// requestAnswer reads what the handler returned. A key that is not known is a
// mistake: who writes denied for deny has not allowed anything.
func requestAnswer(v lua.LValue, connect bool) (d Decision, err error) {
	switch v := v.(type) {
	case *lua.LNilType:
		return Decision{}, nil
	case lua.LBool:
		return Decision{Deny: !bool(v)}, nil
	case *lua.LTable:
		return requestTable(v, connect)
	}
	return Decision{}, &errAnswer{"expected " + requestForm + ", got " + v.Type().String()}
}

func requestTable(t *lua.LTable, connect bool) (d Decision, err error) {
	r := answerReader{}
	keys := sortedKeys(t)
	if len(keys) == 0 {
		r.fail("expected " + requestForm + ", got an empty table")
	}
	known := []string{"deny", "source", "destination"}
	for _, k := range keys {
		name, ok := k.(lua.LString)
		switch {
		case !ok:
			r.fail("expected " + requestForm + ", got a table with a " + k.Type().String() + " as key")
		case !slices.Contains(known, string(name)):
			r.fail("unknown key " + quoteKey(string(name)) + suggest.Hint(string(name), known) + " (expected " + requestForm + ")")
		}
	}
	if t.RawGetString("deny") != lua.LNil {
		d.Deny, d.Why = true, r.text(t, "deny", "")
		if len(keys) > 1 {
			r.fail("deny: expected nothing beside it: what is denied has no source and no destination")
		}
	}
	d.Source = r.source(t)
	d.Destination = r.destination(t, connect)
	if r.err != nil {
		return Decision{}, r.err
	}
	return d, nil
}

func (r *answerReader) source(t *lua.LTable) netip.Addr {
	text := r.textOrNil(t, "source")
	if text == "" && t.RawGetString("source") == lua.LNil {
		return netip.Addr{}
	}
	ip, err := netip.ParseAddr(text)
	if r.err == nil && (err != nil || ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast()) {
		r.fail(fmt.Sprintf("source: expected an IP address of this host, got %s", quote(text)))
	}
	return ip.Unmap()
}

func (r *answerReader) destination(t *lua.LTable, connect bool) netip.AddrPort {
	text := r.textOrNil(t, "destination")
	if text == "" && t.RawGetString("destination") == lua.LNil {
		return netip.AddrPort{}
	}
	if !connect {
		r.fail("destination: a BIND has none; expected it for the command connect alone")
	}
	to, err := netip.ParseAddrPort(text)
	if r.err == nil && (err != nil || to.Port() == 0 || to.Addr().Zone() != "" || to.Addr().IsUnspecified()) {
		r.fail(fmt.Sprintf("destination: expected an address such as '192.0.2.1:25' or '[2001:db8::1]:25', got %s", quote(text)))
	}
	return netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
}
