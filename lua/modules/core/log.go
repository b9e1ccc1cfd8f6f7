package core

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func logFunctions() []spec.Function {
	return []spec.Function{
		logFunction("log_error", slog.LevelError),
		logFunction("log_warn", slog.LevelWarn),
		logFunction("log_info", slog.LevelInfo),
		logFunction("log_debug", slog.LevelDebug),
	}
}

func logFunction(name string, level slog.Level) spec.Function {
	return spec.Function{
		Name:   name,
		Params: []spec.Param{{Name: "...", Type: "any", Variadic: true, Doc: "Joined by spaces, each as tostring gives it."}},
		Doc: "Writes a line to the diagnostic log at the level " + strings.ToLower(level.String()) +
			", under the target lua, with the place of the call in front.",
		Call: func(e *spec.Env, L *lua.LState) int {
			words := make([]string, L.GetTop())
			for i := range words {
				words[i] = L.ToStringMeta(L.Get(i + 1)).String()
			}
			text := strings.Join(words, " ")
			if at, ok := modules.Caller(L); ok {
				text = at.String() + ": " + text
			}
			e.Log.LogAttrs(contextOf(L), level, printable(text))
			return 0
		},
	}
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
