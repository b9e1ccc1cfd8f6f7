package dialect

import (
	"fmt"
	"strings"
)

// lexer cuts a chunk into tokens (Lua 5.4 manual, section 3.1). An error leaves
// it by panic with an *Error, which Parse catches.
type lexer struct {
	name  string
	src   string
	pos   int // of the next byte
	line  int // of the next byte, from 1
	start int // position of the first byte of the line
}

func newLexer(name string, source []byte) *lexer {
	src := strings.TrimPrefix(string(source), "\xEF\xBB\xBF")
	lx := &lexer{name: name, src: src, line: 1}
	if strings.HasPrefix(src, "#") {
		lx.skipLine() // a first line for the shell
	}
	return lx
}

// at is the byte at an offset from the next one, 0 past the end. A zero byte of
// the chunk reads the same, so who cares asks ended.
func (lx *lexer) at(offset int) byte {
	if i := lx.pos + offset; i < len(lx.src) {
		return lx.src[i]
	}
	return 0
}

func (lx *lexer) ended() bool { return lx.pos >= len(lx.src) }

func (lx *lexer) column() int { return lx.pos - lx.start + 1 }

// fail refuses the chunk at a token.
func (lx *lexer) fail(t *token, near, format string, args ...any) {
	panic(&Error{Name: lx.name, Line: t.line, Column: t.column, Near: near, Message: fmt.Sprintf(format, args...)})
}

// here is a token without text at the next byte, to point an error at.
func (lx *lexer) here() *token { return &token{line: lx.line, column: lx.column()} }

// newline takes the end of a line: LF, CR, or both in either order.
func (lx *lexer) newline() {
	first := lx.src[lx.pos]
	lx.pos++
	if second := lx.at(0); (second == '\n' || second == '\r') && second != first {
		lx.pos++
	}
	lx.line++
	lx.start = lx.pos
}

func (lx *lexer) skipLine() {
	if end := strings.IndexAny(lx.src[lx.pos:], "\r\n"); end >= 0 {
		lx.pos += end
	} else {
		lx.pos = len(lx.src)
	}
}

// skipBlank takes white space and comments.
func (lx *lexer) skipBlank() {
	for !lx.ended() {
		switch lx.src[lx.pos] {
		case ' ', '\t', '\v', '\f':
			lx.pos++
		case '\n', '\r':
			lx.newline()
		case '-':
			if lx.at(1) != '-' {
				return
			}
			lx.skipComment()
		default:
			return
		}
	}
}

func (lx *lexer) skipComment() {
	begin := lx.here()
	lx.pos += len("--")
	if level := lx.bracketLevel(); level >= 0 {
		lx.bracketed(begin, level, "comment")
		return
	}
	lx.skipLine()
}

// next reads one token into t. At the end of the chunk it is kindEnd, again and
// again.
func (lx *lexer) next(t *token) {
	lx.skipBlank()
	*t = token{line: lx.line, column: lx.column()}
	if lx.ended() {
		return
	}
	first := lx.pos
	switch c := lx.src[first]; {
	case isLetter(c):
		for lx.pos++; isLetter(lx.at(0)) || isDigit(lx.at(0)); lx.pos++ {
		}
		t.text = lx.src[first:lx.pos]
		t.raw = t.text
		t.kind = reserved(t.text)
	case isDigit(c), c == '.' && isDigit(lx.at(1)):
		lx.number(t)
	case c == '"', c == '\'':
		t.kind = kindString
		t.text = lx.quoted(t, c)
	case c == '[' && lx.bracketLevel() >= 0:
		t.kind = kindString
		t.text = lx.bracketed(t, lx.bracketLevel(), "string")
	default:
		t.kind = lx.operator(t)
		t.raw = lx.src[first:lx.pos]
	}
}

// operator takes the longest operator that stands here.
func (lx *lexer) operator(t *token) kind {
	c, second := lx.src[lx.pos], lx.at(1)
	if k := doubles(c, second); k != kindEnd {
		lx.pos += 2
		if k == kindConcat && lx.at(0) == '.' {
			lx.pos++
			return kindDots
		}
		return k
	}
	k := singles[c]
	switch {
	case c == '[' && second == '=':
		lx.fail(t, lx.src[lx.pos:lx.pos+1+equals(lx.src[lx.pos+1:])], "invalid long string delimiter")
	case c == '!' && second == '=':
		lx.fail(t, "!=", "unexpected symbol (not equal is written ~=)")
	case k == kindEnd && (c < ' ' || c > '~'):
		lx.fail(t, fmt.Sprintf(`<\%d>`, c), "unexpected symbol")
	case k == kindEnd:
		lx.fail(t, string(c), "unexpected symbol")
	}
	lx.pos++
	return k
}

// equals counts the = at the beginning.
func equals(text string) int { return len(text) - len(strings.TrimLeft(text, "=")) }

// doubles is the operator of two bytes, kindEnd when there is none.
func doubles(c, second byte) kind {
	switch {
	case c == second:
		switch c {
		case '/':
			return kindFloorDivide
		case '.':
			return kindConcat
		case '=':
			return kindEqual
		case '<':
			return kindShiftLeft
		case '>':
			return kindShiftRight
		case ':':
			return kindDoubleColon
		}
	case second == '=':
		switch c {
		case '<':
			return kindLessEqual
		case '>':
			return kindGreaterEqual
		case '~':
			return kindNotEqual
		}
	}
	return kindEnd
}

// singles is the token of one byte by that byte.
var singles = [256]kind{
	'+': kindPlus, '-': kindMinus, '*': kindStar, '/': kindSlash, '%': kindPercent,
	'^': kindCaret, '#': kindHash, '&': kindAmpersand, '~': kindTilde, '|': kindPipe,
	'<': kindLess, '>': kindGreater, '=': kindAssign, '(': kindOpenParen,
	')': kindCloseParen, '{': kindOpenBrace, '}': kindCloseBrace, '[': kindOpenBracket,
	']': kindCloseBracket, ';': kindSemicolon, ':': kindColon, ',': kindComma, '.': kindDot,
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

func isHexDigit(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
