package engine

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// All numbers are float64: whole ones are exact up to 2^53. They print as the
// integers of the reference implementation do when they are whole and below 2^63,
// and with 14 digits (%.14g) otherwise.

// exactInteger is up to where every whole number is its own.
const exactInteger = 1 << 53

// formatNumber is tostring of a number.
func formatNumber(n lua.LNumber) string {
	v := float64(n)
	if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
		return strconv.FormatInt(int64(v), 10)
	}
	return formatG(v, 14)
}

// formatG is C's %.*g.
func formatG(v float64, precision int) string {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return formatSpecial(v)
	}
	if precision == 0 {
		precision = 1
	}
	text := strconv.FormatFloat(v, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	e, _ := strconv.Atoi(exponent)
	if e < -4 || e >= precision {
		return trimZeros(mantissa) + "e" + exponent
	}
	return trimZeros(strconv.FormatFloat(v, 'f', precision-1-e, 64))
}

func trimZeros(digits string) string {
	if !strings.Contains(digits, ".") {
		return digits
	}
	return strings.TrimRight(strings.TrimRight(digits, "0"), ".")
}

// formatSpecial writes infinities and NaN as C does, NaN with its sign bit.
func formatSpecial(v float64) string {
	text := "inf"
	if math.IsNaN(v) {
		text = "nan"
	}
	if math.Signbit(v) {
		return "-" + text
	}
	return text
}

// toNumber converts a number, or a string by the rules of the language.
func toNumber(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}

const space = " \f\n\r\t\v"

// parseNumber reads a numeral: decimal or hexadecimal, whole or not, with white
// space around it and nothing else.
func parseNumber(text string) (float64, bool) {
	text = strings.Trim(text, space)
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" {
		return 0, false
	}
	negative := text[0] == '-'
	v, ok := parseUnsigned(digits)
	if negative {
		v = -v
	}
	return v, ok
}

func parseUnsigned(digits string) (float64, bool) {
	if len(digits) > 1 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') {
		return parseHex(digits[2:])
	}
	for _, c := range []byte(digits) {
		if (c < '0' || c > '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-' {
			return 0, false // among others inf, nan and 1_000, which Go takes
		}
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// parseHex reads a hexadecimal numeral after its 0x. A whole one wraps around at
// 64 bits.
func parseHex(digits string) (float64, bool) {
	if digits == "" || strings.ContainsAny(digits, "_+-xX") && !strings.ContainsAny(digits, "pP") {
		return 0, false
	}
	if !strings.ContainsAny(digits, ".pP") {
		var bits uint64
		for _, c := range []byte(digits) {
			d, ok := digitValue(c)
			if !ok || d > 15 {
				return 0, false
			}
			bits = bits<<4 | uint64(d)
		}
		return float64(int64(bits)), true
	}
	if strings.ContainsAny(digits, "_xX") || strings.HasPrefix(digits, "+") || strings.HasPrefix(digits, "-") {
		return 0, false
	}
	if !strings.ContainsAny(digits, "pP") {
		digits += "p0"
	}
	v, err := strconv.ParseFloat("0x"+digits, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

// digitValue is the value of a digit in a base up to 36.
func digitValue(c byte) (int, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0'), true
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 10, true
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10, true
	}
	return 0, false
}
