package engine

import (
	lua "github.com/yuin/gopher-lua"
)

// maxUTF is the largest code that the original UTF-8 can hold: lax functions
// accept it, others stop at U+10FFFF and refuse surrogates.
const maxUTF = 0x7FFFFFFF

func (m *machine) openUTF8(L *lua.LState) {
	library := m.library(L, "utf8", map[string]lua.LGFunction{
		"char":      utf8Char,
		"codepoint": utf8Codepoint,
		"codes":     utf8Codes,
		"len":       utf8Len,
		"offset":    utf8Offset,
	})
	library.RawSetString("charpattern", lua.LString("[\x00-\x7F\xC2-\xFD][\x80-\xBF]*"))
}

func isContinuation(text string, i int) bool {
	return i < len(text) && text[i]&0xc0 == 0x80
}

// decode reads one character; size 0 means that it is invalid.
func decode(text string, strict bool) (code uint32, size int) {
	c := text[0]
	if c < 0x80 {
		return uint32(c), 1
	}
	// The smallest code that needs as many continuation bytes.
	least := [...]uint32{0xffffffff, 0x80, 0x800, 0x10000, 0x200000, 0x4000000}
	more := 0
	for ; c&0x40 != 0; c <<= 1 {
		more++
		if more >= len(text) || text[more]&0xc0 != 0x80 {
			return 0, 0
		}
		code = code<<6 | uint32(text[more]&0x3f)
	}
	code |= uint32(c&0x7f) << (more * 5)
	if more > 5 || more == 0 || code > maxUTF || code < least[more] {
		return 0, 0
	}
	if strict && (code > 0x10ffff || code >= 0xd800 && code <= 0xdfff) {
		return 0, 0
	}
	return code, more + 1
}

// encode appends a code of up to 31 bits.
func encode(out []byte, code uint32) []byte {
	if code < 0x80 {
		return append(out, byte(code))
	}
	var tail [6]byte
	n, first := 0, uint32(0x3f)
	for code > first {
		tail[n] = byte(0x80 | code&0x3f)
		n++
		code >>= 6
		first >>= 1
	}
	out = append(out, byte(^first<<1|code))
	for n--; n >= 0; n-- {
		out = append(out, tail[n])
	}
	return out
}

func utf8Char(L *lua.LState) int {
	var out []byte
	for i := 1; i <= L.GetTop(); i++ {
		code := checkInt(L, i)
		if code < 0 || code > maxUTF {
			argError(L, i, "value out of range")
		}
		out = encode(out, uint32(code))
	}
	L.Push(lua.LString(out))
	return 1
}

// relative makes a position counted from the end one from the start; 0 when it
// lies before it.
func relative(i int64, length int) int64 {
	switch {
	case i >= 0:
		return i
	case -i > int64(length):
		return 0
	}
	return int64(length) + i + 1
}

func utf8Len(L *lua.LState) int {
	text := checkString(L, 1)
	i, j := relative(optInt(L, 2, 1), len(text)), relative(optInt(L, 3, -1), len(text))
	strict := !lua.LVAsBool(L.Get(4))
	if i < 1 || i-1 > int64(len(text)) {
		argError(L, 2, "initial position out of bounds")
	}
	if j > int64(len(text)) {
		argError(L, 3, "final position out of bounds")
	}
	n := 0
	for at := int(i) - 1; at < int(j); n++ {
		_, size := decode(text[at:], strict)
		if size == 0 {
			L.Push(lua.LNil)
			L.Push(lua.LNumber(at + 1))
			return 2
		}
		at += size
	}
	L.Push(lua.LNumber(n))
	return 1
}

func utf8Codepoint(L *lua.LState) int {
	text := checkString(L, 1)
	i := relative(optInt(L, 2, 1), len(text))
	j := relative(optInt(L, 3, i), len(text))
	strict := !lua.LVAsBool(L.Get(4))
	if i < 1 {
		argError(L, 2, "out of bounds")
	}
	if j > int64(len(text)) {
		argError(L, 3, "out of bounds")
	}
	if j-i >= maxResults {
		raisef(L, "string slice too long")
	}
	n := 0
	for at := int(i) - 1; at < int(j); n++ {
		code, size := decode(text[at:], strict)
		if size == 0 {
			raisef(L, "invalid UTF-8 code")
		}
		L.Push(lua.LNumber(code))
		at += size
	}
	return n
}

func utf8Offset(L *lua.LState) int {
	text, n := checkString(L, 1), checkInt(L, 2)
	start := int64(1)
	if n < 0 {
		start = int64(len(text)) + 1
	}
	i := relative(optInt(L, 3, start), len(text)) - 1
	if i < 0 || i > int64(len(text)) {
		argError(L, 3, "position out of bounds")
	}
	at, found := offset(L, text, n, int(i))
	if !found {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(at + 1))
	return 1
}

func offset(L *lua.LState, text string, n int64, at int) (int, bool) {
	if n == 0 {
		for at > 0 && isContinuation(text, at) {
			at--
		}
		return at, true
	}
	if isContinuation(text, at) {
		raisef(L, "initial position is a continuation byte")
	}
	for ; n < 0 && at > 0; n++ {
		for at--; at > 0 && isContinuation(text, at); at-- {
		}
	}
	if n > 0 {
		n--
		for ; n > 0 && at < len(text); n-- {
			for at++; isContinuation(text, at); at++ {
			}
		}
	}
	return at, n == 0
}

// utf8Codes iterates over positions and codes; an invalid byte is an error.
func utf8Codes(L *lua.LState) int {
	checkString(L, 1)
	strict := !lua.LVAsBool(L.Get(2))
	L.Push(L.NewFunction(func(L *lua.LState) int {
		text, at := checkString(L, 1), int(max(min(checkInt(L, 2), 1<<40), 0))
		for ; isContinuation(text, at); at++ {
		}
		if at >= len(text) {
			return 0
		}
		code, size := decode(text[at:], strict)
		if size == 0 || isContinuation(text, at+size) {
			raisef(L, "invalid UTF-8 code")
		}
		L.Push(lua.LNumber(at + 1))
		L.Push(lua.LNumber(code))
		return 2
	}))
	L.Push(L.Get(1))
	L.Push(lua.LNumber(0))
	return 3
}
