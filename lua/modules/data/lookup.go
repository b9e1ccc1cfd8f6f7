package data

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

// table is a map with an idea of its own of what a key matches. Its values are
// plain Go or Shareable, so that nothing in it belongs to a Lua state.
type table interface {
	get(key string) (v any, found bool, err error)
	// set replaces the value of a key, or removes it if v is nil.
	set(key string, v any) error
	clone() table
}

// lookup is a table as an object. It is a value.Freezer: once frozen, it is not
// changed any more and any number of goroutines may read it.
type lookup struct {
	kind   kind
	table  table
	frozen bool
}

var _ value.Freezer = (*lookup)(nil)

// kind is a kind of lookup; its text is the name of the class.
type kind string

const (
	cidrKind   kind = "kumo.CidrMap"
	domainKind kind = "kumo.DomainMap"
	regexKind  kind = "kumo.RegexSetMap"
)

func (k kind) doc() string {
	switch k {
	case cidrKind:
		return "A map by address. Reading gives the value of the longest network that holds the address; nil for what is not an address. Assigning sets or, with nil, removes the value of a network."
	case domainKind:
		return "A map by domain name. Reading gives the value of the name, or that of the wildcard that covers it. Assigning sets or, with nil, removes a value."
	}
	return "A map by regular expression. Reading gives the value of the first expression, in the order of their text, that matches anywhere in the key. It cannot be assigned to."
}

// spec describes the class; what it has are operators, which have no place there.
func (k kind) spec() spec.Class { return spec.Class{Name: string(k), Doc: k.doc()} }

// ToLua is the object in a state.
func (l *lookup) ToLua(L *lua.LState) lua.LValue {
	ud := L.NewUserData()
	ud.Value = l
	meta, ok := L.G.Registry.RawGetString(string(l.kind)).(*lua.LTable)
	if !ok {
		meta = l.kind.metatable(L)
		L.G.Registry.RawSetString(string(l.kind), meta)
	}
	ud.Metatable = meta
	return ud
}

// Freeze makes the object one that several states can have.
func (l *lookup) Freeze() {
	// One that is frozen already may be read by others at this moment.
	if !l.frozen {
		l.frozen = true
	}
}

func (k kind) metatable(L *lua.LState) *lua.LTable {
	operation := func(do func(c *call, l *lookup) int) *lua.LFunction {
		return L.NewFunction(func(L *lua.LState) int {
			c := &call{L: L, name: string(k), params: params(param("key", "", ""), param("value", "", "")), skip: 1}
			l, ok := object[*lookup](L.Get(1))
			if !ok || l.kind != k {
				c.fail("expected the map itself, got %s", L.Get(1).Type())
			}
			return do(c, l)
		})
	}
	meta := L.NewTable()
	meta.RawSetString("__index", operation((*call).readLookup))
	meta.RawSetString("__newindex", operation((*call).assignLookup))
	meta.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		L.Push(lua.LString(k))
		return 1
	}))
	meta.RawSetString("__metatable", lua.LFalse)
	return meta
}

func (c *call) readLookup(l *lookup) int {
	v, found, err := l.table.get(c.text(1))
	switch {
	case err != nil:
		c.bad(1, "%s", err)
	case !found:
		return c.push(lua.LNil)
	}
	return c.value(v)
}

// assignLookup changes the object, or a copy that takes its place in this state.
func (c *call) assignLookup(l *lookup) int {
	if l.kind == regexKind {
		c.fail("a map by regular expression cannot be assigned to; make one from a table")
	}
	key := c.text(1)
	v, err := value.Share(c.get(2))
	if err != nil {
		c.bad(2, "%s", err)
	}
	if l.frozen {
		l = &lookup{kind: l.kind, table: l.table.clone()}
		c.L.Get(1).(*lua.LUserData).Value = l
	}
	if err := l.table.set(key, v); err != nil {
		c.bad(1, "%s", err)
	}
	return 0
}

// newLookup is a function that makes a map, from a table if one is given.
func newLookup(name, doc string, k kind, empty func() table) function {
	return function{
		name:    name,
		doc:     doc,
		params:  params(param("entries", "table<string, any>?", "the entries to begin with; the values are nil, booleans, numbers, strings, tables of these, or objects that kumo.memoize can keep")),
		results: returns(string(k), "the map"),
		do: func(c *call) int {
			l := &lookup{kind: k, table: empty()}
			if entries := c.table(1); entries != nil {
				c.fill(l.table, entries)
			}
			return c.push(l.ToLua(c.L))
		},
	}
}

func (c *call) fill(t table, entries *lua.LTable) {
	for key, v := entries.Next(lua.LNil); key != lua.LNil; key, v = entries.Next(key) {
		name, ok := key.(lua.LString)
		if !ok {
			c.bad(1, "expected strings as keys, got a %s", key.Type())
		}
		shared, err := value.Share(v)
		if err == nil {
			err = t.set(c.short(1, string(name)), shared)
		}
		if err != nil {
			c.bad(1, "at [%.60q]: %s", string(name), err)
		}
		c.alive()
	}
}
