package main

import (
	"strings"
	"testing"
)

// TestDestinationsAreShown: what a receiver said is there whole, but for what a
// terminal would obey.
func TestDestinationsAreShown(t *testing.T) {
	const answer = `{"destinations":[
		{"address":"198.51.100.1","count":12,"error":2,"since":"2026-11-23T12:00:00Z","last":"2026-11-23T12:00:00Z","dials":{"connected":9,"refused":1},
		 "greetings":{"2xx":5,"4xx":1,"5xx":2,"none":1},"last_refusal":{"text":"554 5.7.1 blocked \u001b[31mhere","at":"2026-11-23T12:00:00Z","source":"192.0.2.7"}},
		{"address":"2001:db8::1","count":3,"error":0,"since":"2026-11-23T12:00:00Z","last":"2026-11-23T12:00:00Z","dials":{"timeout":3},"greetings":{},"last_refusal":null}
	],"total":3,"connects":99,"places":1000,"next":"x"}`
	f := &fakeAdmin{answers: map[string]string{
		"GET /api/admin/destinations": answer,
		"GET /api/admin/destinations?destination=198.51.100.0%2F24&limit=2&sort=-refused": answer,
	}}
	for _, args := range [][]string{{"destinations"}, {"destinations", "--destination", "198.51.100.0/24", "--sort", "-refused", "--limit", "2"}} {
		got := runCommand(t, f, "", args...)
		lines := strings.Split(got.stdout, "\n")
		if got.code != 0 || len(lines) != 5 {
			t.Fatalf("%v: got %+v; want a table", args, got)
		}
		for i, want := range []string{
			"DESTINATION CONNECTS ERROR CONNECTED FAILED 2xx/4xx/5xx LAST REFUSAL", "198.51.100.1 12 2 9 1 5/1/2",
			"2001:db8::1 3 0 0 3 0/0/0 -", "2 of 3 destinations, 99 CONNECTs to all there are; go on with --after x",
		} {
			if words := strings.Join(strings.Fields(lines[i]), " "); !strings.HasPrefix(words, want) {
				t.Errorf("got %q; want %q", words, want)
			}
		}
		if !strings.Contains(lines[1], `to 192.0.2.7 554 5.7.1 blocked \x1b[31mhere`) {
			t.Errorf("got %q; want what was said, whole", lines[1])
		}
	}
	if got := runCommand(t, f, "", "destinations", "--json"); got.stdout != answer+"\n" {
		t.Errorf("got %q; want the answer as it is", got.stdout)
	}
	if got := runCommand(t, f, "", "destinations", "--limit", "1001"); got.code != 2 {
		t.Errorf("got %+v; want exit code 2", got)
	}
}
