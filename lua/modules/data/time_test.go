package data

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestTime(t *testing.T) {
	const made = "kumo.time.with_ymd_hms(2000, 01, 02, 03, 04, 05)"
	cases{
		{"tostring(" + made + ")", "2000-01-02 03:04:05 UTC"},
		{"(function() local t = " + made + "; return {t.year, t.month, t.day, t.hour, t.minute, t.second} end)()",
			list(int64(2000), int64(1), int64(2), int64(3), int64(4), int64(5))},
		{made + ".unix_timestamp", int64(946782245)},
		{made + ".unix_timestamp_millis", int64(946782245000)},
		{made + ".rfc2822", "Sun, 2 Jan 2000 03:04:05 +0000"},
		{made + ".rfc3339", "2000-01-02T03:04:05+00:00"},
		{"kumo.time.parse_rfc3339('2000-01-02T04:04:05+01:00') == " + made, true},
		{"kumo.time.parse_rfc3339('2000-01-02T03:04:05.5Z').rfc3339", "2000-01-02T03:04:05.500+00:00"},
		{"tostring(kumo.time.parse_rfc3339('2000-01-02T03:04:05.000001Z'))", "2000-01-02 03:04:05.000001 UTC"},
		{"kumo.time.parse_rfc2822('Sun, 02 Jan 2000 04:04:05 +0100') == " + made, true},
		{"kumo.time.from_unix_timestamp(946782245) == " + made, true},
		{"kumo.time.from_unix_timestamp(1.25).rfc3339", "1970-01-01T00:00:01.250+00:00"},
		{"kumo.time.from_unix_timestamp(-1.5).rfc3339", "1969-12-31T23:59:58.500+00:00"},
		{"(" + made + " + kumo.time.parse_duration('1d')).day", int64(3)},
		{"(" + made + " - kumo.time.parse_duration('2h')).hour", int64(1)},
		{"(" + made + " - kumo.time.from_unix_timestamp(946782240)).seconds", int64(5)},
		{made + " < kumo.time.now()", true},
		{made + " <= " + made, true},
		{made + " > kumo.time.now()", false},
		{made + " == kumo.time.now()", false},
		{"kumo.time.now().elapsed.seconds >= 0", true},
		{made + ":format('%H:%M:%S %%')", "03:04:05 %"},
	}.check(t)
	refusals{
		{"kumo.time.with_ymd_hms(2000, 2, 30, 0, 0, 0)", "kumo.time.with_ymd_hms: argument 3 (day): the month does not have that day"},
		{"kumo.time.with_ymd_hms(2000, 13, 1, 0, 0, 0)", "argument 2 (month): expected a whole number between 1 and 12, got 13"},
		{"kumo.time.parse_rfc3339('2000-01-02')", "expected a time such as '2000-01-02T03:04:05Z'"},
		{"kumo.time.parse_rfc2822('today')", "expected a time such as 'Sun, 2 Jan 2000 03:04:05 +0000'"},
		{"kumo.time.from_unix_timestamp(0/0)", "expected a finite number"},
		{"kumo.time.from_unix_timestamp(1e300)", "the years 1 to 9999"},
		{"kumo.time.from_unix_timestamp(253402300800)", "the years 1 to 9999"},
		{"kumo.time.with_ymd_hms(9999, 12, 31, 0, 0, 0) + kumo.time.parse_duration('1d')", "the years 1 to 9999"},
		{"kumo.time.with_ymd_hms(9999, 12, 31, 0, 0, 0) - kumo.time.with_ymd_hms(1, 1, 1, 0, 0, 0)", "longer than 292 years"},
		{"kumo.time.now() - 1", "kumo.Time: argument 2 (right): expected a kumo.Time or a kumo.TimeDelta, got number"},
		{"1 + kumo.time.now()", "argument 1 (left): expected a kumo.Time, got number"},
		{"kumo.time.now():format(('x'):rep(70000))", "kumo.Time:format: argument 1 (layout): longer than 64 KiB"},
	}.check(t)
}

