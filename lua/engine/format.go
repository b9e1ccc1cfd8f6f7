package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// directive is one conversion of string.format, as in C.
type directive struct {
	minus, plus, space, alternate, zero bool
	width, precision                    int // precision -1: none given
	verb                                byte
	text                                string // as written, for messages
}

func (m *machine) stringFormat(L *lua.LState) int {
	format := checkString(L, 1)
	var out strings.Builder
	argument := 1
	for i := 0; i < len(format); {
		if format[i] != '%' {
			end := strings.IndexByte(format[i:], '%')
			if end < 0 {
				end = len(format) - i
			}
			out.WriteString(format[i : i+end])
			i += end
			continue
		}
		if i+1 < len(format) && format[i+1] == '%' {
			out.WriteByte('%')
			i += 2
			continue
		}
		argument++
		if argument > L.GetTop() {
			argError(L, argument, "no value")
		}
		d := readDirective(L, format[i:])
		out.WriteString(m.convert(L, d, argument))
		i += len(d.text)
		if out.Len() > m.options.Memory {
			m.refuseLong(L)
		}
	}
	L.Push(lua.LString(out.String()))
	return 1
}

// maxDirective is how long the flags, width and precision of a directive are at
// most, with its letter.
const maxDirective = 21

// readDirective takes the directive at the start of format apart.
func readDirective(L *lua.LState, format string) directive {
	end := 1
	for end < len(format) && strings.IndexByte("-+ #0123456789.", format[end]) >= 0 {
		end++
	}
	if end > maxDirective {
		raisef(L, "invalid format (too long)")
	}
	d := directive{precision: -1, text: format[:min(end+1, len(format))]}
	if end < len(format) {
		d.verb = format[end]
	}
	d.check(L)
	rest := d.text[1:]
	for rest != "" && strings.IndexByte("-+ #0", rest[0]) >= 0 {
		d.setFlag(rest[0])
		rest = rest[1:]
	}
	rest, d.width = twoDigits(rest)
	if tail, ok := strings.CutPrefix(rest, "."); ok {
		_, d.precision = twoDigits(tail)
	}
	return d
}

func twoDigits(text string) (rest string, n int) {
	for range 2 {
		if text != "" && isDigit(text[0]) {
			n = n*10 + int(text[0]-'0')
			text = text[1:]
		}
	}
	return text, n
}

func (d *directive) setFlag(c byte) {
	switch c {
	case '-':
		d.minus = true
	case '+':
		d.plus = true
	case ' ':
		d.space = true
	case '#':
		d.alternate = true
	case '0':
		d.zero = true
	}
}

// check refuses what C leaves undefined: which flags go with which letter, and
// numbers of more than two digits.
func (d *directive) check(L *lua.LState) {
	flags, precision := "", true
	switch d.verb {
	case 'c', 'p':
		flags, precision = "-", false
	case 'd', 'i':
		flags = "-+0 "
	case 'u':
		flags = "-0"
	case 'o', 'x', 'X':
		flags = "-#0"
	case 'a', 'A', 'e', 'E', 'f', 'g', 'G':
		flags = "-+#0 "
	case 's':
		flags = "-"
	case 'q':
		if d.text != "%q" {
			raisef(L, "specifier '%%q' cannot have modifiers")
		}
	default:
		raisef(L, "invalid conversion '%s' to 'format'", d.text)
	}
	rest := strings.TrimLeft(d.text[1:], flags)
	if !strings.HasPrefix(rest, "0") {
		rest, _ = twoDigits(rest)
		if tail, ok := strings.CutPrefix(rest, "."); ok && precision {
			rest, _ = twoDigits(tail)
		}
	}
	if !isAlpha(rest[0]) {
		raisef(L, "invalid conversion specification: '%s'", d.text)
	}
}

func (m *machine) convert(L *lua.LState, d directive, n int) string {
	switch d.verb {
	case 'c':
		return d.pad(string([]byte{byte(checkInt(L, n))}))
	case 'd', 'i', 'u':
		return d.integer(checkInt(L, n))
	case 'o':
		return d.unsigned(uint64(checkInt(L, n)), 8)
	case 'x', 'X':
		return d.unsigned(uint64(checkInt(L, n)), 16)
	case 'p':
		return d.pad(pointer(L.Get(n)))
	case 'q':
		return quoted(L, n)
	case 's':
		return d.string(L, m.text(L, L.Get(n)), n)
	}
	return d.float(checkNumber(L, n))
}

