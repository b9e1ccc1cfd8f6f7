package access

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-proxy/troupe/internal/suggest"
)

// decoder reads rules out of plain values: maps, slices, texts, booleans. It does
// not stop at the first mistake: whoever mends a file wants to know them all.
type decoder struct {
	problems []Problem
	// line finds that of a key; nil when there is no file.
	line func(key string) int
}

func (d *decoder) fail(key, format string, args ...any) {
	p := Problem{Key: key, Why: fmt.Sprintf(format, args...)}
	if d.line != nil {
		p.Line = d.line(key)
	}
	d.problems = append(d.problems, p)
}

func (d *decoder) expected(key, what string, v any) {
	d.fail(key, "expected %s, got %s", what, shown(v))
}

// err is nil when there was no mistake.
func (d *decoder) err(name string) error {
	if len(d.problems) == 0 {
		return nil
	}
	if d.line != nil {
		slices.SortStableFunc(d.problems, func(a, b Problem) int { return a.Line - b.Line })
	}
	if more := len(d.problems) - mostProblems; more > 0 {
		d.problems = append(d.problems[:mostProblems], Problem{Why: fmt.Sprintf("and %d more mistakes", more)})
	}
	return &Problems{Name: name, List: d.problems}
}

// object is v as a map whose keys are all known, or nil and a mistake. An empty
// table of Lua may be either kind.
func (d *decoder) object(key string, v any, what string, known ...string) map[string]any {
	if list, isList := v.([]any); isList && len(list) == 0 {
		return map[string]any{}
	}
	m, ok := v.(map[string]any)
	if !ok {
		d.expected(key, what, v)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(known, name) {
			d.fail(join(key, name), "unknown key%s; expected %s", suggest.Hint(name, known), strings.Join(known, ", "))
			ok = false
		}
	}
	if !ok {
		return nil
	}
	return m
}

func (d *decoder) list(key string, v any, what string) (list []any, ok bool) {
	if m, isMap := v.(map[string]any); isMap && len(m) == 0 {
		return nil, true
	}
	list, ok = v.([]any)
	if !ok {
		d.expected(key, what, v)
	}
	return list, ok
}

// name is a text that is not empty.
func (d *decoder) name(key string, v any, what string) string {
	text, ok := v.(string)
	if !ok || text == "" {
		d.expected(key, what, v)
	}
	return text
}

// join is the path to a key in a map, written as in TOML.
func join(path, name string) string {
	bare := name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
	if !bare {
		name = strconv.Quote(cut(name))
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// index is the path to an element of a list, counted from one.
func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i+1) }

func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return strconv.Quote(cut(v))
	case bool, int64, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "another kind of value"
}

func cut(text string) string {
	const limit = 60
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
