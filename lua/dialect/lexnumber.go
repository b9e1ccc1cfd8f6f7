package dialect

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// largestExact is the magnitude up to which the engine, whose numbers are all
// floats, tells every integer from its neighbours.
const largestExact = 1 << 53

// number takes a numeral. Its text is one that the engine reads as the same value.
func (lx *lexer) number(t *token) {
	first := lx.pos
	exponent := byte('e')
	if lx.at(0) == '0' && lx.at(1)|0x20 == 'x' {
		exponent = 'p'
		lx.pos += 2
	}
	for {
		c := lx.at(0)
		switch {
		case c|0x20 == exponent:
			lx.pos++
			if sign := lx.at(0); sign == '+' || sign == '-' {
				lx.pos++
			}
			continue
		case isHexDigit(c) || c == '.':
			lx.pos++
			continue
		}
		break
	}
	for isLetter(lx.at(0)) || isDigit(lx.at(0)) {
		lx.pos++ // a letter that touches it makes it malformed
	}
	t.kind = kindNumber
	t.raw = lx.src[first:lx.pos]
	t.text = lx.numeral(t, t.raw)
}

// numeral is the value of a numeral as text for the engine.
func (lx *lexer) numeral(t *token, raw string) string {
	hex := len(raw) > 1 && raw[1]|0x20 == 'x'
	var value float64
	var err error
	switch {
	case strings.Contains(raw, "_"):
		err = strconv.ErrSyntax // Go's own separator
	case hex && !strings.ContainsAny(raw, ".pP"):
		return lx.integer(t, raw[2:], 16)
	case !hex && !strings.ContainsAny(raw, ".eE"):
		return lx.integer(t, raw, 10)
	case hex && !strings.ContainsAny(raw, "pP"):
		value, err = strconv.ParseFloat(raw+"p0", 64)
	default:
		value, err = strconv.ParseFloat(raw, 64)
	}
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is infinite, as in Lua
		lx.fail(t, raw, "malformed number")
	}
	return numberText(value)
}

// integer is an integer numeral. Lua 5.4 has 64 bits for it, of which the engine
// keeps 53 apart; in base 10 what needs more than 64 is a float.
func (lx *lexer) integer(t *token, digits string, base int) string {
	value, err := strconv.ParseUint(digits, base, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		lx.fail(t, t.raw, "malformed number")
	case base == 10 && (err != nil || value > math.MaxInt64):
		float, _ := strconv.ParseFloat(digits, 64) // out of range is infinite
		return numberText(float)
	case err != nil || value > largestExact:
		hint := "write " + digits + ".0 for the nearest float"
		if base == 16 {
			hint = "write " + t.raw + "p0 for the nearest float"
		}
		lx.fail(t, t.raw, "integer beyond 2^53 would lose precision (%s)", hint)
	}
	return strconv.FormatUint(value, 10)
}

// numberText writes a number so that the engine reads the same.
func numberText(value float64) string {
	if value == math.Trunc(value) && math.Abs(value) <= largestExact {
		return strconv.FormatInt(int64(value), 10)
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}
