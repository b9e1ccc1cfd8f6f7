package data

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-proxy/troupe/lua/value"
)

// tomlStyle is how tables are laid out. In each style the keys are in order.
type tomlStyle struct {
	longLists   bool // an element on each line
	inlineEmpty bool // an empty table is {} among the values, not a heading
}

var (
	errNilInTOML  = errors.New("TOML has no nil; a list has a gap")
	errLongTOML   = errors.New("the text would be longer than 16 MiB")
	errNoTableTop = errors.New("expected a table with names as keys")
)

// toml is an argument as TOML.
func (c *call) toml(n int, style tomlStyle) string {
	fields, ok := c.plain(n, value.MaxValues).(map[string]any)
	if !ok {
		c.bad(n, "%s", errNoTableTop)
	}
	w := tomlWriter{style: style}
	if err := w.table("", fields); err != nil {
		c.bad(n, "%s", err)
	}
	return w.out.String()
}

// tomlWriter writes one document: of each table first the values, then what gets
// a heading.
type tomlWriter struct {
	style tomlStyle
	out   strings.Builder
}

func (w *tomlWriter) table(path string, fields map[string]any) error {
	names := slices.Sorted(maps.Keys(fields))
	for _, name := range names {
		if w.isInline(fields[name]) {
			w.out.WriteString(tomlKey(name) + " = ")
			if err := w.value(fields[name]); err != nil {
				return err
			}
			w.out.WriteByte('\n')
		}
	}
	for _, name := range names {
		if w.isInline(fields[name]) {
			continue
		}
		if err := w.headed(strings.TrimPrefix(path+"."+tomlKey(name), "."), fields[name]); err != nil {
			return err
		}
	}
	return nil
}

// isInline says that v stands behind an equals sign.
func (w *tomlWriter) isInline(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return w.style.inlineEmpty && len(v) == 0
	case []any:
		for _, element := range v {
			if _, isTable := element.(map[string]any); !isTable {
				return true
			}
		}
		return len(v) == 0
	}
	return true
}

// headed writes a table, or each table of a list, below a heading.
func (w *tomlWriter) headed(path string, v any) error {
	if fields, ok := v.(map[string]any); ok {
		// A table with nothing but tables exists by their headings.
		if len(fields) == 0 || w.hasValues(fields) {
			if err := w.heading("[" + path + "]\n"); err != nil {
				return err
			}
		}
		return w.table(path, fields)
	}
	for _, element := range v.([]any) {
		if err := w.heading("[[" + path + "]]\n"); err != nil {
			return err
		}
		if err := w.table(path, element.(map[string]any)); err != nil {
			return err
		}
	}
	return nil
}

func (w *tomlWriter) hasValues(fields map[string]any) bool {
	for _, v := range fields {
		if w.isInline(v) {
			return true
		}
	}
	return false
}

// heading repeats the whole path, so that deep tables with long names can make a
// text much longer than their value.
func (w *tomlWriter) heading(line string) error {
	if w.out.Len() > 0 {
		w.out.WriteByte('\n')
	}
	w.out.WriteString(line)
	if w.out.Len() > maxBytes {
		return errLongTOML
	}
	return nil
}

func (w *tomlWriter) value(v any) error {
	switch v := v.(type) {
	case bool:
		w.out.WriteString(strconv.FormatBool(v))
	case int64:
		w.out.WriteString(strconv.FormatInt(v, 10))
	case float64:
		w.out.WriteString(tomlFloat(v))
	case string:
		w.out.WriteString(tomlQuote(v))
	case []any:
		return w.list(v)
	case map[string]any:
		return w.inlineTable(v)
	default:
		return errNilInTOML
	}
	return nil
}

func (w *tomlWriter) list(list []any) error {
	before, between, after := "[", ", ", "]"
	if w.style.longLists && len(list) > 1 {
		before, between, after = "[\n    ", ",\n    ", ",\n]"
	}
	w.out.WriteString(before)
	for i, element := range list {
		if i > 0 {
			w.out.WriteString(between)
		}
		if err := w.value(element); err != nil {
			return err
		}
	}
	w.out.WriteString(after)
	return nil
}

// inlineTable stands on one line, as the grammar of TOML 1.0 wants it; a list in
// it may still take several.
func (w *tomlWriter) inlineTable(fields map[string]any) error {
	if len(fields) == 0 {
		w.out.WriteString("{}")
		return nil
	}
	between := "{ "
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		w.out.WriteString(between + tomlKey(name) + " = ")
		if err := w.value(fields[name]); err != nil {
			return err
		}
		between = ", "
	}
	w.out.WriteString(" }")
	return nil
}

func tomlFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

func tomlKey(name string) string {
	for _, c := range []byte(name) {
		bare := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
		if !bare {
			return tomlQuote(name)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}

// tomlQuote is a basic string (TOML 1.0, section String).
func tomlQuote(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			out.WriteString(`\u00` + string("0123456789ABCDEF"[r>>4]) + string("0123456789ABCDEF"[r&15]))
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
