package engine

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func (m *machine) openString(L *lua.LState) {
	library := m.library(L, "string", map[string]lua.LGFunction{
		"byte":     stringByte,
		"char":     stringChar,
		"find":     stringFind,
		"format":   m.stringFormat,
		"gmatch":   stringGmatch,
		"gsub":     m.stringGsub,
		"len":      stringLen,
		"lower":    stringLower,
		"match":    stringMatch,
		"pack":     m.stringPack,
		"packsize": m.stringPackSize,
		"rep":      m.stringRep,
		"reverse":  stringReverse,
		"sub":      stringSub,
		"unpack":   stringUnpack,
		"upper":    stringUpper,
	})
	meta := L.CreateTable(0, 1)
	meta.RawSetString("__index", library)
	L.SetMetatable(lua.LString(""), meta)
}

// tooLong says that a string would pass the limit.
func (m *machine) tooLong() string {
	return fmt.Sprintf("string longer than %d bytes", m.options.Memory)
}

func (m *machine) refuseLong(L *lua.LState) { raisef(L, "%s", m.tooLong()) }

// bounds are the first (0-based) and the end of the part i..j of a string.
func bounds(i, j int64, length int) (first, end int) {
	first = startAt(i, length)
	switch n := int64(length); {
	case j > n:
		end = length
	case j >= 0:
		end = int(j)
	case j < -n:
		end = 0
	default:
		end = length + int(j) + 1
	}
	return first, max(end, first)
}

func stringSub(L *lua.LState) int {
	text := checkString(L, 1)
	first, end := bounds(checkInt(L, 2), optInt(L, 3, -1), len(text))
	if first >= len(text) {
		L.Push(lua.LString(""))
		return 1
	}
	L.Push(lua.LString(text[first:min(end, len(text))]))
	return 1
}

func stringByte(L *lua.LState) int {
	text := checkString(L, 1)
	i := optInt(L, 2, 1)
	first, end := bounds(i, optInt(L, 3, i), len(text))
	end = min(end, len(text))
	if end <= first {
		return 0
	}
	if end-first > maxResults {
		raisef(L, "string slice too long")
	}
	for _, c := range []byte(text[first:end]) {
		L.Push(lua.LNumber(c))
	}
	return end - first
}

func stringChar(L *lua.LState) int {
	out := make([]byte, L.GetTop())
	for i := range out {
		c := checkInt(L, i+1)
		if c < 0 || c > 255 {
			argError(L, i+1, "value out of range")
		}
		out[i] = byte(c)
	}
	L.Push(lua.LString(out))
	return 1
}

func stringLen(L *lua.LState) int {
	L.Push(lua.LNumber(len(checkString(L, 1))))
	return 1
}

// stringLower and stringUpper know ASCII only, as in the "C" locale.
func stringLower(L *lua.LState) int { return mapBytes(L, 'A', 'Z', 'a'-'A') }
func stringUpper(L *lua.LState) int { return mapBytes(L, 'a', 'z', -('a' - 'A')) }

func mapBytes(L *lua.LState, first, last byte, shift int) int {
	out := []byte(checkString(L, 1))
	for i, c := range out {
		if c >= first && c <= last {
			out[i] = byte(int(c) + shift)
		}
	}
	L.Push(lua.LString(out))
	return 1
}

func stringReverse(L *lua.LState) int {
	text := checkString(L, 1)
	out := make([]byte, len(text))
	for i := range len(text) {
		out[len(text)-1-i] = text[i]
	}
	L.Push(lua.LString(out))
	return 1
}

func (m *machine) stringRep(L *lua.LState) int {
	text, n, separator := checkString(L, 1), checkInt(L, 2), optString(L, 3, "")
	if n <= 0 {
		L.Push(lua.LString(""))
		return 1
	}
	each := int64(len(text) + len(separator))
	if each > 0 && n > (int64(m.options.Memory)+int64(len(separator)))/each {
		raisef(L, "resulting string too large")
	}
	if each == 0 {
		L.Push(lua.LString(""))
		return 1
	}
	if separator == "" {
		L.Push(lua.LString(strings.Repeat(text, int(n))))
		return 1
	}
	L.Push(lua.LString(strings.Repeat(text+separator, int(n-1)) + text))
	return 1
}