func TestTimeDelta(t *testing.T) {
	span := func(text string) string { return "kumo.time.parse_duration(" + text + ")" }
	cases{
		{span("'5m'") + ".human", "5m"},
		{"tostring(" + span("3661.5") + ")", "1h 1m 1s 500ms"},
		{span("1.5") + ".seconds", 1.5},
		{span("'1.5s'") + ".milliseconds", int64(1500)},
		{span("'1.5s'") + ".microseconds", int64(1500000)},
		{span("'1.5s'") + ".nanoseconds", int64(1500000000)},
		{span("-5") + ".seconds", int64(-5)},
		{span("-5") + ".human", "-5s"},
		{"(" + span("20") + " - " + span("'30s'") + ").seconds", int64(-10)},
		{"(" + span("20") + " + " + span("'30s'") + ").seconds", int64(50)},
		{span("60") + " == " + span("'1m'"), true},
		{span("60") + " == " + span("'2m'"), false},
		{span("60") + " < " + span("'2m'"), true},
		{span("60") + " >= " + span("'2m'"), false},
	}.check(t)
	refusals{
		{span("'60'"), `kumo.time.parse_duration: argument 1 (value): "60" is not a duration: a number in a string needs a unit`},
		{span("{}"), "it is neither a number of seconds nor text"},
		{span("'290y'") + " + " + span("'290y'"), "kumo.TimeDelta: the result is longer than 292 years"},
		{span("-9e9") + " - " + span("9e9"), "the result is longer than 292 years"},
		{span("1") + " + 1", "argument 2 (right): expected a kumo.TimeDelta, got number"},
	}.check(t)
}

// TestStrftime: the examples of chrono's documentation, for the time that it uses
// but in UTC, and the weeks around new year.
func TestStrftime(t *testing.T) {
	at := time.Date(2001, 7, 8, 0, 34, 59, 26490708, time.UTC)
	for layout, want := range map[string]string{
		"%Y %C %y %q":            "2001 20 01 3",
		"%m %b %B %h %d %e":      "07 Jul July Jul 08  8",
		"%a %A %w %u":            "Sun Sunday 0 7",
		"%U %W %G %g %V %j":      "27 27 2001 01 27 189",
		"%D|%x|%F|%v":            "07/08/01|07/08/01|2001-07-08| 8-Jul-2001",
		"%H %k %I %l %P %p":      "00  0 12 12 am AM",
		"%M %S %f":               "34 59 026490708",
		"%.f %.3f %.6f %.9f":     ".026490708 .026 .026490 .026490708",
		"%3f %6f %9f":            "026 026490 026490708",
		"%R %T %X %r":            "00:34 00:34:59 00:34:59 12:34:59 AM",
		"%Z %z %:z %::z %:::z":   "UTC +0000 +00:00 +00:00:00 +00",
		"%c":                     "Sun Jul  8 00:34:59 2001",
		"%+":                     "2001-07-08T00:34:59.026490708+00:00",
		"%s":                     "994552499",
		"%t%n%%":                 "\t\n%",
		"%-d %_d %0e %-H %_j":    "8  8 08 0 189",
		"%":                      "%",
		"%!x %-":                 "%!x %-",
		"é%Q%-Z%":                "é%Q%-Z%",
		strings.Repeat("%%", 10): strings.Repeat("%", 10),
	} {
		if got := strftime(at, layout); got != want {
			t.Errorf("%q: got %q; want %q", layout, got, want)
		}
	}
	for _, c := range []struct{ day, want string }{
		{"2004-12-31", "52 52 53 2004"}, {"2005-01-01", "00 00 53 2004"}, {"2005-01-02", "01 00 53 2004"},
		{"2005-01-03", "01 01 01 2005"}, {"2007-01-01", "00 01 01 2007"}, {"2000-01-01", "00 00 52 1999"},
	} {
		day, err := time.Parse("2006-01-02", c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := strftime(day, "%U %W %V %G"); got != c.want {
			t.Errorf("weeks of %s: got %q; want %q", c.day, got, c.want)
		}
	}
}

func FuzzStrftime(f *testing.F) {
	for _, seed := range []string{"%Y-%m-%d", "%.3f%", "%::::z", "%-", "%-%", "%_d%#z%.f%9", "é%"} {
		f.Add(seed, int64(0))
	}
	f.Fuzz(func(t *testing.T, layout string, seconds int64) {
		at := time.Unix(seconds%1e11, 0).UTC()
		got := strftime(at, layout)
		if !strings.Contains(layout, "%") && got != layout {
			t.Fatalf("%q: got %q; want it unchanged", layout, got)
		}
		if limit := 40 * (len(layout) + 1); len(got) > limit {
			t.Fatalf("%q: got %d bytes; want at most %d", layout, len(got), limit)
		}
		if escaped := strings.ReplaceAll(layout, "%", "%%"); strftime(at, escaped) != layout {
			t.Fatalf("%q: got %q; want %q", escaped, strftime(at, escaped), layout)
		}
	})
}

func TestTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		measured := map[string]time.Duration{}
		L := state(t, Options{Timer: func(label string, took time.Duration) { measured[label] += took }})
		got, err := run(t, L, `
			local timer = kumo.time.start_timer('mine')
			kumo.sleep(1.5)
			local first = timer:done()
			kumo.time.sleep(1)
			local forgotten = kumo.time.start_timer('forgotten')
			return {first, tostring(timer:done())}`)
		if want := list(1.5, "nil"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, error %v; want %v", got, err, want)
		}
		// What a variable with <close> does at the end of its block.
		timer, err := L.LoadString("return kumo.time.start_timer('closed')")
		if err != nil {
			t.Fatal(err)
		}
		L.Push(timer)
		L.Call(0, 1)
		ud := L.Get(-1).(*lua.LUserData)
		<-time.After(2 * time.Second)
		L.Push(ud.Metatable.(*lua.LTable).RawGetString("__close"))
		L.Push(ud)
		L.Push(lua.LNil)
		L.Call(2, 0)
		if want := map[string]time.Duration{"mine": 1500 * time.Millisecond, "closed": 2 * time.Second}; !reflect.DeepEqual(measured, want) {
			t.Errorf("got %v; want %v", measured, want)
		}
	})
}

