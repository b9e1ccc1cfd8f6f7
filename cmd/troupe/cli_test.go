package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fakeAdmin is a daemon with canned answers, "METHOD uri" to body. A body that
// begins with a status is that of an error.
type fakeAdmin struct {
	answers map[string]string
	asked   []string
}

func (f *fakeAdmin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	line := strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(body))
	f.asked = append(f.asked, line)
	answer, ok := f.answers[line]
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	case strings.HasPrefix(answer, "422 "):
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, "Error: "+answer[4:])
	case strings.HasPrefix(answer, "503 "):
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, answer[4:])
	default:
		io.WriteString(w, answer)
	}
}

// commandEnd is what became of a command.
type commandEnd struct {
	code           int
	stdout, stderr string
}

// runCommand runs a command against a daemon in this process.
func runCommand(t *testing.T, f *fakeAdmin, stdin string, args ...string) commandEnd {
	t.Helper()
	server := httptest.NewServer(f)
	defer server.Close()
	var stdout, stderr bytes.Buffer
	c := newCommand(nil)
	t.Setenv(endpointName, server.URL)
	c.SetArgs(args)
	c.SetIn(strings.NewReader(stdin))
	c.SetOut(&stdout)
	c.SetErr(&stderr)
	ran, err := c.ExecuteContextC(t.Context())
	code := exitCode(ran, err, &stderr)
	return commandEnd{code, stdout.String(), strings.ReplaceAll(stderr.String(), server.URL, "ENDPOINT")}
}

// wantSaid compares all that a command did.
func wantSaid(t *testing.T, got commandEnd, code int, stdout, stderr string) {
	t.Helper()
	if want := (commandEnd{code, stdout, stderr}); got != want {
		t.Errorf("got exit code %d\n%s%s\nwant %d\n%s%s", got.code, got.stdout, got.stderr, code, stdout, stderr)
	}
}

const treeAnswer = `{"root":{"path":"supervisor","kind":"supervisor","state":"running","since":"2026-01-02T03:04:05Z","restarts":0,"last_failure":null,"mailbox":0,"children":[
{"path":"supervisor/listener-127.0.0.1:1080","kind":"listener","state":"accepting","since":"2026-01-02T03:04:05Z","restarts":2,
 "last_failure":{"at":"2026-01-02T03:04:05Z","error":"accept4: too many\nopen files"},"mailbox":3,"children":[
 {"path":"supervisor/listener-127.0.0.1:1080/acceptor","kind":"acceptor","state":"running","since":"2026-01-02T03:04:05Z","restarts":5,"last_failure":null,"mailbox":0,"children":[]}],
 "summarised":{"connections":8000,"by_phase":{"relaying":7990,"connecting":10}},"next":"m.1"},
{"path":"supervisor/web","kind":"web","state":"running","since":"2026-01-02T03:04:05Z","restarts":0,"last_failure":null,"mailbox":0,"children":[]}]}}`

func TestTreeIsShown(t *testing.T) {
	t.Setenv("TZ", "UTC")
	f := &fakeAdmin{answers: map[string]string{
		"GET /api/admin/tree": treeAnswer,
		"GET /api/admin/tree?after=m&depth=1&limit=7&path=supervisor%2Fweb": treeAnswer,
	}}
	got := runCommand(t, f, "", "tree")
	lines := strings.Split(got.stdout, "\n")
	if got.code != 0 || len(lines) != 7 {
		t.Fatalf("got %+v; want six lines", got)
	}
	for i, want := range []string{
		"ACTOR KIND STATE SINCE RESTARTS MAILBOX LAST FAILURE",
		"supervisor supervisor running DATE 0 0 -",
		"listener-127.0.0.1:1080 listener accepting DATE 2 3 DATE accept4: too many open files",
		"acceptor acceptor running DATE 5 0 -",
		"(8000: 10 connecting, 7990 relaying) connection - - - - go on with tree supervisor/listener-127.0.0.1:1080 --after m.1",
		"web web running DATE 0 0 -",
	} {
		if words := squeezed(lines[i]); words != want {
			t.Errorf("got %q; want %q", words, want)
		}
	}
	if at := strings.Index(lines[0], "KIND"); strings.Index(lines[2], " listener ") != at-1 || strings.LastIndex(lines[5], " web  ") != at-1 {
		t.Errorf("the columns are not aligned:\n%s", got.stdout)
	}
	if !strings.HasPrefix(lines[3], "    acceptor") {
		t.Errorf("got %q; want a child below its parent", lines[3])
	}
	wantSaid(t, runCommand(t, f, "", "tree", "--json"), 0, treeAnswer+"\n", "")
	if got := runCommand(t, f, "", "tree", "supervisor/web", "--depth", "1", "--connections", "7", "--after", "m"); got.code != 0 {
		t.Errorf("a branch: got %+v; want it shown", got)
	}
	wantSaid(t, runCommand(t, f, "", "tree", "none"), 1, "",
		"Error: ENDPOINT: GET /api/admin/tree: 404 Not Found; a path begins with supervisor/, and troupe tree --paths shows all\n")
	if got := runCommand(t, f, "", "tree", "--paths"); !strings.Contains(got.stdout, "\nsupervisor/listener-127.0.0.1:1080/acceptor ") {
		t.Errorf("got\n%s\nwant whole paths", got.stdout)
	}
}

