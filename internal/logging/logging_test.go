package logging

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// newText gives a Logging whose lines begin with the level, as records without
// a time do.
func newText(t testing.TB, filter string) (*Logging, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	l, err := New(Options{Writer: &out, Filter: mustParse(t, filter)})
	if err != nil {
		t.Fatal(err)
	}
	return l, &out
}

// take is what has been written since the last take, without the time.
func take(out *bytes.Buffer) string {
	var b strings.Builder
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(line, "Z ")
		b.WriteString(rest)
	}
	out.Reset()
	return b.String()
}

func TestNewRefusesFormat(t *testing.T) {
	_, err := New(Options{Format: "xml"})
	if want := "invalid log format 'xml', expected full, compact, pretty or json"; err == nil || err.Error() != want {
		t.Errorf("got %v; want %s", err, want)
	}
	if !errors.Is(err, ErrFormat) {
		t.Errorf("got %v; want ErrFormat", err)
	}
}

func TestLoggerObeysTheFilter(t *testing.T) {
	l, out := newText(t, "proxy_server=info,proxy_server::proxy_handler=trace,lua=off")
	for _, target := range []string{"proxy_server", "proxy_server::proxy_handler", "lua", "other"} {
		log := l.Logger(target)
		log.Log(context.Background(), LevelTrace, "t")
		log.Debug("d")
		log.Info("i")
		log.Error("e")
	}
	want := ` INFO proxy_server: i
ERROR proxy_server: e
TRACE proxy_server::proxy_handler: t
DEBUG proxy_server::proxy_handler: d
 INFO proxy_server::proxy_handler: i
ERROR proxy_server::proxy_handler: e
`
	if got := take(out); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestSetFilterReachesLoggersHandedOutBefore(t *testing.T) {
	l, out := newText(t, "")
	plain := l.Logger("lua")
	derived := plain.With("k", "v").WithGroup("g")
	renamed := plain.With(slog.String("target", "troupe"))
	plain.Error("lost")
	l.SetFilter(mustParse(t, "lua=debug,troupe=warn"))
	plain.Debug("one")
	derived.Debug("two")
	renamed.Debug("lost")
	renamed.Warn("three")
	want := "DEBUG lua: one\nDEBUG lua: two k=v\n WARN troupe: three\n"
	if got := take(out); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if got, want := l.Filter().String(), "lua=debug,troupe=warn"; got != want {
		t.Errorf("got filter %s; want %s", got, want)
	}
	l.SetFilter(Filter{})
	plain.Error("lost")
	if out.Len() > 0 {
		t.Errorf("got %q after everything was turned off; want nothing", out)
	}
}

func TestTargetAttribute(t *testing.T) {
	l, out := newText(t, "lua=debug,troupe=info,quiet=warn")
	target := func(s string) slog.Attr { return slog.String("target", s) }
	none := l.Logger("")
	none.Info("no target, no global level")
	none.Debug("found in the record", target("lua"), "k", 1)
	none.Debug("below its own target's level", target("troupe"))
	none.Info("of a target with no directive", target("other"))
	l.Logger("troupe").Info("another target", target("lua"))
	l.Logger("troupe").Debug("the logger's target is asked first", target("lua"))
	l.Logger("troupe").Info("then the record's", target("quiet"))
	l.Logger("troupe").With(target("lua")).Debug("by With", "k", 2)
	l.Logger("lua").Info("in a group it is an attribute", slog.Group("g", target("x")))
	l.Logger("lua").WithGroup("g").With(target("x")).Info("here too", target("y"))
	l.Logger("lua").Info("no string", "target", 3)
	l.Logger("lua").Info("resolved", "target", resolver{"troupe"})
	want := `DEBUG lua: found in the record k=1
 INFO lua: another target
DEBUG lua: by With k=2
 INFO lua: in a group it is an attribute g.target=x
 INFO lua: here too g.target=x g.target=y
 INFO lua: no string target=3
 INFO troupe: resolved
`
	if got := take(out); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

// resolver is a LogValuer that stands for s.
type resolver struct{ s string }

func (r resolver) LogValue() slog.Value { return slog.StringValue(r.s) }

func TestClock(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 8, 5, 12, 11, 12, 123456789, time.FixedZone("CEST", 2*3600))
	l, err := New(Options{Writer: &out, Filter: mustParse(t, "info"), Clock: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	l.Logger("proxy_server::mod_proxy").Info("proxy listener on 127.0.0.1:1080")
	want := "2026-08-05T10:11:12.123456Z  INFO proxy_server::mod_proxy: proxy listener on 127.0.0.1:1080\n"
	if got := out.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// slog.Handler's rule: a record without a time is printed without one.
func TestClockDoesNotInventATime(t *testing.T) {
	log, out := newFormatted(t, Options{})
	if err := log.Handler().Handle(context.Background(), slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), " INFO t: m\n"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

func TestRecordTimeWithoutClock(t *testing.T) {
	l, out := newText(t, "info")
	r := slog.NewRecord(time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), slog.LevelInfo, "m", 0)
	if err := l.Logger("a").Handler().Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "2026-01-02T03:04:05.000006Z  INFO a: m\n"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
}

// oneByOne fails the test when two writes overlap, and keeps each by itself.
type oneByOne struct {
	t      *testing.T
	inside sync.Mutex
	writes []string
}

func (w *oneByOne) Write(p []byte) (int, error) {
	if !w.inside.TryLock() {
		w.t.Error("two writes at once")
		return len(p), nil
	}
	defer w.inside.Unlock()
	runtime.Gosched() // give another writer the chance to be wrong
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

func TestOneWriteARecord(t *testing.T) {
	out := &oneByOne{t: t}
	l, err := New(Options{Writer: out, Filter: mustParse(t, "info")})
	if err != nil {
		t.Fatal(err)
	}
	const loggers, records = 4, 200
	var wg sync.WaitGroup
	for i := range loggers {
		log := l.Logger("t").With("logger", i)
		wg.Go(func() {
			for n := range records {
				log.Info(strings.Repeat("x", n), "n", n)
				if n%50 == 0 {
					l.SetFilter(mustParse(t, "info"))
					l.Logger("t" + strings.Repeat("x", n)).Debug("off")
				}
			}
		})
	}
	wg.Wait()
	if got, want := len(out.writes), loggers*records; got != want {
		t.Errorf("got %d writes; want %d", got, want)
	}
	for _, w := range out.writes {
		if strings.Count(w, "\n") != 1 || !strings.HasSuffix(w, "\n") || strings.Count(w, " INFO t: ") != 1 {
			t.Errorf("got the write %q; want one whole line", w)
		}
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestHandleReturnsTheWritersError(t *testing.T) {
	l, err := New(Options{Writer: failingWriter{io.ErrShortWrite}, Filter: mustParse(t, "info")})
	if err != nil {
		t.Fatal(err)
	}
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)
	if err := l.Logger("a").Handler().Handle(context.Background(), r); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v; want %v", err, io.ErrShortWrite)
	}
}

// A debug line that is off stands in the way of every session.
func TestDisabledLineAllocatesNothing(t *testing.T) {
	l, _ := newText(t, DefaultFilter)
	log := l.Logger("proxy_server::proxy_handler").With("peer", "192.0.2.1:25")
	ctx := context.Background()
	n := testing.AllocsPerRun(100, func() {
		log.LogAttrs(ctx, slog.LevelDebug, "m", slog.String("k", "v"), slog.Int("n", 70_000))
		log.Debug("m", "k", "v")
	})
	if n != 0 {
		t.Errorf("got %v allocations; want none", n)
	}
}

func BenchmarkDisabled(b *testing.B) {
	l, _ := newText(b, DefaultFilter)
	log := l.Logger("proxy_server::proxy_handler")
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(ctx, slog.LevelDebug, "m", slog.String("k", "v"))
	}
}

func BenchmarkEnabled(b *testing.B) {
	for _, format := range []string{"full", "json"} {
		b.Run(format, func(b *testing.B) {
			l, err := New(Options{Writer: io.Discard, Format: format, Filter: mustParse(b, DefaultFilter)})
			if err != nil {
				b.Fatal(err)
			}
			log := l.Logger("proxy_server::proxy_handler")
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(ctx, slog.LevelInfo, "session ended", slog.String("peer", "192.0.2.1:25"), slog.Int64("up", 1234))
			}
		})
	}
}
