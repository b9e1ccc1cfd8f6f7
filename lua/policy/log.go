package policy

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// log writes a record with the target by which the log filter knows a policy's
// own words.
func (l *load) log(level slog.Level, message string) {
	l.options.Log.LogAttrs(l.ctx, level, message, slog.String("target", "lua"))
}

// logger is one of the kumo.log functions.
func (l *load) logger(L *lua.LState, function string) *lua.LFunction {
	level := map[string]slog.Level{
		"kumo.log_error": slog.LevelError,
		"kumo.log_warn":  slog.LevelWarn,
		"kumo.log_info":  slog.LevelInfo,
		"kumo.log_debug": slog.LevelDebug,
	}[function]
	return L.NewFunction(func(L *lua.LState) int {
		words := make([]string, L.GetTop())
		for i := range words {
			words[i] = L.ToStringMeta(L.Get(i + 1)).String()
		}
		l.log(level, printable(l.caller(L).String()+": "+strings.Join(words, " ")))
		return 0
	})
}

// printable writes each byte that is not part of a UTF-8 character as \xNN, as
// KumoMTA does, so that no log handler chokes on it.
func printable(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02X`, text[0])
		} else {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}
