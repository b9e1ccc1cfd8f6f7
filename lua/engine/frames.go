package engine

import (
	"reflect"

	lua "github.com/yuin/gopher-lua"
)

// gopher-lua keeps the program counter of a call private, and without it nobody
// can tell whether a coroutine may yield, nor name the variable in an error. It
// is read by reflection. The positions of the fields are looked up by name once,
// and a test fails when a new version of the library has moved them.

type fields struct{ current, function, parent, pc, index, registry, values int }

// layout is written once, while the program starts.
var layout = readLayout()

func readLayout() fields {
	state := reflect.TypeFor[lua.LState]()
	current := field(state, "currentFrame")
	call := state.Field(current).Type.Elem()
	return fields{
		current:  current,
		function: field(call, "Fn"),
		parent:   field(call, "Parent"),
		pc:       field(call, "Pc"),
		index:    field(call, "Idx"),
		registry: field(state, "reg"),
		values:   field(state.Field(field(state, "reg")).Type.Elem(), "array"),
	}
}

func field(t reflect.Type, name string) int {
	f, ok := t.FieldByName(name)
	if !ok {
		panic("engine: this version of gopher-lua has no " + t.String() + "." + name)
	}
	return f.Index[0]
}

// frame is one active call of a state, or, when ok says no, the end of the list.
type frame struct{ call reflect.Value }

// current is the innermost call of L, the running Go function included.
func current(L *lua.LState) frame {
	return frame{reflect.ValueOf(L).Elem().Field(layout.current)}
}

// stackSize is for how many values the data stack of th has room.
func stackSize(th *lua.LState) int {
	return reflect.ValueOf(th).Elem().Field(layout.registry).Elem().Field(layout.values).Cap()
}

func (f frame) ok() bool { return !f.call.IsNil() }

func (f frame) parent() frame { return frame{f.call.Elem().Field(layout.parent)} }

func (f frame) function() *lua.LFunction {
	return (*lua.LFunction)(f.call.Elem().Field(layout.function).UnsafePointer())
}

// pc is the index of the instruction that runs now, or -1 in a Go function or
// before the first.
func (f frame) pc() int {
	if f.function().IsG {
		return -1
	}
	return int(f.call.Elem().Field(layout.pc).Int()) - 1
}

// depth is how many calls are active in the state up to this one.
func (f frame) depth() int { return int(f.call.Elem().Field(layout.index).Int()) + 1 }

// line is the current line of a Lua function, 0 when unknown.
func (f frame) line() int {
	fn, pc := f.function(), f.pc()
	if fn.IsG || pc < 0 || pc >= len(fn.Proto.DbgSourcePositions) {
		return 0
	}
	return fn.Proto.DbgSourcePositions[pc]
}

// instruction is the current instruction of a Lua function.
func (f frame) instruction() (word uint32, ok bool) {
	fn, pc := f.function(), f.pc()
	if fn.IsG || pc < 0 || pc >= len(fn.Proto.Code) {
		return 0, false
	}
	return fn.Proto.Code[pc], true
}

func opcode(word uint32) int { return int(word >> 26) }
func argA(word uint32) int   { return int(word>>18) & 0xff }
func argB(word uint32) int   { return int(word & 0x1ff) }
func argC(word uint32) int   { return int(word>>9) & 0x1ff }
func argBx(word uint32) int  { return int(word & 0x3ffff) }

// constantBit marks an argument that is a constant and not a register.
const constantBit = 1 << 8
