package data

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxGroupDepth is how deep groups may stand in one another, as in the crate regex.
const maxGroupDepth = 250

// translated is a pattern in the dialect of regexp2, which is that of .NET.
type translated struct {
	pattern string
	names   []string // of the groups, by number
}

// What is wrong with a pattern before regexp2 sees it.
var (
	errUnclosedGroup  = errors.New("missing closing )")
	errUnopenedGroup  = errors.New("unexpected )")
	errUnclosedClass  = errors.New("missing closing ]")
	errClassInClass   = errors.New("a class inside a class is not supported; write \\[ for the character")
	errClassOperator  = errors.New("the class operators &&, -- and ~~ are not supported")
	errGroupDepth     = fmt.Errorf("more than %d groups inside one another", maxGroupDepth)
	errGroupKind      = errors.New("unknown kind of group after (?")
	errGroupName      = errors.New("a group name consists of letters, digits and _ . [ ], the first a letter or _")
	errGroupTwice     = errors.New("two groups have the same name")
	errGroupUnknown   = errors.New("no group with that name stands before the reference")
	errFlag           = errors.New("unknown flag; expected i, m, s, x or u")
	errEscapeEnd      = errors.New("a backslash at the end")
	errEscape         = errors.New("unknown escape")
	errCharacterCode  = errors.New("not the code of a character")
	errRepetition     = errors.New("a { that begins no repetition; write \\{ for the character")
	errPatternNotUTF8 = errors.New("not UTF-8")
)

// translator goes over a pattern once. What the two dialects share it copies; it
// numbers the groups itself, since .NET counts those without a name first; and it
// refuses what .NET would take for something else.
type translator struct {
	rest  string
	out   strings.Builder
	names []string
	flags []patternFlags // of the groups that are open; the last counts
}

type patternFlags struct{ verbose, multiline bool }

func translate(pattern string) (translated, error) {
	if !utf8.ValidString(pattern) {
		return translated{}, errPatternNotUTF8
	}
	t := translator{rest: pattern, names: []string{""}, flags: []patternFlags{{}}}
	for t.rest != "" {
		if err := t.step(); err != nil {
			return translated{}, err
		}
	}
	if len(t.flags) > 1 {
		return translated{}, errUnclosedGroup
	}
	return translated{pattern: t.out.String(), names: t.names}, nil
}

func (t *translator) now() *patternFlags { return &t.flags[len(t.flags)-1] }

// take removes a prefix if it is there.
func (t *translator) take(prefix string) bool {
	if !strings.HasPrefix(t.rest, prefix) {
		return false
	}
	t.rest = t.rest[len(prefix):]
	return true
}

// copy passes n bytes on unchanged.
func (t *translator) copy(n int) {
	t.out.WriteString(t.rest[:n])
	t.rest = t.rest[n:]
}

func (t *translator) step() error {
	switch c := t.rest[0]; {
	case c == '\\':
		return t.escape(false)
	case c == '[':
		return t.class()
	case c == '(':
		return t.open()
	case c == ')':
		if len(t.flags) == 1 {
			return errUnopenedGroup
		}
		t.flags = t.flags[:len(t.flags)-1]
		t.copy(1)
	case c == '$' && !t.now().multiline:
		// In .NET it would match before a last line break too.
		t.take("$")
		t.out.WriteString(`\z`)
	case c == '{':
		return t.repetition()
	case t.now().verbose && t.skipBlank():
	default:
		_, size := utf8.DecodeRuneInString(t.rest)
		t.copy(size)
	}
	return nil
}

// skipBlank drops a blank or a comment, which mean nothing with the flag x.
func (t *translator) skipBlank() bool {
	switch t.rest[0] {
	case '#':
		_, t.rest, _ = strings.Cut(t.rest, "\n")
		return true
	case ' ', '\t', '\n', '\r', '\v', '\f':
		t.rest = t.rest[1:]
		return true
	}
	return false
}

func (t *translator) repetition() error {
	bounds, _, closed := strings.Cut(t.rest[1:], "}")
	low, high, _ := strings.Cut(bounds, ",")
	if _, err := strconv.ParseUint(low, 10, 31); err != nil || !closed {
		return errRepetition
	}
	if _, err := strconv.ParseUint(high, 10, 31); err != nil && high != "" {
		return errRepetition
	}
	t.copy(len(bounds) + 2)
	return nil
}

// reference writes a reference to a group by its number.
func (t *translator) reference(name string) error {
	number, ok := (&regex{names: t.names}).numberOf(name)
	if !ok {
		return errGroupUnknown
	}
	fmt.Fprintf(&t.out, `\k<%d>`, number)
	return nil
}

// numberOf is the number of a group by its name or number.
func (r *regex) numberOf(name string) (number int, ok bool) {
	if number, err := strconv.Atoi(name); err == nil {
		return number, number >= 0 && number < len(r.names)
	}
	number = slices.Index(r.names, name)
	return number, number > 0
}

// character writes one character as itself.
func (t *translator) character(r rune) {
	if r < utf8.RuneSelf && !isWordRune(r) {
		fmt.Fprintf(&t.out, `\x%02X`, r)
		return
	}
	t.out.WriteRune(r)
}
