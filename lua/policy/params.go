package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/keysource"
	"github.com/troupe-proxy/troupe/internal/suggest"
	"github.com/troupe-proxy/troupe/lua/duration"
)

// decoder reads the parameter table of one call. It does not stop at the first
// mistake: an operator who mends a policy wants to know them all.
type decoder struct {
	mistakes
	at       Position
	function string
	// places has the lines of the keys; it is asked at a mistake only. Nil when
	// there is no file.
	places func() literal
	// loader reads key sources later. Nil when there is no file.
	loader *keysource.Loader
}

// reader takes the value of one key.
type reader func(d *decoder, key string, v lua.LValue)

// field is one known key. The order of fields is the order in messages.
type field struct {
	name     string
	required bool
	read     reader
}

// fail records a mistake about a key; the message begins with the key, if any.
func (d *decoder) fail(key, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if key != "" {
		message = key + ": " + message
	}
	d.failBare(key, message)
}

// failBare records a mistake whose message names the key by itself, or is about no key.
func (d *decoder) failBare(key, message string) {
	at, seq := d.at, -1
	if d.places != nil {
		if p, ok := d.places()[key]; ok {
			at.Line, seq = p.line, p.seq
		}
	}
	d.add(&Error{Position: at, Function: d.function, Key: key, Msg: message}, seq)
}

// failed says whether there is a mistake about a key, in which case its value is
// not what the policy says.
func (d *decoder) failed(key string) bool {
	return slices.ContainsFunc(d.list, func(m mistake) bool { return m.err.Key == key })
}

// expected records a value of the wrong type or form; why may be empty.
func (d *decoder) expected(key, what string, v lua.LValue, why string) {
	if why != "" {
		why = " (" + why + ")"
	}
	d.fail(key, "expected %s, got %s%s", what, describe(v), why)
}

// table reads the known fields of a table and refuses all other keys.
func (d *decoder) table(prefix string, t *lua.LTable, fields []field) {
	d.unknown(prefix, t, fields)
	for _, f := range fields {
		key := joinKey(prefix, f.name)
		switch v := t.RawGetString(f.name); {
		case v != lua.LNil:
			f.read(d, key, v)
		case f.required:
			d.add(&Error{Position: d.at, Function: d.function, Key: key, Msg: "missing key '" + key + "'"}, -1)
		}
	}
}

func (d *decoder) unknown(prefix string, t *lua.LTable, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	known := " (known keys: " + strings.Join(names, ", ") + ")"
	where := ""
	if prefix != "" {
		where = prefix + ": "
	}
	for _, k := range sortedKeys(t) {
		switch name := k.(type) {
		case lua.LString:
			if slices.Contains(names, string(name)) {
				continue
			}
			clause := suggest.Hint(string(name), names)
			d.failBare(joinKey(prefix, string(name)), where+"unknown key "+quoteKey(string(name))+clause+known)
		case lua.LNumber:
			d.failBare(indexKey(prefix, int(name)), where+"a value without a key (number "+k.String()+")"+known)
		default:
			d.failBare(prefix, where+"a key that is not a string but a "+k.Type().String()+known)
		}
	}
}

// sortedKeys brings the keys of a table, which have no order, into one, so that
// the same mistakes give the same message.
func sortedKeys(t *lua.LTable) []lua.LValue {
	var keys []lua.LValue
	t.ForEach(func(k, _ lua.LValue) { keys = append(keys, k) })
	slices.SortFunc(keys, func(a, b lua.LValue) int {
		na, aNumber := a.(lua.LNumber)
		nb, bNumber := b.(lua.LNumber)
		if aNumber && bNumber && na != nb {
			if na < nb {
				return -1
			}
			return 1
		}
		return strings.Compare(a.String(), b.String())
	})
	return keys
}

func boolInto(p *bool) reader {
	return func(d *decoder, key string, v lua.LValue) {
		b, ok := v.(lua.LBool)
		if !ok {
			d.expected(key, "true or false", v, "")
			return
		}
		*p = bool(b)
	}
}

