package policy

import (
	"context"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/internal/acctlog"
	"github.com/troupe-proxy/troupe/lua/pool"
)

// The events that are asked about the credentials of clients of HTTP listeners.
const (
	basicEvent  = "http_server_validate_auth_basic"
	bearerEvent = "http_server_validate_auth_bearer"
)

// EventBasic and EventBearer are the events of Login, for Has.
const (
	EventBasic  = basicEvent
	EventBearer = bearerEvent
)

// httpStates is how many calls of handlers for HTTP listeners may run at once.
// They have states of their own, so that nobody who asks for a page keeps a client
// of the proxy waiting.
const httpStates = 16

// httpHooks are what HTTP listeners ask, and who the policy has vouched for.
type httpHooks struct {
	pool   *pool.Pool[*state]
	logins *access.Logins
}

func newHTTPHooks(h *Hooks) httpHooks {
	return httpHooks{pool: h.pool(httpStates), logins: access.NewLogins(h.Epoch)}
}

// Login asks the policy about the credentials of a client of an HTTP listener, of
// whom who is known already, or remembers what it has said within the last minute.
// It returns what is known then. The error is access.ErrRefused when the handler
// said no or there is none, or else a *HookError, in which the password or token is
// not shown. The accounting log is told.
func (h *Hooks) Login(ctx context.Context, who access.Auth, c access.Credentials) (access.Auth, error) {
	login, err := access.Login{}, access.ErrRefused
	if h.Has(loginEvent(c)) {
		login, err = h.http.logins.Login(ctx, c, h.askLogin)
	}
	attempted := c.Attempted()
	if err == nil {
		attempted.Identity = c.User
		who.Identities = slices.Concat(who.Identities, login.Identities)
		who.Groups = slices.Concat(who.Groups, login.Groups)
	}
	h.acct().Authentication(acctlog.Authentication{Attempted: attempted, Success: err == nil, Who: who})
	return who, err
}

func loginEvent(c access.Credentials) string {
	if c.Context == access.BearerToken {
		return bearerEvent
	}
	return basicEvent
}

func (h *Hooks) askLogin(ctx context.Context, c access.Credentials) (access.Login, error) {
	var login access.Login
	var ok bool
	err := h.ask(ctx, h.http.pool, query{
		event: loginEvent(c),
		args: func(*lua.LState) []lua.LValue {
			switch {
			case c.Context == access.BearerToken:
				return []lua.LValue{lua.LString(c.Token)}
			case c.HasPassword:
				return []lua.LValue{lua.LString(c.User), lua.LString(c.Password)}
			}
			return []lua.LValue{lua.LString(c.User), lua.LNil}
		},
		read: func(v lua.LValue) (err error) {
			login, ok, err = loginAnswer(v, c)
			return err
		},
	})
	if err != nil {
		return access.Login{}, withoutSecret(err, c.Secret())
	}
	if !ok {
		return access.Login{}, access.ErrRefused
	}
	return login, nil
}

// loginAnswer reads what the handler returned. A table that names nobody and no
// group vouches for nobody.
func loginAnswer(v lua.LValue, c access.Credentials) (login access.Login, ok bool, err error) {
	switch v := v.(type) {
	case lua.LBool:
		// The token itself would be the only name; KumoMTA has none here either.
		return access.Login{Identities: []access.Identity{{Identity: c.User, Context: c.Context}}}, bool(v), nil
	case *lua.LTable:
		r := answerReader{}
		for _, id := range r.identities(v) {
			login.Identities = append(login.Identities, access.Identity(id))
		}
		login.Groups = r.texts(v, "groups")
		r.textOrNil(v, "peer_address")
		return login, len(login.Identities)+len(login.Groups) > 0, r.err
	}
	return access.Login{}, false, &errAnswer{"expected " + authForm + ", got " + v.Type().String()}
}
