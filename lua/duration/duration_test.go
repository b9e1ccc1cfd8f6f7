package duration

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0":                        0,
		"0s":                       0,
		"1ns":                      1,
		"17nsec":                   17,
		"17nanos":                  17,
		"78us":                     78 * time.Microsecond,
		"3usec":                    3 * time.Microsecond,
		"163µs":                    163 * time.Microsecond,
		"6ms":                      6 * time.Millisecond,
		"31msec":                   31 * time.Millisecond,
		"31millis":                 31 * time.Millisecond,
		"60s":                      time.Minute,
		"300sec":                   5 * time.Minute,
		"300secs":                  5 * time.Minute,
		"1second":                  time.Second,
		"50seconds":                50 * time.Second,
		"100m":                     100 * time.Minute,
		"12min":                    12 * time.Minute,
		"12mins":                   12 * time.Minute,
		"1minute":                  time.Minute,
		"7minutes":                 7 * time.Minute,
		"2h":                       2 * time.Hour,
		"7hr":                      7 * time.Hour,
		"7hrs":                     7 * time.Hour,
		"1hour":                    time.Hour,
		"24hours":                  24 * time.Hour,
		"365d":                     365 * 24 * time.Hour,
		"1day":                     24 * time.Hour,
		"2days":                    48 * time.Hour,
		"52w":                      52 * 7 * 24 * time.Hour,
		"1wk":                      7 * 24 * time.Hour,
		"2wks":                     14 * 24 * time.Hour,
		"1week":                    7 * 24 * time.Hour,
		"7weeks":                   49 * 24 * time.Hour,
		"1M":                       2_630_016 * time.Second,
		"1month":                   2_630_016 * time.Second,
		"3months":                  3 * 2_630_016 * time.Second,
		"1y":                       31_557_600 * time.Second,
		"1yr":                      31_557_600 * time.Second,
		"15yrs":                    15 * 31_557_600 * time.Second,
		"1year":                    31_557_600 * time.Second,
		"7years":                   7 * 31_557_600 * time.Second,
		"1m 30s":                   90 * time.Second,
		"1m30s":                    90 * time.Second,
		"20 min 17 nsec ":          20*time.Minute + 17,
		"  1 h\t2 m\n3 s":          time.Hour + 2*time.Minute + 3*time.Second,
		"1 0 s":                    10 * time.Second,
		"3s 1h":                    time.Hour + 3*time.Second,
		"1s 1s":                    2 * time.Second,
		"1.5s":                     1500 * time.Millisecond,
		"0.5 hours":                30 * time.Minute,
		"1.25m 0.5s":               75*time.Second + 500*time.Millisecond,
		"0.000000001s":             1,
		"1.50000000000000000000ms": 1500 * time.Microsecond,
		"9223372036854775807ns":    math.MaxInt64,
		"000000000000000000001s":   time.Second,
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q): got %v, error %v; want %v", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]Reason{
		"":                       Empty,
		" \t":                    Empty,
		"60":                     NoUnit,
		"1.5":                    NoUnit,
		"00":                     NoUnit,
		" 0":                     NoUnit,
		"1s 2":                   NoUnit,
		"s":                      NoNumber,
		"1m sec":                 NoNumber,
		"soon":                   NoNumber,
		".5s":                    BadChar,
		"1.s":                    BadChar,
		"1..5s":                  BadChar,
		"1,5s":                   BadChar,
		"+1s":                    BadChar,
		"1s;":                    BadChar,
		"1\xff":                  BadChar,
		"1e3s":                   UnknownUnit,
		"1S":                     UnknownUnit,
		"1Min":                   UnknownUnit,
		"1mss":                   UnknownUnit,
		"1µ":                     UnknownUnit,
		"-1s":                    Negative,
		"1.5ns":                  TooFine,
		"0.0000000001s":          TooFine,
		"0.1234567890123456789y": TooFine,
		"9223372036854775808ns":  TooLong,
		"292y 1y":                TooLong,
		"300y":                   TooLong,
		"99999999999999999999s":  TooLong,
		"99999999999999999999999999999999999999999s": TooLong,
	} {
		got, err := Parse(text)
		var refused *Error
		if !errors.As(err, &refused) || refused.Reason != want || refused.Text != text {
			t.Errorf("Parse(%q): got %v, error %v; want reason %d", text, got, err, want)
		}
		if got != 0 {
			t.Errorf("Parse(%q): got %v beside the error; want 0", text, got)
		}
	}
}

