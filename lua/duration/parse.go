package duration

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Parse reads the text form of a duration: numbers with units, such as
// "30s", "1m 30s" or "1.5 hours", blanks allowed anywhere between and inside the
// parts, units case-sensitive ("m" is a minute, "M" a month of 30.44 days). "0"
// is zero; any other number without a unit is refused. The result is never
// negative. The error is a *Error.
func Parse(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	p := parser{text: text, rest: text}
	var total time.Duration
	for p.skipBlanks(); p.rest != "" || !p.any; p.skipBlanks() {
		part, err := p.part()
		if err != nil {
			return 0, err
		}
		if total += part; total < 0 {
			return 0, p.refuse(TooLong)
		}
	}
	return total, nil
}

// Seconds reads the number form of a duration: seconds, fractions
// allowed, rounded to the nanosecond. The error is a *Error.
func Seconds(seconds float64) (time.Duration, error) {
	refuse := func(r Reason) (time.Duration, error) {
		return 0, &Error{Text: fmt.Sprint(seconds), Reason: r}
	}
	switch whole, fraction := math.Modf(seconds); {
	case math.IsNaN(seconds) || math.IsInf(seconds, 0):
		return refuse(NotFinite)
	case seconds < 0:
		return refuse(Negative)
	case whole >= math.MaxInt64/1e9:
		return refuse(TooLong)
	default:
		d := time.Duration(whole)*time.Second + time.Duration(math.Round(fraction*1e9))
		if d < 0 {
			return refuse(TooLong)
		}
		return d, nil
	}
}

// maxUnit is how many letters of an unknown unit are kept to guess what was
// meant: guessing takes time by the length.
const maxUnit = 16

// parser walks over the text of a duration. Like humantime it lets
// blanks stand between the digits of a number.
type parser struct {
	text string
	rest string
	any  bool // a part was read
}

func (p *parser) refuse(r Reason) error {
	return &Error{Text: p.text, Reason: r}
}

func (p *parser) skipBlanks() { p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace) }

// part reads one number with its unit.
func (p *parser) part() (time.Duration, error) {
	switch digits := p.digits(); {
	case p.rest == "" && digits == "" && !p.any:
		return 0, p.refuse(Empty)
	case digits == "":
		return 0, p.noNumber()
	default:
		fraction := ""
		if strings.HasPrefix(p.rest, ".") {
			p.rest = p.rest[1:]
			if fraction = p.digits(); fraction == "" {
				return 0, p.refuse(BadChar)
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
func (p *parser) noNumber() error {
	switch r, _ := utf8.DecodeRuneInString(p.rest); {
	case r == '-':
		return p.refuse(Negative)
	case isUnitLetter(r):
		return p.refuse(NoNumber)
	}
	return p.refuse(BadChar)
}

func (p *parser) digits() string {
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

func (p *parser) unit() (time.Duration, error) {
	after := strings.TrimLeftFunc(p.rest, isUnitLetter)
	name := p.rest[:len(p.rest)-len(after)]
	if name == "" && after == "" {
		return 0, p.refuse(NoUnit)
	}
	if name == "" {
		return 0, p.refuse(BadChar)
	}
	p.rest = after
	unit, ok := unitOf(name)
	if !ok {
		return 0, &Error{Text: p.text, Reason: UnknownUnit, Unit: strings.ToValidUTF8(name[:min(len(name), maxUnit)], "")}
	}
	return unit, nil
}

// multiply is digits.fraction times unit, exactly or not at all.
func (p *parser) multiply(digits, fraction string, unit time.Duration) (time.Duration, error) {
	var whole uint64
	for _, c := range []byte(digits) {
		if whole > math.MaxInt64/10 {
			return 0, p.refuse(TooLong)
		}
		whole = whole*10 + uint64(c-'0')
	}
	high, total := bits.Mul64(whole, uint64(unit))
	if high != 0 || total > math.MaxInt64 {
		return 0, p.refuse(TooLong)
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > 18 { // even of a year, 1e-18 is finer than a nanosecond
		return 0, p.refuse(TooFine)
	}
	numerator, denominator := uint64(0), uint64(1)
	for _, c := range []byte(fraction) {
		numerator, denominator = numerator*10+uint64(c-'0'), denominator*10
	}
	high, low := bits.Mul64(numerator, uint64(unit))
	nanoseconds, remainder := bits.Div64(high, low, denominator)
	if remainder != 0 {
		return 0, p.refuse(TooFine)
	}
	if total += nanoseconds; total > math.MaxInt64 {
		return 0, p.refuse(TooLong)
	}
	return time.Duration(total), nil
}
