package engine

import (
	"io"
	"runtime"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// version is _VERSION: what policies are written for.
const version = "Lua 5.4"

func (m *machine) openBase(L *lua.LState) {
	global := L.G.Global
	for name, function := range map[string]lua.LGFunction{
		"assert":         baseAssert,
		"collectgarbage": baseCollectGarbage,
		"dofile":         m.baseDoFile,
		"error":          baseError,
		"getmetatable":   baseGetMetatable,
		"ipairs":         m.baseIpairs,
		"load":           m.baseLoad,
		"loadfile":       m.baseLoadFile,
		"next":           baseNext,
		"pairs":          m.basePairs,
		"print":          m.basePrint,
		"rawequal":       baseRawEqual,
		"rawget":         baseRawGet,
		"rawlen":         baseRawLen,
		"rawset":         baseRawSet,
		"require":        m.baseRequire,
		"select":         baseSelect,
		"setmetatable":   baseSetMetatable,
		"tonumber":       baseToNumber,
		"tostring":       m.baseToString,
		"type":           baseType,
		"warn":           m.baseWarn,
	} {
		global.RawSetString(name, L.NewFunction(function))
	}
	m.next, m.ipairsNext = global.RawGetString("next"), L.NewFunction(ipairsStep)
	global.RawSetString("_G", global)
	global.RawSetString("_VERSION", lua.LString(version))
	m.loaded.RawSetString("_G", global)
}

func baseAssert(L *lua.LState) int {
	if lua.LVAsBool(checkAny(L, 1)) {
		return L.GetTop()
	}
	if L.GetTop() < 2 {
		raisef(L, "assertion failed!")
	}
	value := L.Get(2)
	if text, ok := value.(lua.LString); ok {
		value = lua.LString(position(L, 1)) + text
	}
	L.Error(value, 0)
	return 0
}

// baseCollectGarbage answers as the reference implementation does, and leaves
// the work to Go, whose collector serves the whole process.
func baseCollectGarbage(L *lua.LState) int {
	options := []string{"collect", "stop", "restart", "count", "step", "isrunning",
		"generational", "incremental", "setpause", "setstepmul"}
	switch option := options[checkOption(L, 1, "collect", options...)]; option {
	case "count":
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		L.Push(lua.LNumber(float64(stats.HeapAlloc) / 1024))
	case "step", "isrunning":
		L.Push(lua.LTrue)
	case "generational", "incremental":
		L.Push(lua.LString("incremental"))
	default:
		L.Push(lua.LNumber(0))
	}
	return 1
}

func baseError(L *lua.LState) int {
	value := L.Get(1)
	level := optInt(L, 2, 1)
	if text, ok := value.(lua.LString); ok && level > 0 {
		value = lua.LString(position(L, int(min(level, 1<<30)))) + text
	}
	L.Error(value, 0)
	return 0
}

func baseGetMetatable(L *lua.LState) int {
	L.Push(L.GetMetatable(checkAny(L, 1)))
	return 1
}

func baseSetMetatable(L *lua.LState) int {
	table := checkTable(L, 1)
	meta := L.Get(2)
	if _, ok := meta.(*lua.LTable); !ok && (meta != lua.LNil || L.GetTop() < 2) {
		typeError(L, 2, "nil or table")
	}
	if L.GetMetaField(table, "__metatable") != lua.LNil {
		raisef(L, "cannot change a protected metatable")
	}
	L.SetMetatable(table, meta)
	L.SetTop(1)
	return 1
}

func baseRawEqual(L *lua.LState) int {
	L.Push(lua.LBool(L.RawEqual(checkAny(L, 1), checkAny(L, 2))))
	return 1
}

func baseRawGet(L *lua.LState) int {
	L.Push(checkTable(L, 1).RawGet(checkAny(L, 2)))
	return 1
}

func baseRawSet(L *lua.LState) int {
	table := checkTable(L, 1)
	key, value := checkAny(L, 2), checkAny(L, 3)
	checkKey(L, key)
	table.RawSet(key, value)
	L.SetTop(1)
	return 1
}

// checkKey refuses what cannot be the key of a table.
func checkKey(L *lua.LState, key lua.LValue) {
	if key == lua.LNil {
		raisef(L, "table index is nil")
	}
	if n, ok := key.(lua.LNumber); ok && n != n {
		raisef(L, "table index is NaN")
	}
}

func baseRawLen(L *lua.LState) int {
	switch v := L.Get(1).(type) {
	case *lua.LTable:
		L.Push(lua.LNumber(v.Len()))
	case lua.LString:
		L.Push(lua.LNumber(len(v)))
	default:
		typeError(L, 1, "table or string")
	}
	return 1
}

func baseSelect(L *lua.LState) int {
	top := L.GetTop()
	if L.Get(1) == lua.LString("#") {
		L.Push(lua.LNumber(top - 1))
		return 1
	}
	n := checkInt(L, 1)
	if n < 0 {
		n += int64(top)
	} else if n > int64(top) {
		n = int64(top)
	}
	if n < 1 {
		argError(L, 1, "index out of range")
	}
	return top - int(n)
}

func baseType(L *lua.LState) int {
	L.Push(lua.LString(typeOf(checkAny(L, 1))))
	return 1
}

func (m *machine) baseToString(L *lua.LState) int {
	L.Push(lua.LString(m.text(L, checkAny(L, 1))))
	return 1
}

// text is tostring of a value.
func (m *machine) text(L *lua.LState, v lua.LValue) string {
	if meta := L.GetMetaField(v, "__tostring"); meta != lua.LNil {
		L.Push(meta)
		L.Push(v)
		m.callback(L, 1, 1)
		result := L.Get(-1)
		L.Pop(1)
		switch result := result.(type) {
		case lua.LString:
			return string(result)
		case lua.LNumber:
			return formatNumber(result)
		}
		raisef(L, "'__tostring' must return a string")
	}
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return formatNumber(v)
	}
	if name, ok := L.GetMetaField(v, "__name").(lua.LString); ok {
		_, address, _ := strings.Cut(v.String(), ": ")
		return string(name) + ": " + address
	}
	return v.String()
}

