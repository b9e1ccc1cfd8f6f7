package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
	"unicode"
)

// newFormatted gives a logger of target "t" that writes all levels.
func newFormatted(t *testing.T, o Options) (*slog.Logger, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	o.Writer, o.Filter = &out, mustParse(t, "trace")
	o.Clock = func() time.Time { return time.Date(2026, 8, 5, 10, 11, 12, 0, time.UTC) }
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l.Logger("t"), &out
}

// angry panics when asked what it is.
type angry struct{}

func (angry) String() string               { panic("no") }
func (angry) MarshalJSON() ([]byte, error) { panic("no") }

// values are attributes, and what text and JSON make of them.
var values = []struct {
	value      any
	text, json string
}{
	{"word", "word", `"word"`},
	{"", `""`, `""`},
	{"two words", `"two words"`, `"two words"`},
	{"a=b", `"a=b"`, `"a=b"`},
	{`say "hi"`, `"say \"hi\""`, `"say \"hi\""`},
	{`C:\new`, `C:\new`, `"C:\\new"`},
	{"line\nbreak", `"line\nbreak"`, `"line\nbreak"`},
	{"\x1b[31mred\u009b0m", `"\x1b[31mred\u009b0m"`, `"\u001b[31mred\u009b0m"`},
	{"\u202eevil", `"\u202eevil"`, `"\u202eevil"`},
	{"\U000e0001", `"\U000e0001"`, `"\udb40\udc01"`},
	{"bad\xffutf8", `"bad\xffutf8"`, `"bad` + "\ufffd" + `utf8"`},
	{"größe", "größe", `"größe"`},
	{42, "42", "42"},
	{uint64(math.MaxUint64), "18446744073709551615", "18446744073709551615"},
	{1.5, "1.5", "1.5"},
	{math.NaN(), "NaN", `"NaN"`},
	{math.Inf(-1), "-Inf", `"-Inf"`},
	{true, "true", "true"},
	{90 * time.Second, "1m30s", `"1m30s"`},
	{time.Date(2026, 1, 2, 4, 4, 5, 6, time.FixedZone("", 3600)), "2026-01-02T03:04:05.000000006Z", `"2026-01-02T03:04:05.000000006Z"`},
	{errors.New("connection refused"), `"connection refused"`, `"connection refused"`},
	{[]byte("bytes"), "bytes", `"bytes"`},
	{netip.MustParseAddrPort("192.0.2.1:25"), "192.0.2.1:25", `"192.0.2.1:25"`},
	{resolver{"resolved"}, "resolved", `"resolved"`},
	{nil, "<nil>", "null"},
	{[]string{"a", "\x7f"}, `"[a \x7f]"`, `["a","\u007f"]`},
	{make(chan int), "", ""}, // whatever it is, one line; see below
	{angry{}, `"%!v(PANIC=String method: no)"`, `"%!v(PANIC=String method: no)"`},
}

func TestTextValues(t *testing.T) {
	log, out := newFormatted(t, Options{})
	for _, tt := range values {
		out.Reset()
		log.Info("m", "k", tt.value)
		const head = "2026-08-05T10:11:12.000000Z  INFO t: m k="
		got := out.String()
		if want := head + tt.text + "\n"; tt.text != "" && got != want {
			t.Errorf("%T %q: got %q; want %q", tt.value, fmt.Sprint(tt.value), got, want)
		}
		if strings.Count(got, "\n") != 1 {
			t.Errorf("%T: got %q; want one line", tt.value, got)
		}
	}
}

func TestJSONValues(t *testing.T) {
	log, out := newFormatted(t, Options{Format: "json"})
	for _, tt := range values {
		out.Reset()
		log.Info("m", "k", tt.value)
		const head = `{"timestamp":"2026-08-05T10:11:12.000000Z","level":"INFO","fields":{"message":"m","k":`
		got := out.String()
		if want := head + tt.json + `},"target":"t"}` + "\n"; tt.json != "" && got != want {
			t.Errorf("%T %q:\n got %q\nwant %q", tt.value, fmt.Sprint(tt.value), got, want)
		}
		if !json.Valid([]byte(got)) || strings.Count(got, "\n") != 1 {
			t.Errorf("%T: got %q; want one line of JSON", tt.value, got)
		}
	}
}

