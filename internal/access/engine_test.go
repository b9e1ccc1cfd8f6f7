package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// rig is an engine before a policy whose answers the test sets.
type rig struct {
	t       *testing.T
	engine  *Engine
	epoch   uint64
	asked   []string
	answers map[string]*List
	err     error
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, answers: make(map[string]*List)}
	r.engine = NewEngine(func() uint64 { return r.epoch })
	return r
}

func (r *rig) decide(path string, who Auth) (Decision, error) {
	q := Query{HTTPResource("l", path), who, "GET"}
	return r.engine.Decide(r.t.Context(), q, func(_ context.Context, resource string) (*List, error) {
		r.asked = append(r.asked, resource)
		return r.answers[resource], r.err
	})
}

func TestDecide(t *testing.T) {
	r := newRig(t)
	r.answers["http_listener/*/a"] = &List{Rules: []Rule{{Individual("alice"), "GET", true}, {Any, "GET", false}}}
	d, err := r.decide("/a/b", alice)
	considered := []string{"http_listener/l/a/b", "http_listener/l/a", "http_listener/l", "http_listener/*/a/b"}
	if err != nil || !d.Allow || d.Matching != "http_listener/*/a" || !slices.Equal(d.Considered, considered) || d.Denied() {
		t.Errorf("got %+v, %v; want it allowed by */a after %q", d, err, considered)
	}
	if d, err = r.decide("/a/b", stranger); err != nil || d.Allow || !d.Denied() {
		t.Errorf("got %+v, %v; want it denied by a rule", d, err)
	}
	if d, err = r.decide("/c", alice); err != nil || d.Allow || d.Denied() || len(d.Considered) != 4 {
		t.Errorf("got %+v, %v; want it denied by no rule", d, err)
	}
}

// What fails decides nothing and is not remembered.
func TestDecideFails(t *testing.T) {
	r := newRig(t)
	r.err = errors.New("no backend")
	for range 2 {
		if d, err := r.decide("/metrics", local); !errors.Is(err, r.err) || d.Allow || !strings.Contains(err.Error(), "http_listener/l/metrics") {
			t.Errorf("got %+v, %v; want the error, with the resource", d, err)
		}
	}
	if r.err = nil; len(r.asked) != 2 {
		t.Errorf("asked %d times; want 2", len(r.asked))
	}
	if d, err := r.decide("/metrics", local); err != nil || !d.Allow {
		t.Errorf("got %+v, %v; want the built-in row", d, err)
	}
}

func TestLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.engine.SetDecisionTTL(time.Minute)
		steps := []struct {
			wait  time.Duration
			who   Auth
			asked int // resources since the beginning
		}{
			{0, local, 3}, {0, local, 3}, // until the built-in row of */metrics
			{0, alice, 4},                 // another decision, the same lists and one more
			{time.Minute - 1, local, 4},   // the decision still stands
			{1, local, 4},                 // it does not, the lists do
			{4 * time.Minute, local, 7},   // nor do the lists
			{5*time.Minute - 1, local, 7}, // a decision made anew, from lists of before
			{time.Nanosecond, local, 7},   // which was remembered with that
			{time.Minute + time.Nanosecond, local, 10},
		}
		for i, s := range steps {
			<-time.After(s.wait)
			if _, err := r.decide("/metrics", s.who); err != nil || len(r.asked) != s.asked {
				t.Errorf("step %d: got %v, asked %d times; want %d", i, err, len(r.asked), s.asked)
			}
		}
		r.epoch++
		if _, err := r.decide("/metrics", local); err != nil || len(r.asked) != 13 {
			t.Errorf("another epoch: got %v, asked %d times; want 13", err, len(r.asked))
		}
		r.engine.SetDecisionTTL(0)
		r.engine.SetDefinitionTTL(0)
		r.epoch++
		r.decide("/metrics", local)
		if r.decide("/metrics", local); len(r.asked) != 19 {
			t.Errorf("with nothing remembered: asked %d times; want 19", len(r.asked))
		}
	})
}

func TestFallBack(t *testing.T) {
	r := newRig(t)
	for _, on := range []bool{true, false, false, true} {
		r.engine.SetFallBack(on)
		if d, err := r.decide("/metrics", local); err != nil || d.Allow != on {
			t.Errorf("fall back %v: got %+v, %v", on, d, err)
		}
	}
}

