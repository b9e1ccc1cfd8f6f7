package data

import (
	"context"
	"fmt"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// maxBytes is how long an argument or a result may be.
const maxBytes = 16 << 20

// function is a function as this package writes it down: spec.Function with a
// body that knows its own name and parameters.
type function struct {
	name    string
	doc     string
	params  []spec.Param
	results []spec.Result
	do      func(c *call) int
}

// module describes functions as those of the module with that name.
func module(name, doc string, functions []function, classes ...spec.Class) spec.Module {
	m := spec.Module{Name: name, Doc: doc, Classes: classes}
	for _, f := range functions {
		m.Functions = append(m.Functions, f.describe(name+".", 0))
	}
	return m
}

// describe is f for the world. Skip is how many arguments Lua passes before those
// of params: one for a method.
func (f function) describe(prefix string, skip int) spec.Function {
	return spec.Function{
		Name: f.name, Doc: f.doc, Params: f.params, Results: f.results,
		Call: func(e *spec.Env, L *lua.LState) int {
			return f.do(&call{L: L, env: e, name: prefix + f.name, params: f.params, skip: skip})
		},
	}
}

func param(name, typ, doc string) spec.Param { return spec.Param{Name: name, Type: typ, Doc: doc} }

func params(p ...spec.Param) []spec.Param { return p }

func returns(typ, doc string) []spec.Result { return []spec.Result{{Type: typ, Doc: doc}} }

// call is one call out of Lua: its arguments, counted from one, and how it fails.
type call struct {
	L      *lua.LState
	env    *spec.Env
	name   string
	params []spec.Param
	skip   int
}

// fail raises an error that begins with the name of the function. It does not
// return.
func (c *call) fail(format string, args ...any) {
	c.L.RaiseError("%s: %s", c.name, fmt.Sprintf(format, args...))
}

// bad raises an error about one argument.
func (c *call) bad(n int, format string, args ...any) {
	c.fail("argument %d (%s): %s", n, c.params[min(n, len(c.params))-1].Name, fmt.Sprintf(format, args...))
}

func (c *call) expected(n int, what string) {
	c.bad(n, "expected %s, got %s", what, c.get(n).Type())
}

func (c *call) get(n int) lua.LValue { return c.L.Get(n + c.skip) }

func (c *call) given() int { return max(0, c.L.GetTop()-c.skip) }

func (c *call) absent(n int) bool { return c.get(n) == lua.LNil }

func (c *call) ctx() context.Context {
	if ctx := c.L.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// text is an argument that is a string of any bytes. A number stands for its
// digits, as everywhere in Lua, and a digest object for its bytes.
func (c *call) text(n int) string {
	switch v := c.get(n).(type) {
	case lua.LString:
		return c.short(n, string(v))
	case lua.LNumber:
		return v.String()
	case *lua.LUserData:
		if b, ok := v.Value.(binary); ok {
			return string(b)
		}
	}
	c.expected(n, "a string")
	return ""
}

func (c *call) short(n int, text string) string {
	if len(text) > maxBytes {
		c.bad(n, "longer than %d MiB", maxBytes>>20)
	}
	return text
}

// integer is a whole number within bounds. Text is not taken for one.
func (c *call) integer(n, low, high int) int {
	v, ok := c.get(n).(lua.LNumber)
	if !ok {
		c.expected(n, fmt.Sprintf("a whole number between %d and %d", low, high))
	}
	f := float64(v)
	if f != math.Trunc(f) || f < float64(low) || f > float64(high) {
		c.bad(n, "expected a whole number between %d and %d, got %v", low, high, f)
	}
	return int(f)
}

func (c *call) optionalInteger(n, low, high, otherwise int) int {
	if c.absent(n) {
		return otherwise
	}
	return c.integer(n, low, high)
}

// number is a finite number.
func (c *call) number(n int) float64 {
	v, ok := c.get(n).(lua.LNumber)
	if !ok {
		c.expected(n, "a number")
	}
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		c.bad(n, "expected a finite number, got %v", f)
	}
	return f
}

// table is an argument that is a table; nil when it is absent and may be.
func (c *call) table(n int) *lua.LTable {
	t, ok := c.get(n).(*lua.LTable)
	if !ok && (!c.absent(n) || !strings.HasSuffix(c.params[n-1].Type, "?")) {
		c.expected(n, "a table")
	}
	return t
}

// room raises an error when a result would have n bytes and that is too many.
func (c *call) room(n int) {
	if n > maxBytes {
		c.fail("the result would be longer than %d MiB", maxBytes>>20)
	}
}

// string returns text to Lua.
func (c *call) string(text string) int {
	c.room(len(text))
	return c.push(lua.LString(text))
}

func (c *call) push(v lua.LValue) int {
	c.L.Push(v)
	return 1
}

// alive raises an error once the time of the state is up.
func (c *call) alive() {
	if err := c.ctx().Err(); err != nil {
		c.fail("%s", err)
	}
}
