package main

import (
	"strings"
	"testing"
)

const probeAnswer = `{"to":"mx.test:25","failed":2,"sources":[
{"address":"192.0.2.7","plumbed":"yes","state":"serving","route":"yes","destination":"198.51.100.1:25","connect_ms":12.34,"banner":"220-hello\nthere","ptr":["a.test","b.test"],"confirmed":true,"ptr_error":"","seen":"203.0.113.1","failure":"","error":""},
{"address":"192.0.2.8","plumbed":"yes","state":"paused","route":"yes","destination":"198.51.100.1:25","connect_ms":1,"banner":"554 blocked \u001b[31mhere","ptr":["c.test"],"confirmed":false,"ptr_error":"","seen":"","failure":"refused","error":"refused: 554 blocked \u001b[31mhere"},
{"address":"192.0.2.9","plumbed":"no","state":"serving","route":"unknown","destination":"","connect_ms":null,"banner":"","ptr":[],"confirmed":false,"ptr_error":"no answer","seen":"","failure":"unplumbed","error":"it is no address of this host"}]}`

const wellAnswer = `{"to":"mx.test:25","failed":0,"sources":[{"address":"192.0.2.7","plumbed":"yes","state":"serving","route":"yes","connect_ms":1,"banner":"220 mx","ptr":[],"confirmed":false,"failure":"","error":""}]}`

// TestProbeIsShown: the table has all of it, and who failed is named besides.
func TestProbeIsShown(t *testing.T) {
	f := &fakeAdmin{answers: map[string]string{
		`POST /api/admin/sources/probe {"sources":["all"],"to":"mx.test:25"}`:                                           probeAnswer,
		`POST /api/admin/sources/probe {"sources":["192.0.2.7","192.0.2.8"],"to":"mx.test:25","echo":"http://ip.test"}`: probeAnswer,
		`POST /api/admin/sources/probe {"sources":["192.0.2.7"],"to":"mx.test:25"}`:                                     wellAnswer,
		`POST /api/admin/sources/probe {"sources":["x"],"to":"mx.test:25"}`:                                             "422 sources: expected all or addresses",
	}}
	const failed = "Error: 2 of 3 sources failed: 192.0.2.8 (refused), 192.0.2.9 (unplumbed)\n"
	got := runCommand(t, f, "", "probe", "--source", "all", "--to", "mx.test:25")
	if got.code != 1 || got.stderr != failed {
		t.Errorf("got %d, %q; want 1 and %q", got.code, got.stderr, failed)
	}
	wantLines(t, got.stdout,
		"SOURCE PLUMBED STATE ROUTE CONNECT ms PTR BANNER or ERROR",
		"192.0.2.7 yes serving yes 12.3 a.test b.test 220-hello / there",
		`192.0.2.8 yes paused yes 1.0 c.test (not confirmed) "refused: 554 blocked \x1b[31mhere"`,
		"192.0.2.9 no serving unknown - ? it is no address of this host; PTR: no answer",
		"2 of 3 sources failed towards mx.test:25")
	got = runCommand(t, f, "", "probe", "--source", "192.0.2.7", "--source", "192.0.2.8", "--to", "mx.test:25", "--echo", "http://ip.test")
	wantLines(t, got.stdout,
		"SOURCE PLUMBED STATE ROUTE CONNECT ms PTR SEEN BANNER or ERROR",
		"192.0.2.7 yes serving yes 12.3 a.test b.test 203.0.113.1 220-hello / there",
		`192.0.2.8 yes paused yes 1.0 c.test (not confirmed) - "refused: 554 blocked \x1b[31mhere"`,
		"192.0.2.9 no serving unknown - ? - it is no address of this host; PTR: no answer",
		"2 of 3 sources failed towards mx.test:25")
	wantSaid(t, runCommand(t, f, "", "probe", "--source", "all", "--to", "mx.test:25", "--json"), 1, probeAnswer+"\n", failed)
	wantSaid(t, runCommand(t, f, "", "probe", "--source", "192.0.2.7", "--to", "mx.test:25", "--json"), 0, wellAnswer+"\n", "")
	wantSaid(t, runCommand(t, f, "", "probe", "--source", "x", "--to", "mx.test:25"), 1, "",
		"Error: ENDPOINT: POST /api/admin/sources/probe: 422 Unprocessable Entity: sources: expected all or addresses\n")
	for _, args := range [][]string{{"probe"}, {"probe", "--source", "all"}, {"probe", "--to", "mx.test:25"}, {"probe", "all"}} {
		if got := runCommand(t, f, "", args...); got.code != 2 {
			t.Errorf("%v: got %+v; want exit code 2", args, got)
		}
	}
}

// wantLines compares the lines of a table, however wide its columns are.
func wantLines(t *testing.T, text string, want ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("got\n%s\nwant %d lines", text, len(want))
	}
	for i, line := range lines {
		if got := strings.Join(strings.Fields(line), " "); got != want[i] {
			t.Errorf("got %q; want %q", got, want[i])
		}
	}
}
