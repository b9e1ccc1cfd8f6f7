package policy

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
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
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q): got %v, error %v; want %v", text, got, err, want)
		}
	}
}

func TestParseDurationRefuses(t *testing.T) {
	for text, want := range map[string]DurationReason{
		"":                       DurationEmpty,
		" \t":                    DurationEmpty,
		"60":                     DurationNoUnit,
		"1.5":                    DurationNoUnit,
		"00":                     DurationNoUnit,
		" 0":                     DurationNoUnit,
		"1s 2":                   DurationNoUnit,
		"s":                      DurationNoNumber,
		"1m sec":                 DurationNoNumber,
		"soon":                   DurationNoNumber,
		".5s":                    DurationBadChar,
		"1.s":                    DurationBadChar,
		"1..5s":                  DurationBadChar,
		"1,5s":                   DurationBadChar,
		"+1s":                    DurationBadChar,
		"1s;":                    DurationBadChar,
		"1\xff":                  DurationBadChar,
		"1e3s":                   DurationUnknownUnit,
		"1S":                     DurationUnknownUnit,
		"1Min":                   DurationUnknownUnit,
		"1mss":                   DurationUnknownUnit,
		"1µ":                     DurationUnknownUnit,
		"-1s":                    DurationNegative,
		"1.5ns":                  DurationTooFine,
		"0.0000000001s":          DurationTooFine,
		"0.1234567890123456789y": DurationTooFine,
		"9223372036854775808ns":  DurationTooLong,
		"292y 1y":                DurationTooLong,
		"300y":                   DurationTooLong,
		"99999999999999999999s":  DurationTooLong,
		"99999999999999999999999999999999999999999s": DurationTooLong,
	} {
		got, err := ParseDuration(text)
		var refused *DurationError
		if !errors.As(err, &refused) || refused.Reason != want || refused.Text != text {
			t.Errorf("ParseDuration(%q): got %v, error %v; want reason %d", text, got, err, want)
		}
		if got != 0 {
			t.Errorf("ParseDuration(%q): got %v beside the error; want 0", text, got)
		}
	}
}

func TestSecondsDuration(t *testing.T) {
	for seconds, want := range map[float64]time.Duration{
		0:            0,
		30:           30 * time.Second,
		1.5:          1500 * time.Millisecond,
		0.1:          100 * time.Millisecond,
		0.0000000014: 1,
		9e9:          9e9 * time.Second,
	} {
		if got, err := SecondsDuration(seconds); err != nil || got != want {
			t.Errorf("SecondsDuration(%v): got %v, error %v; want %v", seconds, got, err, want)
		}
	}
	for seconds, want := range map[float64]DurationReason{
		-1:              DurationNegative,
		-1e-9:           DurationNegative,
		math.Inf(1):     DurationNotFinite,
		math.Inf(-1):    DurationNotFinite,
		math.MaxFloat64: DurationTooLong,
		9.3e9:           DurationTooLong,
		9223372036.9:    DurationTooLong, // the last second that fits does not fit with a fraction
	} {
		wantReason(t, seconds, want)
	}
	wantReason(t, math.NaN(), DurationNotFinite) // no key of a map equals it
}

func wantReason(t *testing.T, seconds float64, want DurationReason) {
	t.Helper()
	got, err := SecondsDuration(seconds)
	var refused *DurationError
	if !errors.As(err, &refused) || refused.Reason != want || got != 0 {
		t.Errorf("SecondsDuration(%v): got %v, error %v; want reason %d", seconds, got, err, want)
	}
}

func TestFormatDuration(t *testing.T) {
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
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d): got %q; want %q", d, got, want)
		}
	}
	if got := FormatDuration(math.MinInt64); !strings.HasPrefix(got, "-292years") {
		t.Errorf("got %q for the lowest duration; want it to begin with -292years", got)
	}
}

// TestDurationRoundTrip: the canonical text of any duration reads back to it.
func TestDurationRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		d := time.Duration(random.Int64() >> random.IntN(63))
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Fatalf("%q: got %v, error %v; want %v", FormatDuration(d), got, err, d)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"0", "60", "1m 30s", "1.5 hours", "163µs", "292y", "9223372036854775807ns", "1 0s", "-1s", "0.000000001s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		var refused *DurationError
		switch {
		case err != nil && (d != 0 || !errors.As(err, &refused) || refused.why() == "unknown reason"):
			t.Fatalf("%q: got %v and %v; want zero and a reason", text, d, err)
		case d < 0:
			t.Fatalf("%q: got %v; want nothing negative", text, d)
		case err == nil:
			canonical := FormatDuration(d)
			if again, err := ParseDuration(canonical); err != nil || again != d {
				t.Fatalf("%q is %v, but its canonical text %q gives %v, error %v", text, d, canonical, again, err)
			}
		}
	})
}
