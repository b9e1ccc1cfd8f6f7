package engine

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxResults is how many values a function returns at most: what the data stack
// holds, less some room for whoever called.
const maxResults = registryMax - 1024

func (m *machine) openTable(L *lua.LState) {
	m.library(L, "table", map[string]lua.LGFunction{
		"concat": m.tableConcat,
		"insert": tableInsert,
		"move":   tableMove,
		"pack":   tablePack,
		"remove": tableRemove,
		"sort":   m.tableSort,
		"unpack": tableUnpack,
	})
}

// checkList takes a table, or whatever has the metamethods that make it one.
func checkList(L *lua.LState, n int, events ...string) lua.LValue {
	v := L.Get(n)
	if _, ok := v.(*lua.LTable); ok {
		return v
	}
	for _, event := range events {
		if L.GetMetaField(v, event) == lua.LNil {
			typeError(L, n, "table")
		}
	}
	return v
}

// length is #v.
func length(L *lua.LState, v lua.LValue) int64 {
	if table, ok := v.(*lua.LTable); ok && table.Metatable == lua.LNil {
		return int64(table.Len())
	}
	meta := L.GetMetaField(v, "__len")
	if meta == lua.LNil {
		if table, ok := v.(*lua.LTable); ok {
			return int64(table.Len())
		}
		throw(L, "attempt to get length of a "+typeName(L, v)+" value")
	}
	L.Push(meta)
	L.Push(v)
	of(L).callback(L, 1, 1)
	result := L.Get(-1)
	L.Pop(1)
	n, ok := toNumber(result)
	i, whole := toInteger(n)
	if !ok || !whole {
		raisef(L, "object length is not an integer")
	}
	return i
}

func elementAt(L *lua.LState, v lua.LValue, i int64) lua.LValue {
	return index(L, v, lua.LNumber(i))
}

func setElement(L *lua.LState, v lua.LValue, i int64, value lua.LValue) {
	if table, ok := v.(*lua.LTable); ok && table.Metatable == lua.LNil {
		table.RawSet(lua.LNumber(i), value)
		return
	}
	L.SetTable(v, lua.LNumber(i), value)
}

func tableInsert(L *lua.LState) int {
	list := checkList(L, 1, "__index", "__newindex", "__len")
	end := length(L, list) + 1
	at := end
	switch L.GetTop() {
	case 2:
	case 3:
		at = checkInt(L, 2)
		if at < 1 || at > end {
			argError(L, 2, "position out of bounds")
		}
		for i := end; i > at; i-- {
			pause(L, i)
			setElement(L, list, i, elementAt(L, list, i-1))
		}
	default:
		raisef(L, "wrong number of arguments to 'insert'")
	}
	setElement(L, list, at, L.Get(L.GetTop()))
	return 0
}

func tableRemove(L *lua.LState) int {
	list := checkList(L, 1, "__index", "__newindex", "__len")
	size := length(L, list)
	at := optInt(L, 2, size)
	if at != size && uint64(at)-1 > uint64(size) {
		argError(L, 1, "position out of bounds")
	}
	L.Push(elementAt(L, list, at))
	for ; at < size; at++ {
		pause(L, at)
		setElement(L, list, at, elementAt(L, list, at+1))
	}
	setElement(L, list, at, lua.LNil)
	return 1
}

// pause ends a long loop in Go when the context has ended. It looks now and then,
// by the number of the round.
func pause(L *lua.LState, round int64) {
	if round%stepsPerCheck != 0 {
		return
	}
	if err := done(L); err != nil {
		raisef(L, "%s", err.Error())
	}
}

func tableMove(L *lua.LState) int {
	from := checkList(L, 1, "__index")
	first, last, to := checkInt(L, 2), checkInt(L, 3), checkInt(L, 4)
	target := 1
	if L.Get(5) != lua.LNil {
		target = 5
	}
	list := checkList(L, target, "__newindex")
	if last < first {
		L.Push(list)
		return 1
	}
	if first <= 0 && last >= math.MaxInt64+first {
		argError(L, 3, "too many elements to move")
	}
	n := last - first + 1
	if to > math.MaxInt64-n+1 {
		argError(L, 4, "destination wrap around")
	}
	if to > last || to <= first || target == 5 && !L.Equal(from, list) {
		for i := range n {
			pause(L, i)
			setElement(L, list, to+i, elementAt(L, from, first+i))
		}
	} else {
		for i := n - 1; i >= 0; i-- {
			pause(L, i)
			setElement(L, list, to+i, elementAt(L, from, first+i))
		}
	}
	L.Push(list)
	return 1
}

func tablePack(L *lua.LState) int {
	n := L.GetTop()
	table := L.CreateTable(n, 1)
	for i := 1; i <= n; i++ {
		table.RawSetInt(i, L.Get(i))
	}
	table.RawSetString("n", lua.LNumber(n))
	L.Push(table)
	return 1
}

func tableUnpack(L *lua.LState) int {
	list := L.Get(1)
	first := optInt(L, 2, 1)
	last := lastElement(L, list, 3)
	if first > last {
		return 0
	}
	if uint64(last)-uint64(first) >= maxResults {
		raisef(L, "too many results to unpack")
	}
	n := int(last-first) + 1
	for i := range n {
		L.Push(elementAt(L, list, first+int64(i)))
	}
	return n
}

// lastElement is argument n, or the length of the list when there is none.
func lastElement(L *lua.LState, list lua.LValue, n int) int64 {
	if L.Get(n) == lua.LNil {
		return length(L, list)
	}
	return checkInt(L, n)
}

func (m *machine) tableConcat(L *lua.LState) int {
	list := checkList(L, 1, "__index", "__len")
	separator := optString(L, 2, "")
	first := optInt(L, 3, 1)
	last := lastElement(L, list, 4)
	var out strings.Builder
	for i := first; i <= last; i++ {
		pause(L, i)
		switch v := elementAt(L, list, i).(type) {
		case lua.LString:
			out.WriteString(string(v))
		case lua.LNumber:
			out.WriteString(formatNumber(v))
		default:
			raisef(L, "invalid value (%s) at index %d in table for 'concat'", typeOf(v), i)
		}
		if i != last {
			out.WriteString(separator)
		}
		if out.Len() > m.options.Memory {
			m.refuseLong(L)
		}
		if i == math.MaxInt64 {
			break
		}
	}
	L.Push(lua.LString(out.String()))
	return 1
}
