package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/internal/access"
)

// fakePolicy knows alice with the password sesame, the group ops, and the token
// tok; the rest is built in, and what the test adds.
type fakePolicy struct {
	rules  map[string]*access.List
	down   error // for Authorize
	broken error // for Login
	seen   []access.Query
}

func (p *fakePolicy) Login(_ context.Context, who access.Auth, c access.Credentials) (access.Auth, error) {
	switch {
	case p.broken != nil:
		return who, p.broken
	case c.Token == "tok":
		who.Identities = append(who.Identities, access.Identity{Context: access.BearerToken})
	case c.HasPassword && c.User == "alice" && c.Password == "sesame":
		who.Identities = append(who.Identities, access.Identity{Identity: "alice", Context: access.HTTPBasicAuth})
	case c.HasPassword && c.User == "ops" && c.Password == "sesame":
		who.Groups = append(who.Groups, access.TrustedGroup)
	default:
		return who, access.ErrRefused
	}
	return who, nil
}

func (p *fakePolicy) Authorize(ctx context.Context, q access.Query) (access.Decision, error) {
	p.seen = append(p.seen, q)
	if p.down != nil {
		return access.Decision{}, p.down
	}
	return access.NewEngine(nil).Decide(ctx, q, func(_ context.Context, resource string) (*access.List, error) {
		return p.rules[resource], nil
	})
}

// behind is the surface behind a policy, and what its log says.
func behind(p *fakePolicy) (http.Handler, *bytes.Buffer) {
	c, said := newConfig(), &bytes.Buffer{}
	c.Log = slog.New(slog.NewTextHandler(said, nil))
	c.Hostname, c.AllowedHosts, c.Listener = "own.example", []string{"also.example"}, "0.0.0.0:8000"
	c.Access = c.PolicyAccess(p)
	return Handler(c), said
}

