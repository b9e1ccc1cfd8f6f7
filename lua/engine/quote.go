package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// quoted is %q: what Lua reads back as the same value.
func quoted(L *lua.LState, n int) string {
	switch v := L.Get(n).(type) {
	case lua.LString:
		return quote(string(v))
	case lua.LNumber:
		return quotedNumber(float64(v))
	case lua.LBool, *lua.LNilType:
		return v.String()
	}
	argError(L, n, "value has no literal form")
	return ""
}

func quotedNumber(v float64) string {
	switch {
	case v == math.Trunc(v) && math.Abs(v) < 1<<63:
		return strconv.FormatInt(int64(v), 10)
	case math.IsNaN(v):
		return "(0/0)"
	case math.IsInf(v, 1):
		return "1e9999"
	case math.IsInf(v, -1):
		return "-1e9999"
	case v < 0:
		return "-" + hexFloat(-v, -1)
	}
	return hexFloat(v, -1)
}

func quote(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\' || c == '\n':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c < 0x20 || c == 0x7f:
			if i+1 < len(text) && isDigit(text[i+1]) {
				fmt.Fprintf(&out, "\\%03d", c)
			} else {
				fmt.Fprintf(&out, "\\%d", c)
			}
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// pointer is %p: the identity of a value that has one.
func pointer(v lua.LValue) string {
	switch v.(type) {
	case *lua.LTable, *lua.LFunction, *lua.LUserData, *lua.LState:
		return fmt.Sprintf("%p", v)
	}
	return "(null)"
}
