package data

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func regexSetModule() spec.Module {
	return module("kumo.regex_set_map", "Maps from regular expressions to values.", []function{
		newLookup("new", "Makes a map by regular expression. The expressions are of the kind that take time in proportion to what they look at: without look-around and references to groups.",
			regexKind, func() table { return &regexTable{} }),
	}, regexKind.spec())
}

// regexTable tries its expressions one after the other. The engine of Go neither
// backtracks nor holds anything that changes, so that states can share one.
type regexTable struct{ rules []rule }

type rule struct {
	pattern string
	expr    *regexp.Regexp
	value   any
}

const (
	maxSetSubject = 64 << 10 // bytes of a key that is looked up
	maxSetPattern = 4 << 10  // bytes of one expression
)

var (
	errLongSubject = fmt.Errorf("longer than %d KiB", maxSetSubject>>10)
	errLongPattern = fmt.Errorf("longer than %d KiB", maxSetPattern>>10)
)

func (t *regexTable) clone() table { return &regexTable{slices.Clone(t.rules)} }

func (t *regexTable) get(key string) (v any, found bool, err error) {
	if len(key) > maxSetSubject {
		return nil, false, errLongSubject
	}
	for _, r := range t.rules {
		if r.expr.MatchString(key) {
			return r.value, true, nil
		}
	}
	return nil, false, nil
}

func (t *regexTable) set(pattern string, v any) error {
	if len(pattern) > maxSetPattern {
		return errLongPattern
	}
	// It knows what Go would take for something else than the crate regex does.
	if _, err := translate(pattern); err != nil {
		return err
	}
	expr, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	// A Lua table has no order, but an answer must not depend on chance.
	i, _ := slices.BinarySearchFunc(t.rules, pattern, func(r rule, p string) int { return strings.Compare(r.pattern, p) })
	t.rules = slices.Insert(t.rules, i, rule{pattern, expr, v})
	return nil
}
