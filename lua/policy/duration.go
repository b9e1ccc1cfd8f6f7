package policy

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/troupe-proxy/troupe/internal/suggest"
)

// DurationReason says why a value is not a duration.
type DurationReason int

// The reasons. All texts and numbers that are not durations end in one of them.
const (
	DurationEmpty       DurationReason = iota + 1 // nothing but blanks
	DurationBadChar                               // a character that no duration holds
	DurationNoNumber                              // a unit without a number before it
	DurationNoUnit                                // a number in a string without a unit behind it
	DurationUnknownUnit                           // letters that are no unit; case matters
	DurationNegative                              // a number below zero
	DurationNotFinite                             // not a number, or infinite
	DurationTooFine                               // a fraction of a nanosecond
	DurationTooLong                               // above what time.Duration holds, about 292 years
)

// DurationError is the error of ParseDuration.
type DurationError struct {
	Text   string // the value as given
	Reason DurationReason
	Unit   string // with DurationUnknownUnit, the letters that are no unit
}

func (e *DurationError) Error() string {
	return fmt.Sprintf("%q is not a duration: %s", e.Text, e.why())
}

// why is the reason as a clause without the value.
func (e *DurationError) why() string {
	switch e.Reason {
	case DurationEmpty:
		return "it is empty"
	case DurationBadChar:
		return "it has a character that does not belong there"
	case DurationNoNumber:
		return "a number is missing before a unit"
	case DurationNoUnit:
		return "a number in a string needs a unit"
	case DurationUnknownUnit:
		return "unknown unit '" + e.Unit + "'" + suggest.Hint(e.Unit, unitNames())
	case DurationNegative:
		return "a duration cannot be negative"
	case DurationNotFinite:
		return "a duration must be a finite number"
	case DurationTooFine:
		return "it is finer than a nanosecond"
	case DurationTooLong:
		return "it is longer than 292 years"
	}
	return "unknown reason"
}

const (
	day   = 24 * time.Hour
	week  = 7 * day
	month = 2_630_016 * time.Second  // 30.44 days, as humantime has it
	year  = 31_557_600 * time.Second // 365.25 days
)

// unitOf knows the units of the Rust crate humantime 2.4, which KumoMTA uses.
func unitOf(name string) (time.Duration, bool) {
	switch name {
	case "ns", "nsec", "nanos":
		return time.Nanosecond, true
	case "us", "usec", "µs":
		return time.Microsecond, true
	case "ms", "msec", "millis":
		return time.Millisecond, true
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return day, true
	case "w", "wk", "wks", "week", "weeks":
		return week, true
	case "M", "month", "months":
		return month, true
	case "y", "yr", "yrs", "year", "years":
		return year, true
	}
	return 0, false
}

// unitNames are the units worth proposing to somebody who mistyped one.
func unitNames() []string {
	return []string{
		"s", "ms", "us", "ns", "m", "h", "d", "w", "y",
		"sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes", "hour", "hours",
		"day", "days", "week", "weeks", "month", "months", "year", "years", "msec", "usec", "nsec", "millis", "nanos",
	}
}

// ParseDuration reads the text form of a duration: numbers with units, such as
// "30s", "1m 30s" or "1.5 hours", blanks allowed anywhere between and inside the
// parts, units case-sensitive ("m" is a minute, "M" a month of 30.44 days). "0"
// is zero; any other number without a unit is refused. The result is never
// negative. The error is a *DurationError.
func ParseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	p := durationParser{text: text, rest: text}
	var total time.Duration
	for p.skipBlanks(); p.rest != "" || !p.any; p.skipBlanks() {
		part, err := p.part()
		if err != nil {
			return 0, err
		}
		if total += part; total < 0 {
			return 0, p.refuse(DurationTooLong)
		}
	}
	return total, nil
}

// SecondsDuration reads the number form of a duration: seconds, fractions
// allowed, rounded to the nanosecond. The error is a *DurationError.
func SecondsDuration(seconds float64) (time.Duration, error) {
	refuse := func(r DurationReason) (time.Duration, error) {
		return 0, &DurationError{Text: fmt.Sprint(seconds), Reason: r}
	}
	switch whole, fraction := math.Modf(seconds); {
	case math.IsNaN(seconds) || math.IsInf(seconds, 0):
		return refuse(DurationNotFinite)
	case seconds < 0:
		return refuse(DurationNegative)
	case whole >= math.MaxInt64/1e9:
		return refuse(DurationTooLong)
	default:
		d := time.Duration(whole)*time.Second + time.Duration(math.Round(fraction*1e9))
		if d < 0 {
			return refuse(DurationTooLong)
		}
		return d, nil
	}
}

