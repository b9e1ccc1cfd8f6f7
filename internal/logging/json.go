package logging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonFormat is one object a record:
//
//	{"timestamp":"…","level":"INFO","fields":{"message":"…","key":"value"},"target":"…"}
//
// Two attributes of one name are both written, as slog's own handler does.
type jsonFormat struct{}

func (jsonFormat) head(b []byte, e event) []byte {
	b = append(b, '{')
	if !e.when.IsZero() {
		b = append(b, `"timestamp":"`...)
		b = e.when.UTC().AppendFormat(b, stamp)
		b = append(b, `",`...)
	}
	b = append(b, `"level":"`...)
	b = append(b, levelName(e.level)...)
	b = append(b, `","fields":{"message":`...)
	return appendJSONString(b, e.message)
}

func (f jsonFormat) attr(b []byte, prefix string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		return f.group(b, prefix, a.Key, v.Group())
	}
	if a.Key == "" && v.Equal(slog.Value{}) {
		return b
	}
	b = append(appendJSONString(comma(b), a.Key), ':')
	return appendJSONValue(b, v)
}

func (f jsonFormat) group(b []byte, prefix, name string, members []slog.Attr) []byte {
	mark := len(b)
	if name != "" {
		b = f.open(b, name)
	}
	empty := len(b)
	for _, a := range members {
		b = f.attr(b, prefix, a)
	}
	if len(b) == empty {
		return b[:mark]
	}
	if name != "" {
		b = f.close(b)
	}
	return b
}

func (jsonFormat) open(b []byte, group string) []byte {
	return append(appendJSONString(comma(b), group), ":{"...)
}

func (jsonFormat) close(b []byte) []byte { return append(b, '}') }

func (jsonFormat) tail(b []byte, e event) []byte {
	b = append(b, '}')
	if e.target != "" {
		b = appendJSONString(append(b, `,"target":`...), e.target)
	}
	return append(b, "}\n"...)
}

// comma parts two members. Attributes rendered ahead start with an empty b,
// and will stand behind the message.
func comma(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] == '{' {
		return b
	}
	return append(b, ',')
}

func appendJSONValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindFloat64:
		if x := v.Float64(); !math.IsNaN(x) && !math.IsInf(x, 0) {
			return strconv.AppendFloat(b, x, 'g', -1, 64)
		}
	case slog.KindTime:
		return appendJSONString(b, v.Time().UTC().Format(time.RFC3339Nano))
	case slog.KindAny:
		return appendJSONAny(b, v)
	}
	return appendJSONString(b, v.String())
}

// appendJSONAny lets a value that is no error and no bytes say itself what it
// is in JSON; one that can't is written in words.
func appendJSONAny(b []byte, v slog.Value) []byte {
	switch v.Any().(type) {
	case error, []byte:
		return appendJSONString(b, valueText(v))
	}
	encoded, err := marshal(v.Any())
	if err != nil {
		return appendJSONString(b, valueText(v))
	}
	// What can't be printed stands in strings alone, so it can be escaped there.
	for _, r := range string(encoded) {
		b = appendJSONRune(b, r)
	}
	return b
}

// marshal is json.Marshal but for a panic in x's own methods, which is an error
// here, and for <, > and &, which are no danger in a log.
func marshal(x any) (encoded []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("marshalling %T: %v", x, p)
		}
	}()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(x); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// appendJSONString appends s as RFC 8259 section 7 has it, and escapes what
// can't be printed too, for those who look at it on a terminal. What is no
// UTF-8 becomes U+FFFD.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch r {
		case '"', '\\':
			b = append(b, '\\', byte(r))
		case '\n':
			b = append(b, `\n`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = appendJSONRune(b, r)
		}
	}
	return append(b, '"')
}

func appendJSONRune(b []byte, r rune) []byte {
	switch {
	case unicode.IsPrint(r):
		return utf8.AppendRune(b, r)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return appendUnicode(appendUnicode(b, high), low)
	}
	return appendUnicode(b, r)
}

func appendUnicode(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexDigit(byte(r>>12)), hexDigit(byte(r>>8)), hexDigit(byte(r>>4)), hexDigit(byte(r)))
}
