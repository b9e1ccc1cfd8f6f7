package logging

import (
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

// off is above every level a record can sensibly have.
const off = slog.Level(1 << 20)

func mustParse(t testing.TB, s string) Filter {
	t.Helper()
	f, err := ParseFilter(s)
	if err != nil {
		t.Fatalf("ParseFilter(%q): %v", s, err)
	}
	return f
}

func TestFilterDecides(t *testing.T) {
	tests := []struct {
		filter, target string
		lowest         slog.Level // the lowest of the named levels that passes; off if none
	}{
		{"", "proxy_server", off},
		{"off", "proxy_server", off},
		{"info", "proxy_server", slog.LevelInfo},
		{"info", "", slog.LevelInfo},
		{"WaRn", "x", slog.LevelWarn},
		{"0", "x", off},
		{"1", "x", slog.LevelError},
		{"2", "x", slog.LevelWarn},
		{"3", "x", slog.LevelInfo},
		{"4", "x", slog.LevelDebug},
		{"5", "x", LevelTrace},
		{"6", "6", LevelTrace}, // not a level, so a target
		{"6", "x", off},
		{"lua", "lua", LevelTrace},
		{"lua=", "lua", LevelTrace},
		{"dbug=", "dbug", LevelTrace}, // not a mistake: only a word by itself is
		{"dbug=trace", "dbug", LevelTrace},
		{"main", "main", LevelTrace},
		{"off::", "off::x", LevelTrace},
		{"troupe", "troupe", LevelTrace},
		{"protoactor", "protoactor", LevelTrace},
		{"lua=2", "lua", slog.LevelWarn},
		{"lua=INFO", "troupe", off},
		{"proxy_server=info", "proxy_server::mod_proxy", slog.LevelInfo},
		{"proxy_server=info", "proxy_server2", slog.LevelInfo},
		{"proxy_server=info", "proxy", off},
		{"proxy_server=info", "my::proxy_server", off},
		{"a=error,a::b=debug,a::b::c=off", "a::x", slog.LevelError},
		{"a=error,a::b=debug,a::b::c=off", "a::b", slog.LevelDebug},
		{"a::b::c=off,a=error,a::b=debug", "a::b::c", off},
		{"trace,lua=error", "lua", slog.LevelError},
		{"lua=error,trace", "other", LevelTrace},
		{"lua=error,lua=debug", "lua", slog.LevelDebug},
		{"warn,info", "x", slog.LevelInfo},
		{",, lua=info , ,debug,", "lua", slog.LevelInfo},
		{",, lua=info , ,debug,", "x", slog.LevelDebug},
		{"größe-1=info", "größe-1", slog.LevelInfo},
		{DefaultFilter, "proxy_server::mod_proxy", slog.LevelInfo},
		{DefaultFilter, "lua", slog.LevelInfo},
		{DefaultFilter, "troupe", slog.LevelInfo},
		{DefaultFilter, "config::epoch", off},
	}
	for _, tt := range tests {
		f := mustParse(t, tt.filter)
		for _, level := range []slog.Level{slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelDebug, LevelTrace} {
			if got, want := f.Enabled(tt.target, level), level >= tt.lowest; got != want {
				t.Errorf("%q: target %q at %s: got %v; want %v", tt.filter, tt.target, levelName(level), got, want)
			}
		}
	}
}

func TestFilterSpansNeverHold(t *testing.T) {
	for _, s := range []string{
		"[connect]=trace", "[connect]", "lua[connect]=trace", "lua[{peer=10.0.0.1}]=trace",
		`lua[connect{peer="a.*",user}]=5`, "[{peer}]=trace", "[]=trace", "lua[{}]", "[f]",
	} {
		f := mustParse(t, "lua=warn,"+s+",troupe=info")
		if want := mustParse(t, "lua=warn,troupe=info"); !f.Equal(want) {
			t.Errorf("with %q: got %v; want %v", s, f, want)
		}
	}
}

func TestParseFilterErrors(t *testing.T) {
	tests := []struct {
		filter, want string
		reason       error
	}{
		{"dbug", "parsing log filter 'dbug': 'dbug' is no level: did you mean debug? The target of that name is 'dbug=trace'", ErrLevel},
		{"lua=info, WARNING", "parsing log filter 'WARNING': 'WARNING' is no level: did you mean warn? The target of that name is 'WARNING=trace'", ErrLevel},
		{"x=loud", "parsing log filter 'x=loud': invalid level 'loud', expected off, error, warn, info, debug, trace or 0 to 5", ErrLevel},
		{"info, x=6 ,y", "parsing log filter 'x=6': invalid level '6', expected off, error, warn, info, debug, trace or 0 to 5", ErrLevel},
		{"x==info", "parsing log filter 'x==info': invalid level '=info', expected off, error, warn, info, debug, trace or 0 to 5", ErrLevel},
		{"x[s]=no", "parsing log filter 'x[s]=no': invalid level 'no', expected off, error, warn, info, debug, trace or 0 to 5", ErrLevel},
		{"=info", "parsing log filter '=info': invalid target '', expected letters, digits, '_', '-' and ':'", ErrTarget},
		{"a b=info", "parsing log filter 'a b=info': invalid target 'a b', expected letters, digits, '_', '-' and ':'", ErrTarget},
		{"a\x1b[0m", `parsing log filter 'a\x1b[0m': invalid span '[0m', expected [name], [{field=value}] or [name{field=value}]`, ErrSpan},
		{"\xff=info", `parsing log filter '\xff=info': invalid target '\xff', expected letters, digits, '_', '-' and ':'`, ErrTarget},
		{"x[s", "parsing log filter 'x[s': invalid span '[s', expected [name], [{field=value}] or [name{field=value}]", ErrSpan},
		{"x[s{a]", "parsing log filter 'x[s{a]': invalid span '[s{a]', expected [name], [{field=value}] or [name{field=value}]", ErrSpan},
		{"x[s}]", "parsing log filter 'x[s}]': invalid span '[s}]', expected [name], [{field=value}] or [name{field=value}]", ErrSpan},
		{"x[s]info", "parsing log filter 'x[s]info': invalid span '[s]info', expected [name], [{field=value}] or [name{field=value}]", ErrSpan},
	}
	for _, tt := range tests {
		f, err := ParseFilter(tt.filter)
		if err == nil {
			t.Errorf("%q: got filter %v; want an error", tt.filter, f)
			continue
		}
		if err.Error() != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.filter, err, tt.want)
		}
		if !errors.Is(err, tt.reason) {
			t.Errorf("%q: got reason %v; want %v", tt.filter, errors.Unwrap(err), tt.reason)
		}
		if !f.Equal(Filter{}) {
			t.Errorf("%q: got filter %v beside the error; want none", tt.filter, f)
		}
	}
}