// durationParser walks over the text of a duration. Like humantime it lets
// blanks stand between the digits of a number.
type durationParser struct {
	text string
	rest string
	any  bool // a part was read
}

func (p *durationParser) refuse(r DurationReason) error {
	return &DurationError{Text: p.text, Reason: r}
}

func (p *durationParser) skipBlanks() { p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace) }

// part reads one number with its unit.
func (p *durationParser) part() (time.Duration, error) {
	switch digits := p.digits(); {
	case p.rest == "" && digits == "" && !p.any:
		return 0, p.refuse(DurationEmpty)
	case digits == "":
		return 0, p.noNumber()
	default:
		fraction := ""
		if strings.HasPrefix(p.rest, ".") {
			p.rest = p.rest[1:]
			if fraction = p.digits(); fraction == "" {
				return 0, p.refuse(DurationBadChar)
			}
		}
		p.any = true
		unit, err := p.unit()
		if err != nil {
			return 0, err
		}
		return p.multiply(digits, fraction, unit)
	}
}

// noNumber tells a unit that stands alone from a character that is no part of any duration.
func (p *durationParser) noNumber() error {
	switch r, _ := utf8.DecodeRuneInString(p.rest); {
	case r == '-':
		return p.refuse(DurationNegative)
	case isUnitLetter(r):
		return p.refuse(DurationNoNumber)
	}
	return p.refuse(DurationBadChar)
}

func (p *durationParser) digits() string {
	var digits strings.Builder
	for p.skipBlanks(); p.rest != "" && p.rest[0] >= '0' && p.rest[0] <= '9'; p.skipBlanks() {
		digits.WriteByte(p.rest[0])
		p.rest = p.rest[1:]
	}
	return digits.String()
}

func isUnitLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == 'µ'
}

func (p *durationParser) unit() (time.Duration, error) {
	after := strings.TrimLeftFunc(p.rest, isUnitLetter)
	name := p.rest[:len(p.rest)-len(after)]
	if name == "" && after == "" {
		return 0, p.refuse(DurationNoUnit)
	}
	if name == "" {
		return 0, p.refuse(DurationBadChar)
	}
	p.rest = after
	unit, ok := unitOf(name)
	if !ok {
		return 0, &DurationError{Text: p.text, Reason: DurationUnknownUnit, Unit: name}
	}
	return unit, nil
}

// multiply is digits.fraction times unit, exactly or not at all.
func (p *durationParser) multiply(digits, fraction string, unit time.Duration) (time.Duration, error) {
	var whole uint64
	for _, c := range []byte(digits) {
		if whole > math.MaxInt64/10 {
			return 0, p.refuse(DurationTooLong)
		}
		whole = whole*10 + uint64(c-'0')
	}
	high, total := bits.Mul64(whole, uint64(unit))
	if high != 0 || total > math.MaxInt64 {
		return 0, p.refuse(DurationTooLong)
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > 18 { // even of a year, 1e-18 is finer than a nanosecond
		return 0, p.refuse(DurationTooFine)
	}
	numerator, denominator := uint64(0), uint64(1)
	for _, c := range []byte(fraction) {
		numerator, denominator = numerator*10+uint64(c-'0'), denominator*10
	}
	high, low := bits.Mul64(numerator, uint64(unit))
	nanoseconds, remainder := bits.Div64(high, low, denominator)
	if remainder != 0 {
		return 0, p.refuse(DurationTooFine)
	}
	if total += nanoseconds; total > math.MaxInt64 {
		return 0, p.refuse(DurationTooLong)
	}
	return time.Duration(total), nil
}

// FormatDuration is the canonical text of a duration, largest unit first, such
// as "1h 5m 3s" or "2months 1day"; zero is "0s". ParseDuration reads it back to
// the same value. A negative duration, which no policy can hold, gets a leading "-".
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	sign, left := "", uint64(d)
	if d < 0 {
		sign, left = "-", -uint64(d)
	}
	units := []struct {
		size   time.Duration
		name   string
		plural string
	}{
		{year, "year", "years"}, {month, "month", "months"}, {day, "day", "days"},
		{time.Hour, "h", "h"}, {time.Minute, "m", "m"}, {time.Second, "s", "s"},
		{time.Millisecond, "ms", "ms"}, {time.Microsecond, "us", "us"}, {1, "ns", "ns"},
	}
	var parts []string
	for _, u := range units {
		count := left / uint64(u.size)
		left %= uint64(u.size)
		switch {
		case count == 1:
			parts = append(parts, "1"+u.name)
		case count > 1:
			parts = append(parts, fmt.Sprint(count)+u.plural)
		}
	}
	return sign + strings.Join(parts, " ")
}