func basicAuth(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

func TestPolicyAccess(t *testing.T) {
	deny := &access.List{Rules: []access.Rule{{Criteria: access.Any, Privilege: "GET"}}}
	alice := &access.List{Rules: []access.Rule{{Criteria: access.Individual("alice"), Privilege: "GET", Allow: true}}}
	const nobody = "<Unauthenticated>@ ip=192.0.2.9 not permitted GET on http_listener/0.0.0.0:8000"
	tests := []struct {
		name, method, path, peer, authorization, host string
		rules                                         map[string]*access.List
		status                                        int
		body                                          string
	}{
		{"trusted", "GET", "/metrics", trustedPeer, "", "", nil, 200, ""},
		{"trusted, mapped", "GET", "/metrics", mappedPeer, "", "", nil, 200, ""},
		{"trusted, HEAD", "HEAD", "/metrics", trustedPeer, "", "", nil, 200, ""},
		{"trusted, a method that is not there", "POST", "/metrics", trustedPeer, "", "", nil, 405, ""},
		{"untrusted", "GET", "/metrics", untrustedPeer, "", "", nil, 401, nobody + "/metrics"},
		{"untrusted, mapped", "GET", "/metrics", mappedOther, "", "", nil, 401, nobody + "/metrics"},
		{"untrusted, HEAD", "HEAD", "/metrics", untrustedPeer, "", "", nil, 401, nobody + "/metrics"},
		{"untrusted, another method", "POST", "/metrics", untrustedPeer, "", "", nil, 401, strings.Replace(nobody, "GET", "POST", 1) + "/metrics"},
		{"open", "GET", "/proxy/status", untrustedPeer, "", "", nil, 200, "KumoProxy OK"},
		{"open, HEAD", "HEAD", "/proxy/status", untrustedPeer, "", "", nil, 200, ""},
		{"open, another method", "DELETE", "/proxy/status", untrustedPeer, "", "", nil, 405, ""},
		{"no such path", "GET", "/nothing", untrustedPeer, "", "", nil, 404, ""},
		{"Basic, not permitted", "GET", "/metrics", untrustedPeer, basicAuth("alice:sesame"), "", nil, 403, "id=[alice]@ ip=192.0.2.9 not permitted GET on http_listener/0.0.0.0:8000/metrics"},
		{"Basic, permitted", "GET", "/metrics", untrustedPeer, basicAuth("alice:sesame"), "", map[string]*access.List{"http_listener/*/metrics": alice}, 200, ""},
		{"Basic, in lower case", "GET", "/metrics", untrustedPeer, "b" + basicAuth("alice:sesame")[1:], "", map[string]*access.List{"http_listener/*/metrics": alice}, 200, ""},
		{"Basic, a group", "GET", "/metrics", untrustedPeer, basicAuth("ops:sesame"), "", nil, 200, ""},
		{"Basic, wrong", "GET", "/metrics", untrustedPeer, basicAuth("alice:wrong"), "", nil, 401, "HttpBasicAuth Authentication Failed for alice"},
		{"Basic, wrong, from a trusted host", "GET", "/metrics", trustedPeer, basicAuth("alice:wrong"), "", nil, 401, "HttpBasicAuth Authentication Failed for alice"},
		{"Basic, wrong, on an open path", "GET", "/proxy/status", untrustedPeer, basicAuth("alice:wrong"), "", nil, 401, "HttpBasicAuth Authentication Failed for alice"},
		{"Basic without a colon", "GET", "/metrics", untrustedPeer, basicAuth("sesame"), "", nil, 401, "HttpBasicAuth Authentication Failed for "},
		{"Bearer", "GET", "/metrics", untrustedPeer, "Bearer tok", "", nil, 403, "id=[]@ ip=192.0.2.9 not permitted GET on http_listener/0.0.0.0:8000/metrics"},
		{"Bearer, wrong", "GET", "/metrics", untrustedPeer, "Bearer other", "", nil, 401, "BearerToken Authentication Failed for "},
		{"denied by a rule", "GET", "/metrics", trustedPeer, "", "", map[string]*access.List{"http_listener/0.0.0.0:8000": deny}, 401, "<Unauthenticated>@ ip=127.0.0.1 denied GET on http_listener/0.0.0.0:8000/metrics"},
		{"denied, and known", "GET", "/metrics", trustedPeer, basicAuth("alice:sesame"), "", map[string]*access.List{"http_listener/0.0.0.0:8000": deny}, 403, "id=[alice]@ ip=127.0.0.1 denied GET on http_listener/0.0.0.0:8000/metrics"},
		{"a policy closes what is open", "GET", "/proxy/status", untrustedPeer, "", "", map[string]*access.List{"http_listener/*/proxy/status": deny}, 401, "<Unauthenticated>@ ip=192.0.2.9 denied GET on http_listener/0.0.0.0:8000/proxy/status"},
		{"the query does not count", "GET", "/metrics?a=/api/admin", untrustedPeer, "", "", nil, 401, nobody + "/metrics"},
		{"trusted, hostname", "GET", "/metrics", trustedPeer, "", "own.example:8000", nil, 200, ""},
		{"trusted, allowed host", "GET", "/metrics", trustedPeer, "", "also.example", nil, 200, ""},
		{"trusted, a name of somebody's", "GET", "/metrics", trustedPeer, "", "evil.example", nil, 403, "Error: a trusted host may ask by address"},
		{"trusted, a name of somebody's, open path", "GET", "/proxy/status", trustedPeer, "", "evil.example", nil, 200, "KumoProxy OK"},
		{"trusted, a name of somebody's, a group by password", "GET", "/metrics", trustedPeer, basicAuth("ops:sesame"), "evil.example", nil, 200, ""},
		{"unknown scheme", "GET", "/metrics", trustedPeer, "Digest x", "", nil, 400, unsupportedHeader},
		{"no base64", "GET", "/metrics", trustedPeer, "Basic !", "", nil, 400, unsupportedHeader},
		{"base64 without padding", "GET", "/metrics", trustedPeer, "Basic YQ", "", nil, 400, unsupportedHeader},
		{"no UTF-8", "GET", "/metrics", trustedPeer, basicAuth("\xff:x"), "", nil, 400, unsupportedHeader},
		{"two spaces", "GET", "/metrics", trustedPeer, "Bearer  tok", "", nil, 400, unsupportedHeader},
		{"no token", "GET", "/metrics", trustedPeer, "Bearer", "", nil, 400, unsupportedHeader},
		{"not ASCII", "GET", "/metrics", trustedPeer, "Bearer t\xf6k", "", nil, 400, malformedHeader},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, said := behind(&fakePolicy{rules: tt.rules})
			host := tt.host
			if host == "" {
				host = "127.0.0.1:8000"
			}
			got := askWith(h, tt.method, tt.path, tt.peer, host, tt.authorization)
			if got.status != tt.status || !strings.HasPrefix(got.body, tt.body) {
				t.Errorf("got %d %q; want %d %q", got.status, got.body, tt.status, tt.body)
			}
			if challenges := got.header.Values("WWW-Authenticate"); (tt.status == 401) != (len(challenges) == 2) {
				t.Errorf("got %q; want both schemes offered exactly with 401", challenges)
			}
			if strings.Contains(said.String()+got.body, "sesame") {
				t.Errorf("the password is in %q or %q", said, got.body)
			}
		})
	}
}