// squeezed are the words of a line, without the times.
func squeezed(line string) string {
	words := strings.Fields(strings.ReplaceAll(line, `\n`, " "))
	var all []string
	for i := 0; i < len(words); i++ {
		if strings.Count(words[i], "-") == 2 && i+1 < len(words) && strings.Count(words[i+1], ":") == 2 {
			all = append(all, "DATE")
			i++
			continue
		}
		all = append(all, strings.Trim(words[i], `"`))
	}
	return strings.Join(all, " ")
}

func TestBansAreShown(t *testing.T) {
	t.Setenv("TZ", "UTC")
	const bans = `{"bans":[{"client":"192.0.2.7","user":"","failures":3,"since":"2026-01-02T03:04:05Z","until":"2026-01-02T03:05:05Z"},
{"client":"","user":"a\u001b[0mnn","failures":5,"since":"2026-01-02T03:04:05Z","until":"2026-01-02T03:05:05Z"}]}`
	f := &fakeAdmin{answers: map[string]string{"GET /api/admin/bans": bans}}
	got := runCommand(t, f, "", "bans")
	lines := strings.Split(got.stdout, "\n")
	if got.code != 0 || len(lines) != 4 {
		t.Fatalf("got %+v; want three lines", got)
	}
	for i, want := range []string{"CLIENT USER FAILURES SINCE UNTIL", "192.0.2.7 - 3 DATE DATE", `- a\x1b[0mnn 5 DATE DATE`} {
		if words := squeezed(lines[i]); words != want {
			t.Errorf("got %q; want %q", words, want)
		}
	}
	wantSaid(t, runCommand(t, f, "", "bans", "--json"), 0, bans+"\n", "")
}

func TestStatusIsShown(t *testing.T) {
	figures := `{"proxy_active_connections":{"type":"gauge","value":{"listener":{"127.0.0.1:1080":8000,"[::1]:1080":3,"[::1]:1081":0}}}}`
	f := &fakeAdmin{answers: map[string]string{
		"GET /proxy/status": "KumoProxy OK", "GET /readyz": "ready", "GET /metrics.json": figures, "GET /api/admin/tree?depth=2&limit=0": treeAnswer,
		"GET /readyz?listener=127.0.0.1%3A1080": "ready", "GET /readyz?listener=%5B%3A%3A1%5D%3A1080": "503 not ready: there is no such listener",
		"GET /readyz?listener=%5B%3A%3A1%5D%3A1081": "503 not ready: there is no such listener", // it has no sessions either
	}}
	got := runCommand(t, f, "", "status")
	lines := strings.Split(got.stdout, "\n")
	if got.code != 0 || len(lines) != 5 {
		t.Fatalf("got %+v; want four lines", got)
	}
	for i, want := range []string{
		"KumoProxy OK",
		"LISTENER STATE SINCE RESTARTS SESSIONS LAST FAILURE",
		"127.0.0.1:1080 accepting DATE 5 8000 -",
		"[::1]:1080 removed - 0 3 -",
	} {
		if words := squeezed(lines[i]); words != want {
			t.Errorf("got %q; want %q", words, want)
		}
	}
	f.answers["GET /readyz"] = "503 not ready: draining"
	if got := runCommand(t, f, "", "status"); got.code != 1 || !strings.HasPrefix(got.stdout, "not ready: draining\n") || got.stderr != "" {
		t.Errorf("draining: got %+v; want exit code 1 and why", got)
	}
	f.answers["GET /proxy/status"] = "503 KumoProxy: not accepting"
	delete(f.answers, "GET /api/admin/tree?depth=2&limit=0")
	got = runCommand(t, f, "", "status", "--json")
	if want := `"accepting":false,"ready":false,"text":"KumoProxy: not accepting","listeners":[{"listener":"127.0.0.1:1080","accepting":true,"state":"accepting","since":null,"restarts":0,"sessions":8000},`; got.code != 1 || !strings.Contains(got.stdout, want) {
		t.Errorf("got %+v; want exit code 1 and %q", got, want)
	}
}