func nameInto(p *string) reader {
	return func(d *decoder, key string, v lua.LValue) {
		s, ok := v.(lua.LString)
		if !ok || s == "" {
			d.expected(key, "a name such as 'proxy.example.com'", v, "")
			return
		}
		*p = string(s)
	}
}

func addressInto(p *string) reader {
	return func(d *decoder, key string, v lua.LValue) {
		s, ok := v.(lua.LString)
		if !ok {
			d.expected(key, addressForm, v, "")
			return
		}
		d.address(key, string(s))
		*p = string(s)
	}
}

const addressForm = "host:port such as '127.0.0.1:1080' or '[::1]:1080'"

func (d *decoder) address(key, text string) {
	if _, _, err := checkAddress(text); err != nil {
		d.fail(key, "expected %s, got %s (%v)", addressForm, quote(text), err)
	}
}

// durationInto reads a duration and holds it to a range, after it has been cut off
// to whole multiples of step, as KumoMTA does.
func durationInto(p *time.Duration, low, high, step time.Duration) reader {
	return func(d *decoder, key string, v lua.LValue) {
		const form = "a duration such as 30, '30s' or '1m 30s'"
		value, err := duration.FromLua(v)
		if bad, ok := errors.AsType[*duration.Error](err); ok {
			why := bad.Why()
			if bad.Reason == duration.NotADuration {
				why = ""
			}
			d.expected(key, form, v, why)
			return
		}
		value = value.Truncate(step)
		if what := checkDuration(value, low, high, step); what != "" {
			d.expected(key, what, v, "")
			return
		}
		*p = value
	}
}

// checkDuration says what was expected, or "" when the value is in range.
func checkDuration(value, low, high, step time.Duration) string {
	if value >= low && value <= high {
		return ""
	}
	whole := "a duration"
	if step == time.Second {
		whole = "whole seconds"
	}
	if high == math.MaxInt64 {
		return fmt.Sprintf("%s of at least %s", whole, duration.Format(low))
	}
	return fmt.Sprintf("%s between %s and %s", whole, brief(low, step), brief(high, step))
}

// brief prefers seconds where whole seconds were asked for: nobody knows
// 9h 6m 7s as the 32767 seconds of the kernel.
func brief(d, step time.Duration) string {
	if step == time.Second {
		return strconv.FormatInt(int64(d/time.Second), 10)
	}
	return duration.Format(d)
}

// largestWhole is the largest number up to which a Lua number holds every whole
// one. As an upper bound it means none.
const largestWhole int64 = 1 << 53

func wholeInto[T int | int64](p *T, low, high T) reader {
	return func(d *decoder, key string, v lua.LValue) {
		n, ok := v.(lua.LNumber)
		if f := float64(n); !ok || f != math.Trunc(f) || f < float64(low) || f > float64(high) {
			what := fmt.Sprintf("a whole number between %d and %d", low, high)
			if int64(high) == largestWhole {
				what = fmt.Sprintf("a whole number of at least %d", low)
			}
			d.expected(key, what, v, "")
			return
		}
		*p = T(n)
	}
}

func tableInto(example string, fields []field) reader {
	return func(d *decoder, key string, v lua.LValue) {
		t, ok := v.(*lua.LTable)
		if !ok {
			d.expected(key, "a table such as "+example, v, "")
			return
		}
		d.table(key, t, fields)
	}
}

// describe shows a value in a message. Callers that read secrets do not use it.
func describe(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return quote(string(v))
	case lua.LNumber:
		return v.String()
	}
	return v.Type().String()
}

// quote is the text in double quotes, cut when it is long.
func quote(text string) string { return strconv.Quote(cut(text)) }

// quoteKey is a key in single quotes, cut when it is long.
func quoteKey(name string) string { return "'" + strings.Trim(strconv.Quote(cut(name)), `"`) + "'" }

func cut(text string) string {
	const limit = 60
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