func (d directive) string(L *lua.LState, text string, n int) string {
	if d.width == 0 && d.precision < 0 && !d.minus {
		return text
	}
	if strings.IndexByte(text, 0) >= 0 {
		argError(L, n, "string contains zeros")
	}
	if d.precision >= 0 && d.precision < len(text) {
		text = text[:d.precision]
	}
	return d.pad(text)
}

// pad fills up to the width with spaces.
func (d directive) pad(text string) string {
	fill := strings.Repeat(" ", max(d.width-len(text), 0))
	if d.minus {
		return text + fill
	}
	return fill + text
}

// padNumber puts the zeros between the sign or 0x and the digits.
func (d directive) padNumber(prefix, digits string) string {
	if d.zero && !d.minus {
		digits = strings.Repeat("0", max(d.width-len(prefix)-len(digits), 0)) + digits
	}
	return d.pad(prefix + digits)
}

func (d directive) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case d.plus:
		return "+"
	case d.space:
		return " "
	}
	return ""
}

func (d directive) integer(v int64) string {
	magnitude := uint64(v)
	if v < 0 {
		magnitude = -magnitude
	}
	return d.digits(d.sign(v < 0), strconv.FormatUint(magnitude, 10), magnitude)
}

func (d directive) unsigned(v uint64, base int) string {
	digits, prefix := strconv.FormatUint(v, base), ""
	if d.alternate && v != 0 {
		if base == 16 {
			prefix = "0x"
		} else {
			d.precision = max(d.precision, len(digits)+1)
		}
	}
	if d.verb == 'X' {
		digits, prefix = strings.ToUpper(digits), strings.ToUpper(prefix)
	}
	return d.digits(prefix, digits, v)
}

// digits applies the precision of a whole number, which turns zeros off.
func (d directive) digits(prefix, digits string, v uint64) string {
	if d.precision >= 0 {
		d.zero = false
		if d.precision == 0 && v == 0 {
			digits = ""
		}
		digits = strings.Repeat("0", max(d.precision-len(digits), 0)) + digits
	}
	return d.padNumber(prefix, digits)
}

func (d directive) float(v float64) string {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		d.zero = false
		text := formatSpecial(math.Copysign(v, 1))
		if d.verb < 'a' {
			text = strings.ToUpper(text)
		}
		return d.pad(d.sign(math.Signbit(v)) + text)
	}
	digits, prefix := d.magnitude(math.Abs(v)), d.sign(math.Signbit(v))
	if d.verb == 'a' || d.verb == 'A' {
		prefix += digits[:2]
		digits = digits[2:]
	}
	if d.verb < 'a' {
		prefix, digits = strings.ToUpper(prefix), strings.ToUpper(digits)
	}
	return d.padNumber(prefix, digits)
}

// magnitude writes a finite number that is not negative.
func (d directive) magnitude(v float64) string {
	switch d.verb | 0x20 {
	case 'a':
		return hexFloat(v, d.precision)
	case 'g':
		precision := d.precision
		if precision < 0 {
			precision = 6
		}
		if d.alternate {
			return fmt.Sprintf("%#.*g", max(precision, 1), v)
		}
		return formatG(v, precision)
	}
	precision := d.precision
	if precision < 0 {
		precision = 6
	}
	text := strconv.FormatFloat(v, d.verb|0x20, precision, 64)
	if d.alternate && precision == 0 {
		mantissa, exponent, _ := strings.Cut(text, "e")
		text = mantissa + "."
		if exponent != "" {
			text += "e" + exponent
		}
	}
	return text
}

// hexFloat is C's %a: Go writes at least two digits in the exponent.
func hexFloat(v float64, precision int) string {
	text := strconv.FormatFloat(v, 'x', precision, 64)
	mantissa, exponent, _ := strings.Cut(text, "p")
	sign, digits := exponent[:1], strings.TrimLeft(exponent[1:], "0")
	if digits == "" {
		digits = "0"
	}
	return mantissa + "p" + sign + digits
}
