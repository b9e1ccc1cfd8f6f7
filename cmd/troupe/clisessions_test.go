package main

import (
	"slices"
	"strings"
	"testing"
)

const sessionsAnswer = `{"sessions":[{"id":"0000000000000011","listener":"127.0.0.1:1080","client":"10.0.0.7:40000","user":"","source":"192.0.2.7:40312",
"destination":"198.51.100.7:25","phase":"relaying","waiting_for":"upstream","age_seconds":3725.5,"idle_seconds":0.25,"bytes_received":123456,"bytes_sent":99}],
"total":1234,"next":"MTc"}`

const filtered = "client=10.0.0.0%2F8&destination=198.51.100.7%3A25&idle_longer_than=10m&listener=127.0.0.1%3A1080&older_than=90&source=192.0.2.7&user=alice"

var filterFlags = []string{"--client", "10.0.0.0/8", "--destination", "198.51.100.7:25", "--idle-longer-than", "10m",
	"--listener", "127.0.0.1:1080", "--older-than", "90", "--source", "192.0.2.7", "--user", "alice"}

func TestSessionsAreListed(t *testing.T) {
	f := &fakeAdmin{answers: map[string]string{"GET /api/admin/sessions": sessionsAnswer}}
	got := runCommand(t, f, "", "sessions")
	lines := strings.Split(got.stdout, "\n")
	if got.code != 0 || len(lines) != 4 {
		t.Fatalf("got %+v; want three lines", got)
	}
	for i, want := range []string{
		"ID CLIENT USER SOURCE DESTINATION PHASE WAITS FOR AGE IDLE RECEIVED SENT LISTENER",
		"0000000000000011 10.0.0.7:40000 - 192.0.2.7:40312 198.51.100.7:25 relaying upstream 1h 2m 5s 0s 123456 99 127.0.0.1:1080",
		"1 of 1234 sessions; go on with --after MTc",
	} {
		if words := strings.Join(strings.Fields(lines[i]), " "); words != want {
			t.Errorf("got %q; want %q", words, want)
		}
	}
	wantSaid(t, runCommand(t, f, "", "sessions", "--json"), 0, sessionsAnswer+"\n", "")
	f.asked = nil
	runCommand(t, f, "", slices.Concat([]string{"sessions", "--sort", "-age", "--limit", "7", "--after", "x"}, filterFlags)...)
	want := "GET /api/admin/sessions?after=x&client=10.0.0.0%2F8&destination=198.51.100.7%3A25&idle_longer_than=10m&limit=7&listener=127.0.0.1%3A1080&older_than=90&sort=-age&source=192.0.2.7&user=alice"
	if !slices.Equal(f.asked, []string{want}) {
		t.Errorf("got %q; want %q", f.asked, want)
	}
}

const counts = " (2 waiting for the client, 1 waiting for the upstream: possible duplicate mails)"

// TestSessionsAreEnded: never without somebody having agreed to how many they are.
func TestSessionsAreEnded(t *testing.T) {
	dry := "DELETE /api/admin/sessions?" + strings.Replace(filtered, "&idle", "&dry_run=true&idle", 1)
	wet := "DELETE /api/admin/sessions?" + filtered
	numbers := `"ended":3,"waiting_for_client":2,"waiting_for_upstream":1,"dry_run":`
	answers := map[string]string{dry: "{" + numbers + "true}", wet: "{" + numbers + "false}"}
	question := "End 3 sessions" + counts + "? [y/N] "
	kill := slices.Concat([]string{"sessions", "--kill"}, filterFlags)
	for _, tt := range []struct {
		more           []string
		stdin          string
		code           int
		stdout, stderr string
		asked          []string
	}{
		{nil, "y\n", 0, "ended 3 sessions" + counts + "\n", question, []string{dry, wet}},
		{nil, "Yes", 0, "ended 3 sessions" + counts + "\n", question, []string{dry, wet}},
		{nil, "n\n", 1, "", question + "Error: nothing was ended: the answer was not yes\n", []string{dry}},
		{nil, "", 1, "", question + "Error: nothing was ended: the answer was not yes\n", []string{dry}},
		{[]string{"--yes"}, "", 0, "ended 3 sessions" + counts + "\n", "", []string{wet}},
		{[]string{"--yes", "--json"}, "", 0, "{" + numbers + "false}\n", "", []string{wet}},
		{[]string{"--dry-run"}, "y\n", 0, "would end 3 sessions" + counts + "\n", "", []string{dry}},
		{[]string{"--dry-run", "--yes"}, "", 0, "would end 3 sessions" + counts + "\n", "", []string{dry}},
	} {
		f := &fakeAdmin{answers: answers}
		wantSaid(t, runCommand(t, f, tt.stdin, slices.Concat(kill, tt.more)...), tt.code, tt.stdout, tt.stderr)
		if !slices.Equal(f.asked, tt.asked) {
			t.Errorf("%q %q: got %q; want %q", tt.more, tt.stdin, f.asked, tt.asked)
		}
	}
}

func TestSessionsAreEndedByID(t *testing.T) {
	f := &fakeAdmin{answers: map[string]string{
		"DELETE /api/admin/sessions/17": `{"ended":1,"waiting_for_client":1,"waiting_for_upstream":0,"dry_run":false}`,
		"DELETE /api/admin/sessions/19": `{"ended":1,"waiting_for_client":0,"waiting_for_upstream":1,"dry_run":false}`,
	}}
	wantSaid(t, runCommand(t, f, "", "sessions", "kill", "17", "18", "19"), 1,
		"ended 1 session (1 waiting for the client, 0 waiting for the upstream: possible duplicate mails)\n"+
			"ended 1 session (0 waiting for the client, 1 waiting for the upstream: possible duplicate mails)\n",
		"Error: ENDPOINT: DELETE /api/admin/sessions/18: 404 Not Found\n")
}

// TestSessionsMisuse: what makes no sense asks nobody for anything.
func TestSessionsMisuse(t *testing.T) {
	for args, want := range map[string]string{
		"sessions --kill":                     "needs a filter",
		"sessions --kill --user a --sort age": "do not go with it",
		"sessions --dry-run --user a":         "need --kill",
		"sessions --yes":                      "need --kill",
		"sessions --limit 1001":               "expected 1 to 1000, got 1001",
		"sessions 17":                         "\nTry 'troupe sessions --help'.\n",
		"drain [::1]:1080":                    "a listener is named with --listener [::1]:1080\n",
		"policy.lua":                          "a policy is named with --proxy-config policy.lua\n",
		"check":                               "expected one policy, as in troupe check policy.lua, or - for standard input, got 0",
		"sessions kill":                       "requires at least 1 arg",
		"who 192.0.2.7":                       `expected ip:port such as 192.0.2.7:40312, got "192.0.2.7"`,
		"log":                                 "troupe log reopen",
		"log rotate":                          "troupe log reopen",
		"restart":                             "accepts 1 arg(s), received 0",
		"drain --undo --limit 5m":             "do not go together",
		"status extra":                        "unknown command",
		"status --token-file /none/such":      "--token-file: open /none/such",
		"status --ca /none/such":              "--ca: open /none/such",
		"status --endpoint 127.0.0.1:8000 --no-such": "unknown flag",
	} {
		f := &fakeAdmin{}
		got := runCommand(t, f, "", strings.Fields(args)...)
		if got.code != exitUsage || !strings.Contains(got.stderr, want) || got.stdout != "" {
			t.Errorf("%s: got %+v; want exit code 2 and %q", args, got, want)
		}
		if len(f.asked) > 0 {
			t.Errorf("%s: the daemon was asked %q", args, f.asked)
		}
	}
}