func TestSeconds(t *testing.T) {
	for seconds, want := range map[float64]time.Duration{
		0:            0,
		30:           30 * time.Second,
		1.5:          1500 * time.Millisecond,
		0.1:          100 * time.Millisecond,
		0.0000000014: 1,
		9e9:          9e9 * time.Second,
	} {
		if got, err := Seconds(seconds); err != nil || got != want {
			t.Errorf("Seconds(%v): got %v, error %v; want %v", seconds, got, err, want)
		}
	}
	for seconds, want := range map[float64]Reason{
		-1:              Negative,
		-1e-9:           Negative,
		math.Inf(1):     NotFinite,
		math.Inf(-1):    NotFinite,
		math.MaxFloat64: TooLong,
		9.3e9:           TooLong,
		9223372036.9:    TooLong, // the last second that fits does not fit with a fraction
	} {
		wantReason(t, seconds, want)
	}
	wantReason(t, math.NaN(), NotFinite) // no key of a map equals it
}

func wantReason(t *testing.T, seconds float64, want Reason) {
	t.Helper()
	got, err := Seconds(seconds)
	var refused *Error
	if !errors.As(err, &refused) || refused.Reason != want || got != 0 {
		t.Errorf("Seconds(%v): got %v, error %v; want reason %d", seconds, got, err, want)
	}
}

func TestFormat(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s",
		time.Hour + 5*time.Minute + 3*time.Second: "1h 5m 3s",
		50 * time.Second:        "50s",
		1:                       "1ns",
		1_001_001_001:           "1s 1ms 1us 1ns",
		year + 2*month + day:    "1year 2months 1day",
		3*year + month + 29*day: "3years 1month 29days",
		-90 * time.Second:       "-1m 30s",
	} {
		if got := Format(d); got != want {
			t.Errorf("Format(%d): got %q; want %q", d, got, want)
		}
	}
	if got := Format(math.MinInt64); !strings.HasPrefix(got, "-292years") {
		t.Errorf("got %q for the lowest duration; want it to begin with -292years", got)
	}
}

// TestDurationRoundTrip: the canonical text of any duration reads back to it.
func TestDurationRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		d := time.Duration(random.Int64() >> random.IntN(63))
		if got, err := Parse(Format(d)); err != nil || got != d {
			t.Fatalf("%q: got %v, error %v; want %v", Format(d), got, err, d)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"0", "60", "1m 30s", "1.5 hours", "163µs", "292y", "9223372036854775807ns", "1 0s", "-1s", "0.000000001s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		var refused *Error
		switch {
		case err != nil && (d != 0 || !errors.As(err, &refused) || refused.Why() == "unknown reason"):
			t.Fatalf("%q: got %v and %v; want zero and a reason", text, d, err)
		case d < 0:
			t.Fatalf("%q: got %v; want nothing negative", text, d)
		case err == nil:
			canonical := Format(d)
			if again, err := Parse(canonical); err != nil || again != d {
				t.Fatalf("%q is %v, but its canonical text %q gives %v, error %v", text, d, canonical, again, err)
			}
		}
	})
}

func TestFromLua(t *testing.T) {
	for _, c := range []struct {
		in   lua.LValue
		want time.Duration
	}{
		{lua.LNumber(1.5), 1500 * time.Millisecond},
		{lua.LString("1m 30s"), 90 * time.Second},
		{lua.LString("0"), 0},
	} {
		if got, err := FromLua(c.in); err != nil || got != c.want {
			t.Errorf("FromLua(%v): got %v, error %v; want %v", c.in, got, err, c.want)
		}
	}
	for _, c := range []struct {
		in   lua.LValue
		want Reason
	}{
		{lua.LNil, NotADuration},
		{lua.LTrue, NotADuration},
		{&lua.LTable{}, NotADuration},
		{lua.LNumber(-1), Negative},
		{lua.LString("60"), NoUnit},
	} {
		got, err := FromLua(c.in)
		var refused *Error
		if !errors.As(err, &refused) || refused.Reason != c.want || got != 0 {
			t.Errorf("FromLua(%v): got %v, error %v; want reason %d", c.in, got, err, c.want)
		}
	}
}

// TestErrorShowsLittle: what a script gives may be as long as it likes, the
// message may not, nor may the guess at what was meant take time by its length.
func TestErrorShowsLittle(t *testing.T) {
	_, err := Parse("1" + strings.Repeat("x", 1<<20))
	if got := len(err.Error()); got > 300 {
		t.Errorf("got a message of %d bytes; want at most 300", got)
	}
}