func TestJSONLine(t *testing.T) {
	log, out := newFormatted(t, Options{Format: "json", Color: true})
	log.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").Warn("proxy <listener> on \"x\"", "c", 3, slog.Group("i", "d", 4))
	want := `{"timestamp":"2026-08-05T10:11:12.000000Z","level":"WARN","fields":{"message":"proxy <listener> on \"x\"",` +
		`"a":1,"g":{"b":2,"h":{"c":3,"i":{"d":4}}}},"target":"t"}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// The harness of KumoMTA takes the last word of the line for the address.
func TestNothingTrailsTheMessage(t *testing.T) {
	for _, o := range []Options{{}, {Format: "compact"}, {Color: true}} {
		log, out := newFormatted(t, o)
		log.Info("proxy listener on 127.0.0.1:1080")
		if got := out.String(); !strings.HasSuffix(got, " 127.0.0.1:1080\n") {
			t.Errorf("%+v: got %q; want the address last", o, got)
		}
	}
}

func TestMessageStaysOneLine(t *testing.T) {
	for _, format := range []string{"full", "json"} {
		log, out := newFormatted(t, Options{Format: format})
		log.Info("a\nb\r\x00\x1b[2J\u2028\xff \"quoted\" C:\\x", "key\nwith = break", 1)
		line, rest, _ := strings.Cut(out.String(), "\n")
		if rest != "" || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%s: got %q; want one printable line", format, out)
		}
		if format == "full" && !strings.HasSuffix(line, `t: a\nb\r\x00\x1b[2J\u2028\xff "quoted" C:\x "key\nwith = break"=1`) {
			t.Errorf("got %s", line)
		}
	}
}

func TestColor(t *testing.T) {
	log, out := newFormatted(t, Options{Color: true})
	log.Error("m", "k", "v")
	want := "\x1b[2m2026-08-05T10:11:12.000000Z\x1b[0m \x1b[31mERROR\x1b[0m \x1b[2mt:\x1b[0m m k=v\n"
	if got := out.String(); got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestPretty(t *testing.T) {
	log, out := newFormatted(t, Options{Format: "pretty"})
	log.Info("proxy listener on 127.0.0.1:1080")
	want := regexp.MustCompile(`^  2026-08-05T10:11:12\.000000Z  INFO t: proxy listener on 127\.0\.0\.1:1080
    at logging/format_test\.go:\d+

$`)
	if got := out.String(); !want.MatchString(got) {
		t.Errorf("got %q; want %s", got, want)
	}
}

func TestLevelNames(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelError + 4: "ERROR", slog.LevelError: "ERROR", slog.LevelWarn: "WARN", slog.LevelInfo + 1: "INFO",
		slog.LevelInfo: "INFO", slog.LevelInfo - 1: "DEBUG", slog.LevelDebug: "DEBUG", LevelTrace: "TRACE", LevelTrace - 1: "TRACE",
	} {
		if got := levelName(level); got != want {
			t.Errorf("%v: got %s; want %s", level, got, want)
		}
	}
}

// TestSlogRules runs the rules of slog.Handler over both kinds of format.
func TestSlogRules(t *testing.T) {
	for format, parse := range map[string]func(*testing.T, string) map[string]any{
		"full": parseText, "pretty": parseText, "json": parseJSON,
	} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			slogtest.Run(t, func(t *testing.T) slog.Handler {
				out.Reset()
				l, err := New(Options{Writer: &out, Format: format, Filter: mustParse(t, "trace")})
				if err != nil {
					t.Fatal(err)
				}
				return l.Logger("").Handler()
			}, func(t *testing.T) map[string]any {
				return parse(t, out.String())
			})
		})
	}
}

func parseJSON(t *testing.T, line string) map[string]any {
	t.Helper()
	var record struct {
		Timestamp, Level *string
		Fields           map[string]any
	}
	if err := json.Unmarshal([]byte(line), &record); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	m := record.Fields
	m[slog.MessageKey] = m["message"]
	delete(m, "message")
	if record.Timestamp != nil {
		m[slog.TimeKey] = *record.Timestamp
	}
	m[slog.LevelKey] = *record.Level
	return m
}

// parseText reads a line whose message and values are one word each.
func parseText(t *testing.T, lines string) map[string]any {
	t.Helper()
	line, _, _ := strings.Cut(lines, "\n")
	words := strings.Fields(line)
	m := map[string]any{}
	if _, err := time.Parse(stamp, words[0]); err == nil {
		m[slog.TimeKey], words = words[0], words[1:]
	}
	m[slog.LevelKey], m[slog.MessageKey] = words[0], words[1]
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		group := m
		path := strings.Split(key, ".")
		for _, name := range path[:len(path)-1] {
			if group[name] == nil {
				group[name] = map[string]any{}
			}
			group = group[name].(map[string]any)
		}
		group[path[len(path)-1]] = value
	}
	return m
}