// Two queries share a decision only if nothing about them differs.
func TestKeysDiffer(t *testing.T) {
	resource := HTTPResource("l", "/x")
	id := func(names ...string) (all []Identity) {
		for i := 0; i < len(names); i += 2 {
			all = append(all, Identity{names[i], names[i+1]})
		}
		return all
	}
	queries := []Query{
		{resource, Auth{}, "GET"},
		{resource, Auth{}, "POST"},
		{HTTPResource("l", "/y"), Auth{}, "GET"},
		{resource, stranger, "GET"},
		{resource, Auth{Identities: id("a", "b")}, "GET"},
		{resource, Auth{Identities: id("ab", "")}, "GET"},
		{resource, Auth{Identities: id("a", "b", "c", "d")}, "GET"},
		{resource, Auth{Groups: []string{"a", "b"}}, "GET"},
		{resource, Auth{Groups: []string{"ab"}}, "GET"},
		{resource, Auth{Identities: id("a", ""), Groups: []string{"b"}}, "GET"},
	}
	seen := make(map[decisionKey]int)
	for i, q := range queries {
		if j, taken := seen[keyOf(q)]; taken {
			t.Errorf("queries %d and %d have one key", j, i)
		}
		seen[keyOf(q)] = i
	}
}

func TestLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, asked := NewLogins(nil), 0
		var answer error
		login := func(c Credentials) error {
			_, err := l.Login(t.Context(), c, func(context.Context, Credentials) (Login, error) {
				asked++
				return Login{}, answer
			})
			return err
		}
		shown := []Credentials{
			{Context: HTTPBasicAuth, User: "ab", Password: "c", HasPassword: true},
			{Context: HTTPBasicAuth, User: "a", Password: "bc", HasPassword: true},
			{Context: HTTPBasicAuth, User: "abc"},
			{Context: HTTPBasicAuth, User: "abc", HasPassword: true},
			{Context: BearerToken, Token: "abc"},
			{Context: BearerToken, User: "abc"},
		}
		for range 2 {
			for _, c := range shown {
				login(c)
			}
		}
		if asked != len(shown) {
			t.Errorf("asked %d times; want %d, once for each", asked, len(shown))
		}
		<-time.After(time.Minute - 1)
		if login(shown[0]); asked != 6 {
			t.Errorf("within the minute: asked %d times; want 6", asked)
		}
		<-time.After(1)
		answer = ErrRefused
		for range 2 {
			if err := login(shown[0]); !errors.Is(err, ErrRefused) {
				t.Errorf("got %v; want ErrRefused", err)
			}
		}
		if asked != 8 {
			t.Errorf("after the minute: asked %d times; want 8, as a refusal is not remembered", asked)
		}
	})
}

// No secret can be found in what is remembered, nor in what prints it.
func FuzzSecretsAreNotKept(f *testing.F) {
	f.Add("alice", "sesame", "")
	f.Add("", "", "token-123")
	f.Fuzz(func(t *testing.T, user, password, token string) {
		l := NewLogins(nil)
		for _, c := range []Credentials{
			{Context: HTTPBasicAuth, User: user, Password: password, HasPassword: true},
			{Context: HTTPBasicAuth, User: password},
			{Context: BearerToken, Token: token},
		} {
			if _, err := l.Login(t.Context(), c, func(context.Context, Credentials) (Login, error) { return Login{}, nil }); err != nil {
				t.Fatal(err)
			}
			secret := c.Secret()
			if len(secret) < 5 {
				continue // by chance it is in any text
			}
			for _, key := range l.known.entries.Keys() {
				if bytes.Contains(key[:], []byte(secret)) {
					t.Errorf("%q is in a key", secret)
				}
			}
			for _, form := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				if text := fmt.Sprintf(form, c); strings.Contains("BearerToken (secret)HttpBasicAuth (secret)", secret) == false && strings.Contains(text, secret) {
					t.Errorf("%s prints %q", form, text)
				}
			}
			if c.Attempted().Identity == secret && !c.HasPassword {
				t.Errorf("%q is named as an identity", secret)
			}
		}
	})
}
