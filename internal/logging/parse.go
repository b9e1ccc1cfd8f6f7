package logging

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The three ways a directive can be wrong; see FilterError.
var (
	ErrLevel  = errors.New("invalid level")
	ErrTarget = errors.New("invalid target")
	ErrSpan   = errors.New("invalid span")
)

// FilterError is what ParseFilter returns: the directive that is wrong, the
// part of it that is, and why. errors.Is finds the reason.
type FilterError struct {
	Directive string
	Part      string
	Reason    error // ErrLevel, ErrTarget or ErrSpan
	// Meant is the level that a target without one was probably meant to be.
	Meant string
}

func (e *FilterError) Error() string {
	if e.Meant != "" {
		return fmt.Sprintf("parsing log filter '%s': '%s' is no level: did you mean %s? The target of that name is '%s=trace'",
			e.Directive, e.Part, e.Meant, e.Part)
	}
	return fmt.Sprintf("parsing log filter '%s': %v '%s', expected %s",
		escaped(e.Directive), e.Reason, escaped(e.Part), expected(e.Reason))
}

func (e *FilterError) Unwrap() error { return e.Reason }

func expected(reason error) string {
	switch {
	case errors.Is(reason, ErrLevel):
		return "off, error, warn, info, debug, trace or 0 to 5"
	case errors.Is(reason, ErrSpan):
		return "[name], [{field=value}] or [name{field=value}]"
	}
	return "letters, digits, '_', '-' and ':'"
}

// ParseFilter reads a filter in the grammar of tracing's EnvFilter: directives
// parted by commas, each
//
//	target[span{field=value}]=level
//
// of which every part may be missing. A level alone is the global level; a
// target without a level has all of them, unless it looks like a level with a
// mistake in it: that would silence all others, errors included. Empty directives and white space
// around directives are skipped, so that the empty string turns everything off.
//
// Nothing in this process runs in a span. A directive with a span or fields is
// accepted, for the sake of filters written elsewhere, but never holds, so it
// isn't kept.
//
// The error is a *FilterError.
func ParseFilter(s string) (Filter, error) {
	var f Filter
	for s != "" {
		var text string
		text, s = cutDirective(s)
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if level, ok := parseVerbosity(text); ok {
			f.global = level
			continue
		}
		d, inSpan, err := parseDirective(text)
		if err != nil {
			return Filter{}, err
		}
		if !inSpan {
			f.set(d)
		}
	}
	return f, nil
}

// cutDirective cuts s at the first comma that is not between brackets: fields
// are parted by commas too.
func cutDirective(s string) (first, rest string) {
	bracket := false
	for i := range len(s) {
		switch s[i] {
		case '[':
			bracket = true
		case ']':
			bracket = false
		case ',':
			if !bracket {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}

func parseDirective(s string) (d directive, inSpan bool, err error) {
	target, span, level := s, "", ""
	if i := strings.IndexAny(s, "[="); i >= 0 {
		target, level = s[:i], s[i:]
	}
	if strings.HasPrefix(level, "[") {
		i := strings.IndexByte(level, ']')
		if i < 0 || !validSpan(level[1:i]) || i+1 < len(level) && level[i+1] != '=' {
			return directive{}, false, &FilterError{Directive: s, Part: level, Reason: ErrSpan}
		}
		span, level = level[:i+1], level[i+1:]
	}
	if !validTarget(target) && (target != "" || span == "") {
		return directive{}, false, &FilterError{Directive: s, Part: target, Reason: ErrTarget}
	}
	if target == s && !strings.Contains(s, "::") {
		if meant := misspelt(s); meant != "" {
			return directive{}, false, &FilterError{Directive: s, Part: s, Reason: ErrLevel, Meant: meant}
		}
	}
	d = directive{target: target, level: verbosityTrace}
	level = strings.TrimPrefix(level, "=")
	if level != "" {
		var ok bool
		if d.level, ok = parseVerbosity(level); !ok {
			return directive{}, false, &FilterError{Directive: s, Part: level, Reason: ErrLevel}
		}
	}
	return d, span != "", nil
}

func validTarget(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-:", r) {
			return false
		}
	}
	return s != ""
}

// validSpan checks what stands between the brackets no further than that the
// braces are in place: what the fields say could never matter.
func validSpan(s string) bool {
	name, fields, braced := strings.Cut(s, "{")
	if strings.ContainsAny(name, "}[") {
		return false
	}
	return !braced || strings.IndexByte(fields, '}') == len(fields)-1 && fields != ""
}
