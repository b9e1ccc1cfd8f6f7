package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// keysOf gives the keys of a line in their order, and fails if it is not one whole
// line with one object.
func keysOf(t *testing.T, line []byte) []string {
	t.Helper()
	if n := bytes.IndexByte(line, '\n'); n != len(line)-1 {
		t.Fatalf("the line %q ends at %d; want one newline, at its end", line, n)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		t.Fatalf("the line %q begins with %v, error %v; want an object", line, start, err)
	}
	var keys []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatalf("the line %q: %v", line, err)
		}
		keys = append(keys, key.(string))
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatalf("the line %q: value of %s: %v", line, key, err)
		}
	}
	if _, err := d.Token(); err != nil {
		t.Fatalf("the line %q: %v", line, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("the line %q has more than an object", line)
	}
	return keys
}

func allKeys() []string {
	return []string{
		"time", "listener", "id", "client", "user", "certificate", "source", "destination", "name",
		"reply", "reason", "fault", "end", "waiting_for", "bytes_up", "bytes_down",
		"auth_ms", "connect_ms", "first_byte_ms", "total_ms", "group", "banner", "refusal",
	}
}

func exampleSession() Session {
	return Session{
		Ended:    time.Date(2026, 3, 1, 13, 5, 6, 7_800_000, time.FixedZone("CET", 3600)),
		Listener: "10.0.0.1:1080", ID: 0xabc, Client: netip.MustParseAddrPort("10.0.0.9:40000"), User: "mta-1",
		Source: netip.MustParseAddrPort("[::ffff:192.0.2.5]:50000"), Destination: netip.MustParseAddrPort("[2001:db8::1]:25"),
		Name: "mx.example.com", Replied: true, End: "fin", Up: 12, Down: 1 << 40,
		Connect: 1500 * time.Microsecond, FirstByte: 2 * time.Millisecond, Total: 61*time.Second + 999*time.Nanosecond,
	}
}

func TestLine(t *testing.T) {
	s := exampleSession()
	const want = `{"time":"2026-03-01T12:05:06.007Z","listener":"10.0.0.1:1080","id":"0000000000000abc",` +
		`"client":"10.0.0.9:40000","user":"mta-1","certificate":null,"source":"192.0.2.5:50000",` +
		`"destination":"[2001:db8::1]:25","name":"mx.example.com","reply":0,"reason":null,"fault":null,"end":"fin",` +
		`"waiting_for":null,"bytes_up":12,"bytes_down":1099511627776,"auth_ms":null,"connect_ms":1.500,` +
		`"first_byte_ms":2.000,"total_ms":61000.000,"group":null,"banner":null,"refusal":null}` + "\n"
	if got := string(s.AppendLine(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s.Group, s.Banner, s.Refusal = "here", "5xx", "554 5.7.1 \"blocked\"\x1b[2J\xff"
	if got, want := string(s.AppendLine(nil)), `"group":"here","banner":"5xx","refusal":"554 5.7.1 \"blocked\"\u001b[2J\ufffd"}`+"\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant at its end\n%s", got, want)
	}
	var none Session
	if got := keysOf(t, none.AppendLine(nil)); !slices.Equal(got, allKeys()) {
		t.Errorf("a session of which nothing is known has the keys %q; want %q", got, allKeys())
	}
}

// FuzzLine: whatever texts a session has, its line is one object with the same
// keys, and the text comes out as it went in, but for what is no UTF-8.
func FuzzLine(f *testing.F) {
	for _, text := range []string{"", "mta", "a\"b\\c", "\x00\n\r\t\x1f\x7f", "\xff\xfe", "naïve", "\u0085\u2028\u2029", "\ufffd", `","reason":"x`, strings.Repeat("ä", 3000)} {
		f.Add(text, text, int64(1), uint64(2))
	}
	f.Fuzz(func(t *testing.T, name, user string, duration int64, bytesUp uint64) {
		s := exampleSession()
		s.Name, s.User, s.Certificate, s.Reason, s.Listener, s.Refusal = name, user, user, name, name, user
		s.Total, s.Auth, s.Up = time.Duration(duration), time.Duration(duration), bytesUp
		line := s.AppendLine(nil)
		if got := keysOf(t, line); !slices.Equal(got, allKeys()) {
			t.Fatalf("got the keys %q; want %q", got, allKeys())
		}
		if !utf8.Valid(line) || bytes.ContainsAny(line[:len(line)-1], "\n\r\x00\x7f\u0085\u2028\u2029") {
			t.Fatalf("the line %q is not plain text", line)
		}
		var got struct {
			Name, User, Refusal *string
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		wantText(t, "name", got.Name, name)
		wantText(t, "user", got.User, user)
		wantText(t, "refusal", got.Refusal, user)
	})
}

func wantText(t *testing.T, key string, got *string, text string) {
	t.Helper()
	want := string([]rune(text)) // U+FFFD for each byte that is no UTF-8
	switch {
	case text == "":
		if got != nil {
			t.Errorf("%s is %q; want null", key, *got)
		}
	case got == nil:
		t.Errorf("%s is null; want %q", key, text)
	case len(text) > longestText:
		cut, isCut := strings.CutSuffix(*got, "…")
		if !isCut || !strings.HasPrefix(want, strings.TrimRight(cut, "\ufffd")) {
			t.Errorf("%s of %d bytes became %q; want its beginning and an ellipsis", key, len(text), *got)
		}
	case *got != want:
		t.Errorf("%s is %q; want %q", key, *got, want)
	}
}

// TestSameKeysWhateverIsKnown: for each field known or not, alone.
func TestSameKeysWhateverIsKnown(t *testing.T) {
	full := exampleSession()
	for i, change := range []func(*Session){
		func(s *Session) { s.Client = netip.AddrPort{} }, func(s *Session) { s.Source = netip.AddrPort{} },
		func(s *Session) { s.Replied = false }, func(s *Session) { s.Reason, s.Fault = "refused", "upstream" },
		func(s *Session) { s.Client = netip.MustParseAddrPort(`[fe80::1%e"\0]:1`) },
		func(s *Session) { s.Total = -time.Second },
	} {
		s := full
		change(&s)
		if got := keysOf(t, s.AppendLine(nil)); !slices.Equal(got, allKeys()) {
			t.Errorf("change %d: got the keys %q; want %q", i, got, allKeys())
		}
	}
}

// BenchmarkWritten is all that a session costs: its line, the buffer, and its share
// of a write to a file.
func BenchmarkWritten(b *testing.B) {
	b.ReportAllocs()
	f, err := openFile(filepath.Join(b.TempDir(), "access.log"), DefaultMode)
	if err != nil {
		b.Fatal(err)
	}
	w := newWriter(at("anywhere"), New(discard(), nil))
	w.file = f
	defer w.finish()
	s := exampleSession()
	n := 0
	for b.Loop() {
		w.add(&s)
		if n++; n%100 == 0 { // as if a hundred sessions ended each second
			w.flush()
		}
	}
}

func BenchmarkLine(b *testing.B) {
	b.ReportAllocs()
	s := exampleSession()
	line := make([]byte, 0, 1024)
	for b.Loop() {
		line = s.AppendLine(line[:0])
	}
}
