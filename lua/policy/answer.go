package policy

import (
	"fmt"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// What an answer may hold at most: it is kept for as long as the session.
const (
	mostAnswers   = 256  // entries of one list
	longestAnswer = 1024 // bytes of one text
)

// answerReader reads the table that a handler returned. It keeps the first
// mistake. What a handler that knows a password returns does not get into
// messages, only its type and length: it may be the password.
type answerReader struct{ err error }

func (r *answerReader) fail(message string) {
	if r.err == nil {
		r.err = &errAnswer{message}
	}
}

func (r *answerReader) expected(key, what string, v lua.LValue) {
	r.fail(fmt.Sprintf("%s: expected %s, got %s", key, what, v.Type()))
}

// entry is one value of a list and its name in messages.
type entry struct {
	name  string
	value lua.LValue
}

// list reads an array, absent or not.
func (r *answerReader) list(t *lua.LTable, key string) []entry {
	switch v := t.RawGetString(key).(type) {
	case *lua.LNilType:
	case *lua.LTable:
		if v.Len() > mostAnswers {
			r.fail(fmt.Sprintf("%s: expected at most %d entries, got %d", key, mostAnswers, v.Len()))
			return nil
		}
		all := make([]entry, v.Len())
		for i := range all {
			all[i] = entry{indexKey(key, i+1), v.RawGetInt(i + 1)}
		}
		return all
	default:
		r.expected(key, "an array", v)
	}
	return nil
}

func (r *answerReader) texts(t *lua.LTable, key string) []string {
	var all []string
	for _, e := range r.list(t, key) {
		all = append(all, r.checked(e.name, e.value))
	}
	return all
}

// text reads a text that must be there, in a table that has a name.
func (r *answerReader) text(t *lua.LTable, key, table string) string {
	return r.checked(joinKey(table, key), t.RawGetString(key))
}

// textOrNil reads a text that may be absent.
func (r *answerReader) textOrNil(t *lua.LTable, key string) string {
	v := t.RawGetString(key)
	if v == lua.LNil {
		return ""
	}
	return r.checked(key, v)
}

func (r *answerReader) checked(name string, v lua.LValue) string {
	text, ok := v.(lua.LString)
	switch {
	case !ok:
		r.expected(name, "a text", v)
	case len(text) > longestAnswer:
		r.fail(fmt.Sprintf("%s: expected at most %d bytes, got %d", name, longestAnswer, len(text)))
		return ""
	case !utf8.ValidString(string(text)):
		r.fail(name + ": expected a text in UTF-8")
	}
	return string(text)
}
