package main

import (
	"strings"
	"testing"
)

// TestSourcesAreShown: what a receiver said is there whole, but for what a terminal
// would obey.
func TestSourcesAreShown(t *testing.T) {
	const answer = `{"sources":[
		{"address":"192.0.2.7","known":true,"plumbed":"yes","state":"serving","since":null,"until":null,"sessions":3,"dials":{"connected":9,"refused":1},"dial_ratio":0.9,
		 "greetings":{"2xx":5,"4xx":1,"5xx":2,"none":1},"last_success":"2026-11-23T12:00:00Z","last_refusal":{"text":"554 5.7.1 blocked \u001b[31mhere","at":"2026-11-23T12:00:00Z","from":"198.51.100.1:25"}},
		{"address":"2001:db8::1","known":true,"plumbed":"no","state":"paused","since":null,"until":null,"reason":"listed","sessions":0,"dials":{},"dial_ratio":null,"greetings":{"2xx":0,"4xx":0,"5xx":0,"none":0},"last_success":null,"last_refusal":null}
	],"total":3,"next":"x"}`
	f := &fakeAdmin{answers: map[string]string{
		"GET /api/admin/sources": answer,
		"GET /api/admin/sources?limit=2&sort=-sessions&source=192.0.2.0%2F24&state=paused": answer,
	}}
	for _, args := range [][]string{{"sources"}, {"source", "list"}, {"sources", "--source", "192.0.2.0/24", "--state", "paused", "--sort", "-sessions", "--limit", "2"}} {
		got := runCommand(t, f, "", args...)
		lines := strings.Split(got.stdout, "\n")
		if got.code != 0 || len(lines) != 5 {
			t.Fatalf("%v: got %+v; want a table", args, got)
		}
		for i, want := range []string{
			"SOURCE PLUMBED STATE SESSIONS DIAL % 2xx/4xx/5xx LAST REFUSAL",
			`192.0.2.7 yes serving 3 90.0 5/1/2`,
			"2001:db8::1 no paused (listed) 0 - 0/0/0 -",
			"2 of 3 sources; go on with --after x",
		} {
			if words := strings.Join(strings.Fields(lines[i]), " "); !strings.HasPrefix(words, want) {
				t.Errorf("got %q; want %q", words, want)
			}
		}
		if !strings.Contains(lines[1], `198.51.100.1:25 554 5.7.1 blocked \x1b[31mhere`) {
			t.Errorf("got %q; want what was said, whole", lines[1])
		}
	}
	if got := runCommand(t, f, "", "sources", "--json"); got.stdout != answer+"\n" {
		t.Errorf("got %q; want the answer as it is", got.stdout)
	}
	if got := runCommand(t, f, "", "sources", "--limit", "1001"); got.code != 2 {
		t.Errorf("got %+v; want exit code 2", got)
	}
}

func TestSourcesAreChanged(t *testing.T) {
	const paused = `{"network":"192.0.2.7/32","state":"paused","until":null,"sources":["192.0.2.7"],"sessions":1,"ended":0,"kept":true,"note":""}`
	const unkept = `{"network":"192.0.2.0/24","state":"serving","until":null,"sources":[],"sessions":0,"ended":1,"kept":false,"note":"it holds until the next start only: no space"}`
	f := &fakeAdmin{answers: map[string]string{
		`POST /api/admin/sources/pause {"for":"2h","reason":"listed there","source":"192.0.2.7"}`: paused,
		`POST /api/admin/sources/drain {"source":"192.0.2.7"}`:                                    paused,
		`POST /api/admin/sources/resume {"source":"192.0.2.0/24"}`:                                unkept,
		`POST /api/admin/sources/resume {"source":"x"}`:                                           "422 source: expected an address",
	}}
	const said = "192.0.2.7/32: paused; 1 source is there, with 1 session that goes on\n"
	wantSaid(t, runCommand(t, f, "", "source", "pause", "192.0.2.7", "--for", "2h", "--reason", "listed there"), 0, said, "")
	wantSaid(t, runCommand(t, f, "", "source", "drain", "192.0.2.7"), 0, said, "")
	wantSaid(t, runCommand(t, f, "", "source", "drain", "192.0.2.7", "--json"), 0, paused+"\n", "")
	wantSaid(t, runCommand(t, f, "", "source", "resume", "192.0.2.0/24"), 0, "192.0.2.0/24: serving; 0 sources are there, with 0 sessions that go on\n",
		"troupe: it holds until the next start only: no space\n")
	wantSaid(t, runCommand(t, f, "", "source", "resume", "x"), 1, "", "Error: ENDPOINT: POST /api/admin/sources/resume: 422 Unprocessable Entity: source: expected an address\n")
	for verb, other := range map[string]string{"pause": "drain", "drain": "pause"} {
		if got := runCommand(t, f, "", "source", verb, "--help"); !strings.Contains(got.stdout, "for a while with --for") ||
			!strings.Contains(got.stdout, "source "+other+"\nhas the same effect") {
			t.Errorf("source %s: got\n%s\nwant that --for works, and that %s has the same effect", verb, got.stdout, other)
		}
	}
	if got := runCommand(t, f, "", "source", "pause"); got.code != 2 {
		t.Errorf("got %+v; want exit code 2", got)
	}
}
