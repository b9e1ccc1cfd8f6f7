package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// control sends a request of an operator and reads what comes of it into answer,
// if there is one.
func (d *daemon) control(method, path, body string, want int, answer any) string {
	d.t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequest(method, "http://"+d.http()+"/api/admin/"+path, strings.NewReader(body))
	must(d.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(r)
	must(d.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(d.t, err)
	if response.StatusCode != want {
		d.t.Fatalf("%s %s: got %d %q; want %d", method, path, response.StatusCode, text, want)
	}
	if answer != nil {
		must(d.t, json.Unmarshal(text, answer))
	}
	return string(text)
}

// leaf is a node of the tree, as far as the tests look at it.
type leaf struct {
	Path, Kind, State string
	Restarts          int
	LastFailure       *struct{ Error string } `json:"last_failure"`
	Children          []leaf
}

// find is the node of a kind.
func (l leaf) find(kind string) (found leaf) {
	if l.Kind == kind {
		return l
	}
	for _, c := range l.Children {
		if f := c.find(kind); f.Kind != "" {
			return f
		}
	}
	return leaf{}
}

func (d *daemon) tree() leaf {
	d.t.Helper()
	var answer struct{ Root leaf }
	d.control("GET", "tree", "", 200, &answer)
	return answer.Root
}

// TestTreeAndRestart: the tree shows who is alive, and an acceptor that is restarted
// by request loses no session.
func TestTreeAndRestart(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy)
	c, _ := connect(t, d.socks(), newEcho(t).address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	root := d.tree()
	for _, kind := range []string{"supervisor", "listener", "acceptor", "connection", "metrics", "web"} {
		if n := root.find(kind); n.Path == "" || n.State == "" {
			t.Errorf("there is no %s in the tree", kind)
		}
	}
	acceptor, web := root.find("acceptor").Path, root.find("web").Path
	d.control("POST", "restart", `{"path":"`+acceptor+`"}`, 200, nil)
	n := d.tree().find("acceptor")
	if n.Restarts != 1 || n.LastFailure == nil || n.LastFailure.Error != "restart asked for by 127.0.0.1" {
		t.Errorf("got %+v; want one restart, and who asked for it", n)
	}
	exchange(t, c, "echo", []byte("still here"), []byte("still here"))
	connect(t, d.socks(), newEcho(t).address)
	d.control("POST", "restart", `{"path":"`+web+`"}`, 200, nil)
	await(t, "the web actor to be back", func() bool {
		var answer struct{ Root leaf }
		response, err := http.Get("http://" + d.http() + "/api/admin/tree")
		if err != nil {
			return false // whom the actor served when it ended is cut
		}
		defer response.Body.Close()
		err = json.NewDecoder(response.Body).Decode(&answer)
		return err == nil && answer.Root.find("web").Restarts == 1
	})
	d.control("POST", "restart", `{"path":"supervisor/nobody"}`, 404, nil)
	d.control("POST", "restart", `{"path":"supervisor"}`, 422, nil)
	d.control("POST", "restart", `{"path":"`+root.find("connection").Path+`"}`, 422, nil)
	d.control("GET", "tree?path=supervisor/nobody", "", 404, nil)
	d.control("GET", "tree?after=x", "", 400, nil)
	d.endWell()
}

// sessionList is the list, as far as the tests look at it.
type sessionList struct {
	Total    int
	Sessions []struct {
		ID, Client, Source, Destination, Phase string
		WaitingFor                             string `json:"waiting_for"`
	}
}

// TestSessionsLive: a session in the middle of DATA waits for the upstream, and is
// ended by its id; others by a filter.
func TestSessionsLive(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy)
	server, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer server.Close()
	c, _ := connect(t, d.socks(), server.Addr().(*net.TCPAddr).AddrPort())
	mx, err := server.Accept()
	must(t, err)
	defer mx.Close()
	must(t, mx.SetDeadline(time.Now().Add(patience)))
	idle, _ := connect(t, d.socks(), newEcho(t).address)
	exchange(t, idle, "echo", []byte("hello"), []byte("hello"))
	exchange(t, c, "MAIL", nil, nil)
	_, err = mx.Write([]byte("354 go on\r\n"))
	must(t, err)
	exchange(t, c, "the go-ahead", []byte("half a mail"), []byte("354 go on\r\n"))
	_, err = io.ReadFull(mx, make([]byte, len("half a mail")))
	must(t, err)
	var list sessionList
	d.control("GET", "sessions?destination="+server.Addr().String(), "", 200, &list)
	if list.Total != 1 || list.Sessions[0].WaitingFor != "upstream" || list.Sessions[0].Phase != "relaying" || list.Sessions[0].Client != c.LocalAddr().String() {
		t.Errorf("got %+v; want the one session, which waits for the upstream", list)
	}
	d.control("GET", "sessions?client="+idle.LocalAddr().String(), "", 200, &list)
	if list.Total != 1 || list.Sessions[0].WaitingFor != "client" {
		t.Errorf("got %+v; want the other, which waits for the client", list)
	}
	const filter = "sessions?client=127.0.0.0/8"
	const dry, wet = `{"ended":2,"waiting_for_client":1,"waiting_for_upstream":1,"dry_run":true}`, `{"ended":1,"waiting_for_client":0,"waiting_for_upstream":1,"dry_run":false}`
	if got := d.control("DELETE", filter+"&dry_run=true", "", 200, nil); strings.TrimSpace(got) != dry {
		t.Errorf("got %s; want %s", got, dry)
	}
	d.control("DELETE", "sessions", "", 422, nil)
	exchange(t, idle, "echo", []byte("still here"), []byte("still here"))
	d.control("GET", "sessions?destination="+server.Addr().String(), "", 200, &list)
	if got := d.control("DELETE", "sessions/"+list.Sessions[0].ID, "", 200, nil); strings.TrimSpace(got) != wet {
		t.Errorf("got %s; want %s", got, wet)
	}
	if _, err := io.ReadAll(mx); err == nil {
		t.Error("the upstream saw the end of a stream; want a reset")
	}
	d.control("DELETE", "sessions/"+list.Sessions[0].ID, "", 404, nil)
	d.control("DELETE", filter, "", 200, nil)
	if _, err := io.ReadAll(idle); err == nil {
		t.Error("the client saw the end of a stream; want a reset")
	}
	d.awaitFigure(2, "proxy_session_failures_total", "reason", "ended_by_admin", "fault", "proxy", "listener", d.socks())
	d.endWell()
}

// TestWhoHasASource: a source port leads to its session and to the rule by which that
// has the source, or to none where the listener has no such rule.
func TestWhoHasASource(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, strings.Replace(onePolicy, "listen = '127.0.0.1:0' }",
		"listen = '127.0.0.1:0', source = { '127.0.0.1' } }\n  proxy.start_proxy_listener { listen = '127.0.0.1:0' }", 1))
	want := []string{`source[1] "127.0.0.1"`, ""}
	for i, listener := range d.log.addresses("proxy listener") {
		echo := newEcho(t)
		c, _ := connect(t, listener, echo.address)
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		var list sessionList
		d.control("GET", "sessions?destination="+echo.address.String(), "", 200, &list)
		if list.Total != 1 {
			t.Fatalf("got %+v; want one session", list)
		}
		var who struct{ Client, Session, Rule string }
		d.control("GET", "who?address="+list.Sessions[0].Source, "", 200, &who)
		if who.Client != c.LocalAddr().String() || who.Session != list.Sessions[0].ID || who.Rule != want[i] {
			t.Errorf("listener %d: got %+v; want the session %+v by %q", i+1, who, list.Sessions[0], want[i])
		}
	}
	d.endWell()
}

