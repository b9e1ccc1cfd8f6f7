package engine

import (
	lua "github.com/yuin/gopher-lua"
)

// baseNext gives the keys of a table in the order in which they were first set,
// after those of the array part.
func baseNext(L *lua.LState) int {
	table, key := checkTable(L, 1), L.Get(2)
	if n, ok := key.(lua.LNumber); ok && n != n {
		raisef(L, "invalid key to 'next'")
	}
	key, value := table.Next(key)
	L.Push(key)
	if key == lua.LNil {
		return 1
	}
	L.Push(value)
	return 2
}

func (m *machine) basePairs(L *lua.LState) int {
	v := checkAny(L, 1)
	if meta := L.GetMetaField(v, "__pairs"); meta != lua.LNil {
		L.Push(meta)
		L.Push(v)
		m.callback(L, 1, 3)
		return 3
	}
	L.Push(m.next)
	L.Push(v)
	L.Push(lua.LNil)
	return 3
}

func (m *machine) baseIpairs(L *lua.LState) int {
	v := checkAny(L, 1)
	L.Push(m.ipairsNext)
	L.Push(v)
	L.Push(lua.LNumber(0))
	return 3
}

// ipairsStep honours __index, as all access to a table does.
func ipairsStep(L *lua.LState) int {
	i := lua.LNumber(checkInt(L, 2) + 1)
	value := index(L, L.Get(1), i)
	if value == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(i)
	L.Push(value)
	return 2
}

// index is v[key], with metamethods; an array costs no more than a look into it.
func index(L *lua.LState, v, key lua.LValue) lua.LValue {
	if table, ok := v.(*lua.LTable); ok {
		if value := table.RawGet(key); value != lua.LNil || table.Metatable == lua.LNil {
			return value
		}
	} else if L.GetMetaField(v, "__index") == lua.LNil {
		throw(L, "attempt to index a "+typeName(L, v)+" value")
	}
	return L.GetTable(v, key)
}
