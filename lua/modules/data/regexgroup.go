package data

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// open reads what begins with a parenthesis.
func (t *translator) open() error {
	if len(t.flags) > maxGroupDepth {
		return errGroupDepth
	}
	t.take("(")
	switch {
	case !strings.HasPrefix(t.rest, "?"):
		return t.capture("")
	case t.take("?P="):
		return t.namedReference()
	case t.take("?#"):
		return t.comment()
	case t.take("?("):
		return t.condition()
	}
	for _, kind := range []string{"?:", "?=", "?!", "?>", "?<=", "?<!"} {
		if t.take(kind) {
			t.out.WriteString("(" + kind)
			t.flags = append(t.flags, *t.now())
			return nil
		}
	}
	if t.take("?P<") || t.take("?<") {
		name, rest, closed := strings.Cut(t.rest, ">")
		if !closed || !isGroupName(name) {
			return errGroupName
		}
		t.rest = rest
		return t.capture(name)
	}
	t.take("?")
	return t.setFlags()
}

func isGroupName(name string) bool {
	for i, r := range name {
		letter := r == '_' || unicode.IsLetter(r)
		if !letter && (i == 0 || !unicode.IsNumber(r) && !strings.ContainsRune(".[]", r)) {
			return false
		}
	}
	return name != ""
}

// capture begins a group that has a number.
func (t *translator) capture(name string) error {
	if name != "" && slices.Contains(t.names, name) {
		return errGroupTwice
	}
	fmt.Fprintf(&t.out, "(?<%d>", len(t.names))
	t.names = append(t.names, name)
	t.flags = append(t.flags, *t.now())
	return nil
}

func (t *translator) namedReference() error {
	name, rest, closed := strings.Cut(t.rest, ")")
	if !closed {
		return errUnclosedGroup
	}
	t.rest = rest
	return t.reference(name)
}

func (t *translator) comment() error {
	_, rest, closed := strings.Cut(t.rest, ")")
	if !closed {
		return errUnclosedGroup
	}
	t.rest = rest
	return nil
}

// condition is (?(1)yes|no) or (?(<name>)yes|no): whether a group has matched.
func (t *translator) condition() error {
	name, rest, closed := strings.Cut(t.rest, ")")
	if !closed {
		return errUnclosedGroup
	}
	name = strings.Trim(name, "<>'")
	number, ok := (&regex{names: t.names}).numberOf(name)
	if !ok {
		return errGroupUnknown
	}
	fmt.Fprintf(&t.out, "(?(%d)", number)
	t.rest = rest
	t.flags = append(t.flags, *t.now())
	return nil
}

// setFlags reads (?flags) and (?flags:...). Those for blanks and for Unicode are
// done with here; the others mean the same in both dialects.
func (t *translator) setFlags() error {
	flags, on, passed := *t.now(), true, ""
	for ; t.rest != "" && t.rest[0] != ')' && t.rest[0] != ':'; t.rest = t.rest[1:] {
		switch c := t.rest[0]; c {
		case '-':
			on = false
			passed += "-"
		case 'x':
			flags.verbose = on
		case 'm':
			flags.multiline = on
			passed += "m"
		case 'i', 's':
			passed += string(c)
		case 'u':
			if !on {
				return errFlag
			}
		case 'P', '<', '\'', '|', '>':
			return errGroupKind
		default:
			return errFlag
		}
	}
	passed = strings.TrimSuffix(passed, "-")
	switch {
	case t.take(":"):
		t.out.WriteString("(?" + passed + ":")
		t.flags = append(t.flags, flags)
	case t.take(")"):
		*t.now() = flags
		if passed != "" {
			t.out.WriteString("(?" + passed + ")")
		}
	default:
		return errUnclosedGroup
	}
	return nil
}
