package fetch

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/long":
		_, _ = io.CopyN(w, zeros{}, MaxBody+1)
		return
	case "/moved":
		http.Redirect(w, r, "/there", http.StatusFound)
		return
	case "/latin":
		w.Header().Set("Content-Type", "text/plain; charset=iso-8859-1")
		_, _ = io.WriteString(w, "caf\xe9")
		return
	case "/bad":
		_, _ = io.WriteString(w, "a\xff")
		return
	case "/teapot":
		w.WriteHeader(http.StatusTeapot)
		return
	case "/odd":
		w.WriteHeader(599)
		return
	case "/hang":
		<-r.Context().Done()
		return
	}
	user, password, _ := r.BasicAuth()
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Seen", strings.Join([]string{r.Method, r.URL.RequestURI(), r.Host, r.UserAgent(), r.Header.Get("X-One"), user, password, r.Header.Get("Authorization")}, "|"))
	w.Header().Set("X-Type", r.Header.Get("Content-Type"))
	_, _ = w.Write(body)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// newState is a state with a server whose address is the global url.
func newState(t *testing.T) (*luatest.State, *Clients) {
	t.Helper()
	all := New()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(func() {
		all.Close()
		server.Close()
	})
	s := luatest.New(t, all.Module())
	s.Must(t, fmt.Sprintf(`url = %q client = kumo.http.build_client {user_agent = 'me/1'}`, server.URL))
	return s, all
}

func TestRequests(t *testing.T) {
	s, _ := newState(t)
	for _, c := range []struct{ code, want string }{
		{`client:get(url .. '/x?y=1')`, "GET|/x?y=1|HOST|me/1||||"},
		{`client:post(url):header('X-One', '1')`, "POST|/|HOST|me/1|1|||"},
		{`client:put(url):headers {['X-One'] = '2', Host = 'example.com'}`, "PUT|/|example.com|me/1|2|||"},
		{`client:get(url):basic_auth('u', 'p')`, "GET|/|HOST|me/1||u|p|Basic dTpw"},
		{`client:get(url):basic_auth('u')`, "GET|/|HOST|me/1||u||Basic dTo="},
		{`client:get(url):bearer_auth('tok')`, "GET|/|HOST|me/1||||Bearer tok"},
		{`client:get(url .. '/moved')`, "GET|/there|HOST|me/1||||"},
	} {
		host := strings.TrimPrefix(s.Must(t, `return url`).(string), "http://")
		want := strings.ReplaceAll(c.want, "HOST", host)
		if got := s.Must(t, `return (`+c.code+`):send():headers()['x-SEEN']`); got != want {
			t.Errorf("%s: got %v; want %v", c.code, got, want)
		}
	}
}

func TestBodies(t *testing.T) {
	s, _ := newState(t)
	if got := s.Must(t, `return client:post(url):body('a\0b'):send():bytes()`); got != "a\x00b" {
		t.Errorf("got %q; want the body", got)
	}
	if got := s.Must(t, `local r = client:post(url):form_url_encoded({b = '2 3', a = 'ä'}):send() return r:text() .. '|' .. r:headers()['X-Type']`); got != "a=%C3%A4&b=2+3|application/x-www-form-urlencoded" {
		t.Errorf("form: got %v", got)
	}
	got := s.Must(t, `local r = client:post(url):form_multipart_data({file = '\255', ['na"me'] = 'v'}):send() return r:headers()['X-Type'] .. r:bytes()`).(string)
	for _, want := range []string{"multipart/form-data; boundary=", `name="na%22me"`, "application/octet-stream", "\xff", "v\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("parts: got %q; want %q in it", got, want)
		}
	}
}