// TestSleepEnds: no handler sleeps past its deadline.
func TestSleepEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		L := state(t, Options{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		L.SetContext(ctx)
		start := time.Now()
		_, err := run(t, L, "kumo.time.sleep(3600)")
		if err == nil || !strings.Contains(err.Error(), "kumo.time.sleep: context deadline exceeded") || time.Since(start) != time.Second {
			t.Errorf("got error %v after %v; want one after a second", err, time.Since(start))
		}
	})
	refusals{
		{"kumo.sleep(-1)", "kumo.sleep: argument 1 (seconds): "},
		{"kumo.time.sleep('1s')", "kumo.time.sleep: argument 1 (seconds): expected a number, got string"},
	}.check(t)
}

func TestUUID(t *testing.T) {
	const id = "kumo.uuid.parse('F81D4FAE-7dec-11d0-a765-00a0c91e6bf6')"
	cases{
		{"tostring(" + id + ")", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
		{id + ".hyphenated", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
		{id + ".simple", "f81d4fae7dec11d0a76500a0c91e6bf6"},
		{id + ".braced", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}"},
		{id + ".urn", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
		{id + ".bytes", "\xf8\x1d\x4f\xae\x7d\xec\x11\xd0\xa7\x65\x00\xa0\xc9\x1e\x6b\xf6"},
		{"kumo.uuid.parse(" + id + ".braced).simple == " + id + ".simple", true},
		{"kumo.uuid.parse(" + id + ".urn).simple == " + id + ".simple", true},
		{"kumo.uuid.parse(" + id + ".simple).urn == " + id + ".urn", true},
		{"kumo.uuid.new_v1().hyphenated:sub(15, 15)", "1"},
		{"kumo.uuid.new_v4().hyphenated:sub(15, 15)", "4"},
		{"kumo.uuid.new_v6().hyphenated:sub(15, 15)", "6"},
		{"kumo.uuid.new_v7().hyphenated:sub(15, 15)", "7"},
		{"kumo.uuid.new_v4().simple == kumo.uuid.new_v4().simple", false},
		{"kumo.uuid.new_v7().simple < kumo.uuid.new_v7().simple", true},
	}.check(t)
	refusals{
		{"kumo.uuid.parse('x')", "kumo.uuid.parse: argument 1 (text): expected a UUID such as"},
		{"kumo.uuid.parse('xf81d4fae-7dec-11d0-a765-00a0c91e6bf6}')", "expected a UUID such as"},
		{"kumo.uuid.parse('{f81d4fae-7dec-11d0-a765-00a0c91e6bf6x')", "expected a UUID such as"},
	}.check(t)
}
