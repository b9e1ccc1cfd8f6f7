package logging

import (
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// textFormat is one line a record:
//
//	2026-08-05T10:11:12.123456Z  INFO proxy_server::mod_proxy: message key=value key2="quoted value"
//
// With no attributes nothing follows the message: KumoMTA's test harness takes
// the last word of "proxy listener on 127.0.0.1:1080" for the address.
type textFormat struct {
	color bool
}

// ANSI escapes, ECMA-48 section 8.3.117 (SGR).
const (
	ansiReset  = "\x1b[0m"
	ansiDim    = "\x1b[2m"
	ansiRed    = "\x1b[31m"
	ansiGreen  = "\x1b[32m"
	ansiYellow = "\x1b[33m"
	ansiBlue   = "\x1b[34m"
	ansiPurple = "\x1b[35m"
)

func (f textFormat) head(b []byte, e event) []byte {
	if !e.when.IsZero() {
		b = f.paint(b, ansiDim)
		b = e.when.UTC().AppendFormat(b, stamp)
		b = append(f.paint(b, ansiReset), ' ')
	}
	name := levelName(e.level)
	b = f.paint(b, levelColor(e.level))
	b = append(b, "     "[len(name):]...)
	b = append(b, name...)
	b = append(f.paint(b, ansiReset), ' ')
	if e.target != "" {
		b = appendEscaped(f.paint(b, ansiDim), e.target)
		b = append(b, ':')
		b = append(f.paint(b, ansiReset), ' ')
	}
	return appendEscaped(b, e.message)
}

func (f textFormat) attr(b []byte, prefix string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range v.Group() {
			b = f.attr(b, prefix, member)
		}
		return b
	}
	if a.Key == "" && v.Equal(slog.Value{}) {
		return b
	}
	b = appendWord(append(b, ' '), prefix+a.Key)
	return appendTextValue(append(b, '='), v)
}

func (textFormat) open(b []byte, _ string) []byte { return b }

func (textFormat) close(b []byte) []byte { return b }

func (textFormat) tail(b []byte, _ event) []byte { return append(b, '\n') }

func (f textFormat) paint(b []byte, escape string) []byte {
	if !f.color {
		return b
	}
	return append(b, escape...)
}

func levelColor(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return ansiRed
	case l >= slog.LevelWarn:
		return ansiYellow
	case l >= slog.LevelInfo:
		return ansiGreen
	case l >= slog.LevelDebug:
		return ansiBlue
	}
	return ansiPurple
}

// prettyFormat adds to each line where it was logged, and an empty line.
type prettyFormat struct {
	textFormat
}

func (f prettyFormat) head(b []byte, e event) []byte {
	return f.textFormat.head(append(b, "  "...), e)
}

func (prettyFormat) tail(b []byte, e event) []byte {
	b = append(b, '\n')
	if e.pc != 0 {
		frame, _ := runtime.CallersFrames([]uintptr{e.pc}).Next()
		b = append(b, "    at "...)
		b = append(b, lastTwo(frame.File)...)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(frame.Line), 10)
		b = append(b, '\n')
	}
	return append(b, '\n')
}

// lastTwo is the file and its directory: the rest is about the machine the
// program was built on.
func lastTwo(path string) string {
	file := strings.LastIndexByte(path, '/')
	return path[strings.LastIndexByte(path[:max(file, 0)], '/')+1:]
}

func appendTextValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		return strconv.AppendFloat(b, v.Float64(), 'g', -1, 64)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindTime:
		return v.Time().UTC().AppendFormat(b, time.RFC3339Nano)
	}
	return appendWord(b, valueText(v))
}

// valueText is a value in words. fmt turns a panic in a value's own String or
// Error method into text, so a bad value costs no more than its line.
func valueText(v slog.Value) string {
	if v.Kind() != slog.KindAny {
		return v.String()
	}
	switch x := v.Any().(type) {
	case []byte:
		return string(x)
	case error:
		return fmt.Sprint(x)
	default:
		return fmt.Sprintf("%+v", x)
	}
}

// appendWord appends s, in quotes if it would not read as one word.
func appendWord(b []byte, s string) []byte {
	if s == "" || strings.ContainsFunc(s, breaksWord) || !utf8.ValidString(s) {
		return strconv.AppendQuote(b, s)
	}
	return append(b, s...)
}

func breaksWord(r rune) bool {
	return r == ' ' || r == '=' || r == '"' || !unicode.IsPrint(r)
}