// TestDrainAndUndo: a drained listener refuses clients, keeps its sessions, is said
// to be not ready, and takes clients again.
func TestDrainAndUndo(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy)
	address := d.socks()
	c, _ := connect(t, address, newEcho(t).address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	d.control("POST", "drain", `{"listener":"`+address+`","limit":"5m"}`, 200, nil)
	if refused, err := net.Dial("tcp", address); err == nil {
		refused.Close()
		t.Error("a client was let in")
	}
	for path, want := range map[string]int{"/readyz": 503, "/proxy/status": 503, "/livez": 200} {
		if status, body := d.get(path); status != want {
			t.Errorf("%s: got %d %q; want %d", path, status, body, want)
		}
	}
	exchange(t, c, "echo", []byte("still here"), []byte("still here"))
	d.control("DELETE", "drain", "", 200, nil)
	if status, body := d.get("/readyz"); status != 200 {
		await(t, "the listener to be ready: "+body, func() bool { status, _ := d.get("/readyz"); return status == 200 })
	}
	connect(t, address, newEcho(t).address)
	d.control("POST", "drain", `{"limit":"0.001"}`, 200, nil)
	if _, err := io.ReadAll(c); err == nil {
		t.Error("the client saw the end of a stream; want a reset, at the limit")
	}
	d.control("POST", "drain", `{"listener":"192.0.2.1:1"}`, 404, nil)
	d.endWell()
}

// TestReloadByRequest: what a reload has changed is in its answer, or why it was
// refused.
func TestReloadByRequest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.lua")
	must(t, os.WriteFile(path, []byte(onePolicy), 0o600))
	d := start(t, []string{"--proxy-config", path})
	if got := d.control("POST", "reload", "", 200, nil); !strings.Contains(got, `"result":"unchanged"`) || !strings.Contains(got, `"unchanged":2`) {
		t.Errorf("got %s; want that nothing has changed", got)
	}
	must(t, os.WriteFile(path, []byte(strings.Replace(onePolicy, "listen = '127.0.0.1:0' }", "listen = '127.0.0.1:0', timeout = '7s' }", 1)), 0o600))
	if got := d.control("POST", "reload", "", 200, nil); !strings.Contains(got, `"result":"ok"`) || !strings.Contains(got, "timeout") {
		t.Errorf("got %s; want the timeout that has changed", got)
	}
	must(t, os.WriteFile(path, []byte("kumo.on("), 0o600))
	if got := d.control("POST", "reload", "", 422, nil); !strings.HasPrefix(got, "Error: ") || !strings.Contains(got, "policy.lua") {
		t.Errorf("got %q; want why the policy is refused", got)
	}
	connect(t, d.socks(), newEcho(t).address)
	d.endWell()
}
