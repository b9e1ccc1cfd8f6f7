package value

import lua "github.com/yuin/gopher-lua"

// markKey is where the registry holds the metatable of lists, and where that
// metatable holds what tells it from any table that a script can make.
const markKey = "troupe.list"

type mark struct{}

// listMark is the metatable of lists in this state.
func listMark(L *lua.LState) *lua.LTable {
	registry := L.G.Registry
	if t, ok := registry.RawGetString(markKey).(*lua.LTable); ok {
		return t
	}
	t := L.NewTable()
	sign := L.NewUserData()
	sign.Value = mark{}
	t.RawSetString(markKey, sign)
	// Scripts neither see nor change what all lists of the state share.
	t.RawSetString("__metatable", lua.LFalse)
	registry.RawSetString(markKey, t)
	return t
}

func isMarked(t *lua.LTable) bool {
	meta, ok := t.Metatable.(*lua.LTable)
	if !ok {
		return false
	}
	sign, ok := meta.RawGetString(markKey).(*lua.LUserData)
	if !ok {
		return false
	}
	_, ok = sign.Value.(mark)
	return ok
}