// callback calls the function that stands below its arguments, from Go. It counts
// as one nested call, since it takes Go's stack.
func (m *machine) callback(L *lua.LState, nargs, nret int) {
	if m.nested >= maxNested {
		raisef(L, "C stack overflow")
	}
	before := m.mark()
	m.nested++
	L.Call(nargs, nret)
	m.restore(before)
}

func (m *machine) basePrint(L *lua.LState) int {
	var line strings.Builder
	for i := range L.GetTop() {
		if i > 0 {
			line.WriteByte('\t')
		}
		line.WriteString(m.text(L, L.Get(i+1)))
	}
	line.WriteByte('\n')
	_, _ = io.WriteString(m.options.Stdout, line.String()) // print has nobody to tell
	return 0
}

// baseWarn writes a warning to stderr once "@on" has been said.
func (m *machine) baseWarn(L *lua.LState) int {
	var text strings.Builder
	for i := range max(L.GetTop(), 1) {
		text.WriteString(checkString(L, i+1))
	}
	switch message := text.String(); {
	case L.GetTop() == 1 && strings.HasPrefix(message, "@"):
		if message == "@on" || message == "@off" {
			m.warnings = message == "@on"
		}
	case m.warnings:
		_, _ = io.WriteString(m.options.Stderr, "Lua warning: "+message+"\n")
	}
	return 0
}

// baseToNumber converts a string, in a base when one is given.
func baseToNumber(L *lua.LState) int {
	if L.Get(2) == lua.LNil {
		if n, ok := toNumber(checkAny(L, 1)); ok {
			L.Push(lua.LNumber(n))
		} else {
			L.Push(lua.LNil)
		}
		return 1
	}
	base := checkInt(L, 2)
	text, ok := L.Get(1).(lua.LString)
	if !ok {
		typeError(L, 1, "string")
	}
	if base < 2 || base > 36 {
		argError(L, 2, "base out of range")
	}
	L.Push(parseBase(string(text), uint64(base)))
	return 1
}

func parseBase(text string, base uint64) lua.LValue {
	text = strings.Trim(text, space)
	digits := strings.TrimPrefix(text, "-")
	if digits == "" {
		return lua.LNil
	}
	var value uint64
	for _, c := range []byte(digits) {
		d, ok := digitValue(c)
		if !ok || uint64(d) >= base {
			return lua.LNil
		}
		value = value*base + uint64(d)
	}
	if len(digits) < len(text) {
		value = -value
	}
	return lua.LNumber(int64(value))
}