// TestFilterMisspelt: a filter of such a word alone would silence even errors.
func TestFilterMisspelt(t *testing.T) {
	for word, want := range map[string]string{
		"trce": "trace", "trac": "trace", "d": "debug", "dbg": "debug", "deubg": "debug", "inof": "info", "inf": "info",
		"Warnning": "warn", "warming": "warn", "wran": "warn", "err": "error", "errors": "error", "of": "off", "offf": "off",
	} {
		var wrong *FilterError
		if f, err := ParseFilter(word); !errors.As(err, &wrong) || wrong.Meant != want {
			t.Errorf("%q: got %v, %v; want an error that names %s", word, f, err, want)
		}
	}
}

func TestFilterString(t *testing.T) {
	for s, want := range map[string]string{
		"":                        "off",
		"OFF":                     "off",
		"3":                       "info",
		"lua":                     "lua=trace",
		"b=1,a=,WARN":             "warn,a=trace,b=error",
		"a=info,[s]=trace,a=off":  "a=off",
		DefaultFilter:             "kumo_server_common=info,kumo_server_runtime=info,lua=info,proxy_server=info,troupe=info",
		"off,proxy_server::a=off": "proxy_server::a=off",
	} {
		if got := mustParse(t, s).String(); got != want {
			t.Errorf("%q: got %q; want %q", s, got, want)
		}
	}
}

// checkRoundTrip holds for every string: either it is a filter, and what String
// writes is the same filter, or the error says which part of it is wrong.
func checkRoundTrip(t *testing.T, s string) {
	t.Helper()
	f, err := ParseFilter(s)
	if err != nil {
		var wrong *FilterError
		if !errors.As(err, &wrong) || !strings.Contains(s, wrong.Directive) || !strings.Contains(wrong.Directive, wrong.Part) {
			t.Fatalf("%q: got error %v; want a *FilterError about a part of it", s, err)
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
			t.Fatalf("%q: the error %q has control characters", s, err)
		}
		return
	}
	again, err := ParseFilter(f.String())
	if err != nil || !again.Equal(f) || again.String() != f.String() {
		t.Fatalf("%q: String gives %q, which parses to %q, %v", s, f, again, err)
	}
}

func TestFilterRoundTripsAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"lua", "proxy_server", "::", "a-b", "ß", "=", "=", "info", "OFF", "3", ",", ",", " ", "[s]", "[{a=b,c}]", "[", "]"}
	parsed := 0
	for range 20_000 {
		var s strings.Builder
		for range random.IntN(10) {
			s.WriteString(parts[random.IntN(len(parts))])
		}
		checkRoundTrip(t, s.String())
		if f, err := ParseFilter(s.String()); err == nil && len(f.directives) > 1 {
			parsed++
		}
	}
	if parsed < 100 {
		t.Errorf("got %d filters of several directives; want at least 100, or the test shows little", parsed)
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"", "info", DefaultFilter, "a[b{c=d,e}]=trace,f=2", "x=loud", "=,[,]", "ß=off,\xff"} {
		f.Add(s)
	}
	f.Fuzz(checkRoundTrip)
}

func TestFilterFromEnv(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want string
	}{
		{"neither", nil, DefaultFilter},
		{"ours", map[string]string{"TROUPE_LOG": "lua=debug"}, "lua=debug"},
		{"KumoMTA's", map[string]string{"KUMO_PROXY_LOG": "lua=debug"}, "lua=debug"},
		{"ours wins", map[string]string{"TROUPE_LOG": "lua=debug", "KUMO_PROXY_LOG": "trace"}, "lua=debug"},
		{"set and empty is off", map[string]string{"KUMO_PROXY_LOG": ""}, "off"},
		{"ours empty wins too", map[string]string{"TROUPE_LOG": "", "KUMO_PROXY_LOG": "trace"}, "off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := maps.Clone(tt.env)
			got, err := FilterFromEnv(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
			if want := mustParse(t, tt.want); err != nil || !got.Equal(want) {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestFilterFromEnvNamesTheVariable(t *testing.T) {
	for _, name := range []string{"TROUPE_LOG", "KUMO_PROXY_LOG"} {
		_, err := FilterFromEnv(func(asked string) (string, bool) { return "x=loud", asked == name })
		if err == nil || !strings.HasPrefix(err.Error(), name+": parsing log filter 'x=loud': ") || !errors.Is(err, ErrLevel) {
			t.Errorf("got %v; want an error about %s", err, name)
		}
	}
}
