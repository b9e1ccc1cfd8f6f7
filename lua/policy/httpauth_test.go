package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/access"
)

func basic(user, password string) access.Credentials {
	return access.Credentials{Context: access.HTTPBasicAuth, User: user, Password: password, HasPassword: true}
}

func bearer(token string) access.Credentials {
	return access.Credentials{Context: access.BearerToken, Token: token}
}

func TestLogin(t *testing.T) {
	onBasic := func(body string) string {
		return "kumo.on('http_server_validate_auth_basic', function(user, password)\n" + body + "\nend)\n"
	}
	onBearer := func(body string) string {
		return "kumo.on('http_server_validate_auth_bearer', function(token)\n" + body + "\nend)\n"
	}
	id := func(name, context string) []access.Identity {
		return []access.Identity{{Identity: name, Context: context}}
	}
	noColon := access.Credentials{Context: access.HTTPBasicAuth, User: "alice"}
	tests := []struct {
		name, policy string
		shown        access.Credentials
		identities   []access.Identity
		groups       []string // beside that of the peer
		err          string   // "refused" for access.ErrRefused
	}{
		{"basic", onBasic(`return user == 'alice' and password == 'sesame'`), basic("alice", "sesame"), id("alice", "HttpBasicAuth"), nil, ""},
		{"basic refused", onBasic(`return false`), basic("alice", "sesame"), nil, nil, "refused"},
		{"a password with colons", onBasic(`return password == 'a:b:'`), basic("alice", "a:b:"), id("alice", "HttpBasicAuth"), nil, ""},
		{"no colon is no password", onBasic(`return password == nil`), noColon, id("alice", "HttpBasicAuth"), nil, ""},
		{"an empty password is one", onBasic(`return password == ''`), basic("alice", ""), id("alice", "HttpBasicAuth"), nil, ""},
		{"bearer", onBearer(`return token == 'tok'`), bearer("tok"), id("", "BearerToken"), nil, ""},
		{"bearer with a name", onBearer(`return { identities = { { identity = 'ci', context = 'BearerToken' } }, groups = { 'g' } }`),
			bearer("tok"), id("ci", "BearerToken"), []string{"g"}, ""},
		{"groups alone", onBasic(`return { groups = { 'kumomta:http-listener-trusted-ip' } }`), basic("a", "b"), nil, []string{access.TrustedGroup}, ""},
		{"an empty table", onBasic(`return {}`), basic("a", "b"), nil, nil, "refused"},
		{"no handler", onBearer(`return true`), basic("a", "b"), nil, nil, "refused"},
		{"no handler for tokens", onBasic(`return true`), bearer("tok"), nil, nil, "refused"},
		{"nil", onBasic(``), basic("a", "b"), nil, nil, "expected true, false, or a table with identities and groups, got nil"},
		{"an error", onBearer(`error('no backend')`), bearer("tok"), nil, nil, "policy.lua:3: no backend"},
		{"an error with the token", onBearer(`error('bad ' .. token)`), bearer("tok-123"), nil, nil, "bad (secret)"},
		{"an error with the password", onBasic(`error('bad ' .. password)`), basic("a", "sesame"), nil, nil, "bad (secret)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := mustHook(t, tt.policy)
			who := access.Auth{Peer: nobody.Peer, Groups: []string{"peer"}}
			got, err := h.Login(t.Context(), who, tt.shown)
			want := who
			if tt.err == "" {
				want.Identities, want.Groups = tt.identities, append([]string{"peer"}, tt.groups...)
			}
			if !slices.Equal(got.Identities, want.Identities) || !slices.Equal(got.Groups, want.Groups) || got.Peer != want.Peer {
				t.Errorf("got %+v; want %+v", got, want)
			}
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("got %v; want no error", err)
			case tt.err == "refused" && (!errors.Is(err, access.ErrRefused) || errors.Is(err, ErrHook)):
				t.Errorf("got %v; want access.ErrRefused", err)
			case tt.err != "" && tt.err != "refused":
				wantHookError(t, err, tt.err)
				if secret := tt.shown.Secret(); strings.Contains(errText(err), secret) && len(secret) > 3 {
					t.Errorf("got %v; want it without the secret", err)
				}
			}
		})
	}
}

// A yes is remembered for a minute, a no is not, and an error is not.
func TestLoginIsRemembered(t *testing.T) {
	h := mustHook(t, `kumo.on('http_server_validate_auth_basic', function(user, password)
if user == 'broken' then error('broken') end
return password == 'good' end)`)
	asked := func() uint64 { return h.program.options.Meter.Snapshot().Events[EventBasic].Started }
	for _, step := range []struct {
		user, password string
		asked          uint64
	}{
		{"a", "good", 1}, {"a", "good", 1}, {"b", "good", 2}, {"a", "bad", 3}, {"a", "bad", 4}, {"a", "good", 4},
		{"broken", "good", 5}, {"broken", "good", 6}, {"ag", "ood", 7},
	} {
		_, _ = h.Login(t.Context(), nobody, basic(step.user, step.password))
		if got := asked(); got != step.asked {
			t.Errorf("%s with %s: the handler was asked %d times; want %d", step.user, step.password, got, step.asked)
		}
	}
	h.Bump()
	if _, err := h.Login(t.Context(), nobody, basic("a", "good")); err != nil || asked() != 8 {
		t.Errorf("got %v, asked %d times; want 8: the epoch has changed", err, asked())
	}
}