func TestResponse(t *testing.T) {
	s, _ := newState(t)
	for _, c := range []struct {
		code string
		want any
	}{
		{`return client:get(url .. '/teapot'):send():status_code()`, int64(418)},
		{`return client:get(url .. '/teapot'):send():status_reason()`, "I'm a teapot"},
		{`return client:get(url .. '/odd'):send():status_reason()`, nil},
		{`return client:get(url .. '/odd'):send():status_is_server_error()`, true},
		{`return client:get(url .. '/teapot'):send():status_is_client_error()`, true},
		{`return client:get(url):send():status_is_success()`, true},
		{`return client:get(url):send():status_is_redirection()`, false},
		{`return client:get(url):send():status_is_informational()`, false},
		{`return client:get(url .. '/latin'):send():text()`, "café"},
		{`return client:get(url .. '/latin'):send():bytes()`, "caf\xe9"},
		{`return client:get(url .. '/latin'):send():content_length()`, int64(4)},
		{`return client:get(url .. '/bad'):send():text()`, "a\uFFFD"},
		{`return client:get(url .. '/long'):send():status_code()`, int64(200)},
		{`local n = 0 for k, v in pairs(client:get(url):send():headers()) do if k == 'x-seen' then n = n + 1 end end return n`, int64(1)},
		{`return kumo.http.build_url('http://h/p?z=1#f', {b = 'x y', a = '&'})`, "http://h/p?z=1&a=%26&b=x+y#f"},
	} {
		if got := s.Must(t, c.code); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v; want %#v", c.code, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	s, all := newState(t)
	s.Raises(t, `client:get(url .. '/long'):send():bytes()`, "the body is longer than")
	s.Raises(t, `client:get(url):timeout(5)`, "expected a number with a fraction")
	s.Raises(t, `client:get(url):aws_sign_v4({})`, "sign with kumo.crypto.aws_sign_v4")
	s.Raises(t, `client:get(url .. '/hang'):timeout(0.02):send()`, "deadline exceeded")
	s.Raises(t, `client:get(url .. '/hang'):timeout('20ms'):send()`, "deadline exceeded")
	s.Raises(t, `kumo.http.build_client({timeout = '20ms'}):get(url .. '/hang'):send()`, "deadline exceeded")
	s.Raises(t, `client:get(url):header('a b', 'c')`, "may stand in a header")
	if text := s.Raises(t, `client:get(url):bearer_auth('hunter2\n')`, "may stand in a header"); strings.Contains(text, "hunter2") {
		t.Errorf("the error shows the token: %s", text)
	}
	s.Raises(t, `kumo.http.build_client {agent = 'x'}`, "unknown key 'agent'")
	s.Raises(t, `kumo.http.connect_websocket('ws://h')`, "not part of Troupe")
	s.Raises(t, `local r = client:get(url) r:send() r:send()`, "was sent already")
	for _, address := range []string{"ftp://u:hunter2@h", "http://u:hunter2@[::1", "https:///p", "http://u:hunter2@127.0.0.1:1/?key=hunter2"} {
		if text := s.Raises(t, fmt.Sprintf(`client:get(%q):send()`, address), "kumo.http."); strings.Contains(text, "hunter2") {
			t.Errorf("%s: the error shows the password: %s", address, text)
		}
	}
	s.Raises(t, `local r = client:get(url) client:close() r:send()`, "the client is closed")
	s.Raises(t, `client:get(url)`, "the client is closed")
	all.Close()
	s.Raises(t, `kumo.http.build_client {}`, "the client is closed")
}

func TestContextEndsARequest(t *testing.T) {
	s, _ := newState(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := s.Try(ctx, `client:get(url .. '/hang'):send()`); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got %v; want context canceled", err)
	}
}

func TestCertificates(t *testing.T) {
	all := New()
	server := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	defer all.Close()
	s := luatest.New(t, all.Module())
	s.Must(t, fmt.Sprintf(`url = %q`, server.URL))
	s.Raises(t, `kumo.http.build_client():get(url):send()`, "certificate")
	if got := s.Must(t, `return kumo.http.build_client({accept_invalid_certs = true}):get(url):send():status_code()`); got != int64(200) {
		t.Errorf("got %v; want 200", got)
	}
}

// A client made in each call of a handler must not open a connection each time.
func TestClientsShareConnections(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	all := New()
	defer server.Close()
	defer all.Close()
	for range 2 {
		s := luatest.New(t, all.Module())
		s.Must(t, fmt.Sprintf(`for i = 1, 5 do kumo.http.build_client({}):get(%q):send() end`, server.URL))
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("got %d connections; want 1", got)
	}
}

func TestManySettings(t *testing.T) {
	s, all := newState(t)
	s.Must(t, `for i = 1, 100 do kumo.http.build_client({pool_idle_timeout = i}) end`)
	if got := len(all.transports); got > maxTransports {
		t.Errorf("got %d transports; want at most %d", got, maxTransports)
	}
	if got := s.Must(t, `return client:get(url):send():status_code()`); got != int64(200) {
		t.Errorf("got %v; want 200", got)
	}
}
