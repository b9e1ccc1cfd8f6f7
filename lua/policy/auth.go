package policy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/internal/suggest"
)

// authEvent is asked about a client's user name and password.
const authEvent = "proxy_server_auth_rfc1929"

// EventAuth is the event of Authenticate, for Has.
const EventAuth = authEvent

// ErrRefused says that the handler was asked and does not know these credentials.
var ErrRefused = errors.New("the credentials were refused")

// ConnMeta is what a handler is told about the connection.
type ConnMeta struct {
	Peer  netip.AddrPort // the client
	Local netip.AddrPort // what the listener is bound to, as 0.0.0.0:1080
}

func (m ConnMeta) table(L *lua.LState) *lua.LTable {
	t := L.CreateTable(0, 2)
	t.RawSetString("peer_address", lua.LString(m.Peer.String()))
	t.RawSetString("local_address", lua.LString(m.Local.String()))
	return t
}

// Identity is a name, and how it was vouched for.
type Identity struct {
	Identity string
	Context  string // one of those in identityContexts
}

// AuthInfo is who a client is.
type AuthInfo struct {
	Identities []Identity // at least one
	Groups     []string
}

// User is the first identity.
func (a AuthInfo) User() string {
	if len(a.Identities) == 0 {
		return ""
	}
	return a.Identities[0].Identity
}

// identityContexts are KumoMTA's.
func identityContexts() []string { return access.Contexts() }

// proxyAuth is the context of an identity that a client gave here.
const proxyAuth = access.ProxyAuthRFC1929

// Authenticate asks the policy about credentials. Without an error they are good.
// The error is ErrRefused when the handler said no, or else a *HookError, which is
// the fault of the policy or of what it asked and says nothing about the client.
// What a handler raises is shown without the password. The accounting log is told.
func (h *Hooks) Authenticate(ctx context.Context, user, password string, meta ConnMeta) (AuthInfo, error) {
	info, err := h.authenticate(ctx, user, password, meta)
	h.recordAuth(user, info, err == nil, meta)
	return info, err
}

func (h *Hooks) authenticate(ctx context.Context, user, password string, meta ConnMeta) (AuthInfo, error) {
	if !h.Has(authEvent) {
		return AuthInfo{}, ErrRefused
	}
	var info AuthInfo
	var ok bool
	err := h.ask(ctx, h.socks, query{
		event: authEvent,
		args: func(L *lua.LState) []lua.LValue {
			return []lua.LValue{lua.LString(user), lua.LString(password), meta.table(L)}
		},
		read: func(v lua.LValue) (err error) {
			info, ok, err = authAnswer(v, user)
			return err
		},
	})
	if err != nil {
		return AuthInfo{}, withoutSecret(err, password)
	}
	if !ok {
		return AuthInfo{}, ErrRefused
	}
	return info, nil
}

const authForm = "true, false, or a table with identities and groups"

// authAnswer reads what the handler returned. No identity at all is a refusal, as
// in KumoMTA.
func authAnswer(v lua.LValue, user string) (info AuthInfo, ok bool, err error) {
	switch v := v.(type) {
	case lua.LBool:
		return AuthInfo{Identities: []Identity{{Identity: user, Context: proxyAuth}}}, bool(v), nil
	case *lua.LTable:
		r := answerReader{}
		info := AuthInfo{Identities: r.identities(v), Groups: r.texts(v, "groups")}
		r.textOrNil(v, "peer_address")
		return info, len(info.Identities) > 0, r.err
	}
	return AuthInfo{}, false, &errAnswer{"expected " + authForm + ", got " + v.Type().String()}
}

func (r *answerReader) identities(t *lua.LTable) []Identity {
	var all []Identity
	for _, key := range r.list(t, "identities") {
		one, ok := key.value.(*lua.LTable)
		if !ok {
			r.expected(key.name, "a table with identity and context", key.value)
			continue
		}
		id := Identity{Identity: r.text(one, "identity", key.name), Context: r.text(one, "context", key.name)}
		if r.err == nil && !slices.Contains(identityContexts(), id.Context) {
			r.fail(fmt.Sprintf("%s.context: expected one of %s, got another text of %d bytes%s",
				key.name, strings.Join(identityContexts(), ", "), len(id.Context), suggest.Hint(id.Context, identityContexts())))
		}
		all = append(all, id)
	}
	return all
}

// shortestSecret is the length from which a password is looked for in an error.
// To blot out shorter ones would show them, by the gaps in common words.
const shortestSecret = 4

// withoutSecret blots a password out of what the handler raised.
func withoutSecret(err error, secret string) error {
	var errs Errors
	if len(secret) < shortestSecret || !utf8.ValidString(secret) || !errors.As(err, &errs) {
		return err
	}
	for _, e := range errs {
		e.Msg = strings.ReplaceAll(e.Msg, secret, "(secret)")
		e.Traceback = strings.ReplaceAll(e.Traceback, secret, "(secret)")
	}
	return err
}
