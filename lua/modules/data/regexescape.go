package data

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// escape reads what begins with a backslash.
func (t *translator) escape(inClass bool) error {
	t.take(`\`)
	if t.rest == "" {
		return errEscapeEnd
	}
	switch c := t.rest[0]; {
	case c == 'x' || c == 'u' || c == 'U':
		return t.code(c)
	case c == 'p' || c == 'P':
		return t.property()
	case c == 'h' || c == 'H':
		return t.hexDigit(c, inClass)
	case strings.IndexByte("dDsSwWafnrtve", c) >= 0:
		t.out.WriteByte('\\')
		t.copy(1)
		return nil
	case c < utf8.RuneSelf && !isWordRune(rune(c)) && c != '<' && c != '>':
		t.take(string(c))
		t.character(rune(c))
		return nil
	case inClass:
		return errEscape
	}
	return t.assertion()
}

// assertion reads the escapes that have no place in a class.
func (t *translator) assertion() error {
	switch c := t.rest[0]; {
	case c >= '1' && c <= '9':
		after := strings.TrimLeft(t.rest, "0123456789")
		number := t.rest[:len(t.rest)-len(after)]
		t.rest = after
		return t.reference(number)
	case c == 'k':
		for _, quotes := range []string{"<>", "{}", "''"} {
			if t.take("k" + quotes[:1]) {
				name, rest, closed := strings.Cut(t.rest, quotes[1:])
				if !closed {
					return errGroupName
				}
				t.rest = rest
				return t.reference(name)
			}
		}
	case strings.HasPrefix(t.rest, "b{"): // the beginning or end of a word alone
	case strings.IndexByte("AzZbBG", c) >= 0:
		t.out.WriteByte('\\')
		t.copy(1)
		return nil
	}
	return errEscape
}

// code reads a character by its number: \x7F, \u007F, \U0000007F, or any of them
// with the digits in braces.
func (t *translator) code(kind byte) error {
	var digits string
	t.rest = t.rest[1:]
	if t.take("{") {
		var closed bool
		if digits, t.rest, closed = strings.Cut(t.rest, "}"); !closed {
			return errCharacterCode
		}
	} else {
		length := map[byte]int{'x': 2, 'u': 4, 'U': 8}[kind]
		if len(t.rest) < length {
			return errCharacterCode
		}
		digits, t.rest = t.rest[:length], t.rest[length:]
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		return errCharacterCode
	}
	t.character(rune(n))
	return nil
}

// property reads \pL, \p{Greek}, \p{^Greek} and \p{Script=Greek}.
func (t *translator) property() error {
	negated := t.rest[0] == 'P'
	t.rest = t.rest[1:]
	name, closed := "", true
	if t.take("{") {
		name, t.rest, closed = strings.Cut(t.rest, "}")
	} else if t.rest != "" {
		name, t.rest = t.rest[:1], t.rest[1:]
	}
	if strings.HasPrefix(name, "^") {
		negated, name = !negated, name[1:]
	}
	if _, v, found := strings.Cut(name, "="); found {
		name = v
	}
	if name == "" || !closed {
		return errEscape
	}
	kind := "p"
	if negated {
		kind = "P"
	}
	fmt.Fprintf(&t.out, `\%s{%s}`, kind, name)
	return nil
}

func (t *translator) hexDigit(c byte, inClass bool) error {
	t.rest = t.rest[1:]
	switch {
	case !inClass && c == 'h':
		t.out.WriteString("[0-9A-Fa-f]")
	case !inClass:
		t.out.WriteString("[^0-9A-Fa-f]")
	case c == 'h':
		t.out.WriteString("0-9A-Fa-f")
	default:
		return errEscape
	}
	return nil
}

// class reads what stands in square brackets.
func (t *translator) class() error {
	t.copy(1)
	if strings.HasPrefix(t.rest, "^") {
		t.copy(1)
	}
	if t.take("]") { // the first of a class is a character
		t.out.WriteString(`\]`)
	}
	for t.rest != "" {
		switch c := t.rest[0]; {
		case c == ']':
			t.copy(1)
			return nil
		case c == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		case c == '[':
			if err := t.namedClass(); err != nil {
				return err
			}
		case strings.HasPrefix(t.rest, "&&"), strings.HasPrefix(t.rest, "--"), strings.HasPrefix(t.rest, "~~"):
			return errClassOperator
		case t.now().verbose && t.skipBlank():
		default:
			_, size := utf8.DecodeRuneInString(t.rest)
			t.copy(size)
		}
	}
	return errUnclosedClass
}

// namedClass reads [:alpha:] and its kind, which stand for characters of ASCII.
func (t *translator) namedClass() error {
	name, rest, closed := strings.Cut(strings.TrimPrefix(t.rest, "[:"), ":]")
	negated := strings.HasPrefix(name, "^")
	ranges, known := asciiClass(strings.TrimPrefix(name, "^"), negated)
	if !strings.HasPrefix(t.rest, "[:") || !closed || !known {
		return errClassInClass
	}
	t.out.WriteString(ranges)
	t.rest = rest
	return nil
}

// asciiClass are the characters of a class as they stand in brackets.
func asciiClass(name string, negated bool) (ranges string, known bool) {
	members := map[string]func(c byte) bool{
		"alnum":  func(c byte) bool { return isWordRune(rune(c)) && c != '_' },
		"alpha":  func(c byte) bool { return isWordRune(rune(c)) && c != '_' && (c < '0' || c > '9') },
		"ascii":  func(byte) bool { return true },
		"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
		"cntrl":  func(c byte) bool { return c < ' ' || c == 0x7F },
		"digit":  func(c byte) bool { return c >= '0' && c <= '9' },
		"graph":  func(c byte) bool { return c > ' ' && c < 0x7F },
		"lower":  func(c byte) bool { return c >= 'a' && c <= 'z' },
		"print":  func(c byte) bool { return c >= ' ' && c < 0x7F },
		"punct":  func(c byte) bool { return c > ' ' && c < 0x7F && (!isWordRune(rune(c)) || c == '_') },
		"space":  func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' },
		"upper":  func(c byte) bool { return c >= 'A' && c <= 'Z' },
		"word":   func(c byte) bool { return isWordRune(rune(c)) },
		"xdigit": func(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 },
	}
	member, known := members[name]
	if !known {
		return "", false
	}
	var out strings.Builder
	for c := byte(0); c < utf8.RuneSelf; c++ {
		if member(c) != negated {
			fmt.Fprintf(&out, `\x%02X`, c)
		}
	}
	if negated {
		out.WriteString("\u0080-\U0010FFFF")
	}
	return out.String(), true
}
