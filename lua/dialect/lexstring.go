package dialect

import (
	"strings"
	"unicode/utf8"
)

// bracketLevel is the number of = in the long bracket that opens here, -1 when
// none does.
func (lx *lexer) bracketLevel() int {
	if lx.at(0) != '[' {
		return -1
	}
	level := 0
	for lx.at(1+level) == '=' {
		level++
	}
	if lx.at(1+level) != '[' {
		return -1
	}
	return level
}

// bracketed takes a string or comment in long brackets and returns what is in
// it. Each end of line becomes LF, and the first is dropped.
func (lx *lexer) bracketed(begin *token, level int, what string) string {
	lx.pos += level + len("[[")
	if c := lx.at(0); c == '\n' || c == '\r' {
		lx.newline()
	}
	closing := "]" + strings.Repeat("=", level) + "]"
	first := lx.pos
	var text strings.Builder // what was copied because of CR, up to first
	for !lx.ended() {
		switch c := lx.src[lx.pos]; {
		case c == ']' && strings.HasPrefix(lx.src[lx.pos:], closing):
			text.WriteString(lx.src[first:lx.pos])
			lx.pos += len(closing)
			return text.String()
		case c == '\n' || c == '\r':
			text.WriteString(lx.src[first:lx.pos])
			text.WriteByte('\n')
			lx.newline()
			first = lx.pos
		default:
			lx.pos++
		}
	}
	lx.fail(lx.here(), nearEnd, "unfinished long %s (starting at line %d)", what, begin.line)
	return ""
}

// quoted takes a string in quotes and returns its value.
func (lx *lexer) quoted(begin *token, quote byte) string {
	lx.pos++
	first := lx.pos
	var text []byte // the value up to first, nil while it stands in the chunk as is
	for !lx.ended() {
		switch c := lx.src[lx.pos]; c {
		case quote:
			value := lx.src[first:lx.pos]
			if text != nil {
				value = string(append(text, value...))
			}
			lx.pos++
			return value
		case '\n', '\r':
			lx.fail(lx.here(), "", "unfinished string (starting at line %d)", begin.line)
		case '\\':
			text = append(text, lx.src[first:lx.pos]...)
			text = lx.escape(text)
			first = lx.pos
		default:
			lx.pos++
		}
	}
	lx.fail(lx.here(), nearEnd, "unfinished string (starting at line %d)", begin.line)
	return ""
}

// escape takes one escape sequence and appends what it stands for. An error
// tells its place and nothing of the string.
func (lx *lexer) escape(text []byte) []byte {
	begin := lx.here()
	lx.pos++
	c := lx.at(0)
	if plain := strings.IndexByte(`abfnrtv\"'`, c); plain >= 0 && !lx.ended() {
		lx.pos++
		return append(text, "\a\b\f\n\r\t\v\\\"'"[plain])
	}
	switch {
	case c == '\n' || c == '\r':
		lx.newline()
		return append(text, '\n')
	case c == 'x':
		lx.pos++
		return append(text, lx.hexByte(begin))
	case c == 'z':
		lx.pos++
		lx.skipSpace()
		return text
	case c == 'u':
		lx.pos++
		return lx.codePoint(begin, text)
	case isDigit(c):
		return append(text, lx.decimalByte(begin))
	case lx.ended():
		return text // the string is not finished, and that is the error
	}
	lx.fail(begin, "", "invalid escape sequence in a string")
	return nil
}

// skipSpace is what \z does: white space, but no comment.
func (lx *lexer) skipSpace() {
	for {
		switch lx.at(0) {
		case ' ', '\t', '\v', '\f':
			lx.pos++
		case '\n', '\r':
			lx.newline()
		default:
			return
		}
	}
}

func (lx *lexer) hexByte(begin *token) byte {
	var value byte
	for range 2 {
		if !isHexDigit(lx.at(0)) {
			lx.fail(begin, "", `hexadecimal digit expected (\x takes two) in a string`)
		}
		value = value<<4 | hexValue(lx.at(0))
		lx.pos++
	}
	return value
}

func (lx *lexer) decimalByte(begin *token) byte {
	value := 0
	for i := 0; i < 3 && isDigit(lx.at(0)); i++ {
		value = value*10 + int(lx.at(0)-'0')
		lx.pos++
	}
	if value > 255 {
		lx.fail(begin, "", "decimal escape too large in a string")
	}
	return byte(value)
}

// codePoint takes {XXX} of \u{XXX}, up to 2^31 as in Lua.
func (lx *lexer) codePoint(begin *token, text []byte) []byte {
	if lx.at(0) != '{' {
		lx.fail(begin, "", `missing '{' in \u{xxxx} in a string`)
	}
	lx.pos++
	if !isHexDigit(lx.at(0)) {
		lx.fail(begin, "", `hexadecimal digit expected in \u{xxxx} in a string`)
	}
	var value uint32
	for ; isHexDigit(lx.at(0)); lx.pos++ {
		if value > 0x7FFFFFFF>>4 {
			lx.fail(begin, "", "UTF-8 value too large in a string")
		}
		value = value<<4 | uint32(hexValue(lx.at(0)))
	}
	if lx.at(0) != '}' {
		lx.fail(begin, "", `missing '}' in \u{xxxx} in a string`)
	}
	lx.pos++
	return appendUTF8(text, value)
}

// appendUTF8 is UTF-8 as first defined (RFC 2279), which Lua writes: surrogates
// as they are, and up to six bytes.
func appendUTF8(text []byte, value uint32) []byte {
	if value < utf8.RuneSelf {
		return append(text, byte(value))
	}
	size := 2
	for limit := uint32(1) << 11; size < 6 && value >= limit; limit <<= 5 {
		size++
	}
	lead := ^byte(0) << (8 - size)
	text = append(text, lead|byte(value>>(6*(size-1))))
	for i := size - 2; i >= 0; i-- {
		text = append(text, 0x80|byte(value>>(6*i))&0x3F)
	}
	return text
}

func hexValue(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