// askWith is ask under a host, with a header that net/http would not send.
func askWith(h http.Handler, method, path, peer, host, authorization string) answer {
	return ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = host
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		h.ServeHTTP(w, r)
	}), method, path, peer)
}

func TestTwoAuthorizations(t *testing.T) {
	h, _ := behind(&fakePolicy{})
	got := ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header["Authorization"] = []string{basicAuth("alice:sesame"), "Bearer tok"}
		h.ServeHTTP(w, r)
	}), "GET", "/metrics", trustedPeer)
	if got.status != 400 || got.body != malformedHeader {
		t.Errorf("got %d %q; want 400 %q", got.status, got.body, malformedHeader)
	}
}

func TestChallenge(t *testing.T) {
	h, _ := behind(&fakePolicy{})
	for authorization, want := range map[string][]string{
		"":             {`Basic realm="troupe", charset="UTF-8"`, `Bearer realm="troupe"`},
		"Bearer wrong": {`Basic realm="troupe", charset="UTF-8"`, `Bearer realm="troupe", error="invalid_token"`},
	} {
		if got := askWith(h, "GET", "/metrics", untrustedPeer, "127.0.0.1", authorization).header.Values("WWW-Authenticate"); !slices.Equal(got, want) {
			t.Errorf("%q: got %q; want %q", authorization, got, want)
		}
	}
}

// While the policy cannot say who may, nobody may, but for health checks.
func TestPolicyIsDown(t *testing.T) {
	down := errors.New("no backend")
	for _, p := range []*fakePolicy{{down: down}, {broken: down}} {
		for _, path := range []string{"/metrics", "/rapidoc", "/api-docs/openapi.json", "/proxy/status", "/livez"} {
			h, said := behind(p)
			status, body := 500, "try again later"
			if staysOpen(path) {
				status, body = 200, ""
			}
			got := askWith(h, "GET", path, trustedPeer, "127.0.0.1", basicAuth("alice:sesame"))
			if got.status != status || !strings.HasPrefix(got.body, body) {
				t.Errorf("%s: got %d %q; want %d %q", path, got.status, got.body, status, body)
			}
			if !strings.Contains(said.String(), "no backend") || strings.Contains(said.String(), "sesame") {
				t.Errorf("%s: got the log %q; want the error, without the password", path, said)
			}
		}
	}
}

// The built-in lists say of each route what its row says.
func TestRowsAgreeWithTheBuiltinLists(t *testing.T) {
	builtin := access.NewEngine(nil)
	trusted := access.Auth{Groups: []string{access.TrustedGroup}}
	for _, row := range newConfig().rows() {
		for _, method := range row.methods.names() {
			if method == http.MethodHead {
				continue // GET's
			}
			for _, who := range []access.Auth{trusted, {}} {
				q := access.Query{Resource: access.HTTPResource("0.0.0.0:8000", row.path), Who: who, Privilege: method}
				d, err := builtin.Decide(t.Context(), q, nil)
				if want := row.needs == Everyone || len(who.Groups) > 0; err != nil || d.Allow != want {
					t.Errorf("%s %s with groups %v: got %v, %v; want %v", method, row.path, who.Groups, d.Allow, err, want)
				}
			}
		}
	}
}

// FuzzCredentials: whatever a client sends is read one way or refused.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{basicAuth("a:b"), basicAuth("a"), "Bearer x", "basic YTpi", "Basic", "", " ", "Bearer a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c, given, problem := credentialsOf(&http.Request{Header: http.Header{"Authorization": {value}}})
		if !given || problem != "" {
			if c.Token != "" {
				t.Errorf("got %q read and refused", value)
			}
			return
		}
		switch c.Context {
		case access.BearerToken:
			if !strings.EqualFold(value, "Bearer "+c.Token) || c.User+c.Password != "" {
				t.Errorf("got the token %q of %q", c.Token, value)
			}
		case access.HTTPBasicAuth:
			text := c.User
			if c.HasPassword {
				text += ":" + c.Password
			}
			if _, encoded, _ := strings.Cut(value, " "); base64.StdEncoding.EncodeToString([]byte(text)) != strings.NewReplacer("\r", "", "\n", "").Replace(encoded) {
				t.Errorf("got %q of %q", text, value)
			}
		default:
			t.Errorf("got %q, of no kind", value)
		}
	})
}
