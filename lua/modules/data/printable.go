package data

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// printable checks that a text format can hold plain Go of at most so many values,
// and that its text will not be much longer than a result may be: one long string
// may stand in a table a million times.
func printable(v any, most int) error {
	w := weighing{most: most}
	if err := w.weigh(v); err != nil {
		return err
	}
	return nil
}

type weighing struct{ bytes, values, most int }

// unprintable says what in a value no text format can hold.
type unprintable struct{ path, why string }

func (e *unprintable) Error() string {
	if e.path == "" {
		return e.why
	}
	return "at " + e.path + ": " + e.why
}

func (w *weighing) weigh(v any) *unprintable {
	if w.values++; w.values > w.most {
		return &unprintable{why: fmt.Sprintf("more than %d values", w.most)}
	}
	switch v := v.(type) {
	case string:
		return w.text(v)
	case []any:
		for i, element := range v {
			if err := w.weigh(element); err != nil {
				err.path = "[" + strconv.Itoa(i+1) + "]" + err.path
				return err
			}
		}
	case map[string]any:
		for name, element := range v {
			if err := w.text(name); err != nil {
				return err
			}
			if err := w.weigh(element); err != nil {
				err.path = fmt.Sprintf("[%.60q]", name) + err.path
				return err
			}
		}
	}
	return nil
}

func (w *weighing) text(s string) *unprintable {
	if w.bytes += len(s); w.bytes > maxBytes {
		return &unprintable{why: fmt.Sprintf("the text would be longer than %d MiB", maxBytes>>20)}
	}
	if !utf8.ValidString(s) {
		return &unprintable{why: "a string is not UTF-8"}
	}
	return nil
}