func TestCommandsAreAsked(t *testing.T) {
	const drained = `{"listeners":["[::1]:1"],"sessions":3,"waiting_for_client":2,"waiting_for_upstream":1}`
	f := &fakeAdmin{answers: map[string]string{
		`POST /api/admin/restart {"path":"supervisor/web"}`:                        `{"path":"supervisor/web","kind":"web","what":"restarted","restarts":3}`,
		"POST /api/admin/reload":                                                   `{"result":"ok","difference":{"added":["listener 127.0.0.1:1"],"changed":["listener 127.0.0.1:2 timeout 60s → 30s"],"removed":["listener 127.0.0.1:3"],"unchanged":2}}`,
		`POST /api/admin/drain {"limit":"5m","listener":"[::1]:1"}`:                drained,
		`POST /api/admin/drain {}`:                                                 drained,
		"DELETE /api/admin/drain?listener=l":                                       drained,
		"GET /api/admin/who?address=192.0.2.7%3A40312":                             `{"client":"10.0.0.7:5","user":"ev\u001b[0mil","listener":"127.0.0.1:1080","destination":"198.51.100.7:25","session":"00000000000000ff","rule":"allow_sources[1] \"192.0.2.0/24\""}`,
		`POST /api/admin/set_diagnostic_log_filter/v1 {"filter":"info,lua=debug"}`: ``,
		`POST /api/admin/set_diagnostic_log_filter/v1 {"filter":"x=y"}`:            `422 parsing log filter`,
		"POST /api/admin/log/reopen":                                               ``,
		"DELETE /api/admin/bans?client=2001%3Adb8%3A%3A%2F64":                      ``,
		"DELETE /api/admin/bans?user=192.0.2.7":                                    ``,
		"DELETE /api/admin/bans?user=ann":                                          ``,
	}}
	for _, tt := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"restart supervisor/web", 0, "web supervisor/web: restarted, restarts 3\n", ""},
		{"restart supervisor/web --json", 0, `{"path":"supervisor/web","kind":"web","what":"restarted","restarts":3}` + "\n", ""},
		{"restart acceptor", 1, "", "Error: ENDPOINT: POST /api/admin/restart: 404 Not Found; a path begins with supervisor/, and troupe tree --paths shows all\n"},
		{"reload", 0, "ok\n+ listener 127.0.0.1:1\n~ listener 127.0.0.1:2 timeout 60s → 30s\n- listener 127.0.0.1:3\n= 2 listeners unchanged\n", ""},
		{"drain --listener [::1]:1 --limit 5m", 0, "[::1]:1: drained\n3 sessions (2 waiting for the client, 1 waiting for the upstream)\n", ""},
		{"drain", 0, "[::1]:1: drained\n3 sessions (2 waiting for the client, 1 waiting for the upstream)\n", ""},
		{"drain --undo --listener l", 0, "[::1]:1: takes clients\n3 sessions (2 waiting for the client, 1 waiting for the upstream)\n", ""},
		{"drain --json", 0, drained + "\n", ""},
		{"who 192.0.2.7:40312", 0, "client       10.0.0.7:5\nuser         \"ev\\x1b[0mil\"\nlistener     127.0.0.1:1080\ndestination  198.51.100.7:25\nsession      00000000000000ff\nrule         allow_sources[1] \"192.0.2.0/24\"\n", ""},
		{"log-filter info,lua=debug", 0, "the log filter is now info,lua=debug\n", ""},
		{"log-filter info,lua=debug --json", 0, "", ""},
		{"log-filter x=y", 1, "", "Error: ENDPOINT: POST /api/admin/set_diagnostic_log_filter/v1: 422 Unprocessable Entity: parsing log filter\n"},
		{"log reopen", 0, "", ""},
		{"unban 2001:db8::/64", 0, "", ""},
		{"unban --user 192.0.2.7", 0, "", ""},
		{"unban ann", 0, "", ""},
		{"unban 192.0.2.7", 1, "", "Error: ENDPOINT: DELETE /api/admin/bans: 404 Not Found\n"},
	} {
		wantSaid(t, runCommand(t, f, "", strings.Fields(tt.args)...), tt.code, tt.stdout, tt.stderr)
	}
	f.answers["POST /api/admin/reload"] = `{"result":"unchanged","difference":{"added":[],"changed":[],"removed":[],"unchanged":0}}`
	wantSaid(t, runCommand(t, f, "", "reload"), 0, "unchanged\n", "")
	f.answers["POST /api/admin/reload"] = `422 policy.lua:3: no`
	wantSaid(t, runCommand(t, f, "", "reload"), 1, "", "Error: ENDPOINT: POST /api/admin/reload: 422 Unprocessable Entity: policy.lua:3: no\n")
}
