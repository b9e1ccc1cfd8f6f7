package engine

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// callName tells how the caller of f names the function: its kind ("local",
// "global", "method", "field", "upvalue") and the name. Both are empty when the
// interpreter or Go called it.
func callName(f frame) (kind, name string) {
	caller := f.parent()
	if !caller.ok() {
		return "", ""
	}
	word, ok := caller.instruction()
	if !ok {
		return "", ""
	}
	switch op := opcode(word); op {
	case lua.OP_CALL, lua.OP_TAILCALL:
		return registerName(caller.function(), caller.pc(), argA(word))
	case lua.OP_TFORLOOP:
		return "for iterator", "for iterator"
	default:
		return "metamethod", metamethodName(op)
	}
}

// metamethodName is the one that an instruction calls.
func metamethodName(op int) string {
	switch op {
	case lua.OP_GETTABLE, lua.OP_GETTABLEKS, lua.OP_GETGLOBAL, lua.OP_SELF:
		return "index"
	case lua.OP_SETTABLE, lua.OP_SETTABLEKS, lua.OP_SETGLOBAL:
		return "newindex"
	case lua.OP_CONCAT:
		return "concat"
	case lua.OP_EQ:
		return "eq"
	case lua.OP_LT:
		return "lt"
	case lua.OP_LE:
		return "le"
	case lua.OP_LEN:
		return "len"
	}
	return arithmeticName(op)
}

// registerName finds out what a register holds before instruction pc: a variable,
// or a value that was just read from one. It looks at the code only, so it knows
// nothing of values.
func registerName(fn *lua.LFunction, pc, register int) (kind, name string) {
	if name := localName(fn.Proto, pc, register); name != "" {
		return "local", name
	}
	at := setter(fn.Proto, pc, register)
	if at < 0 {
		return "", ""
	}
	word := fn.Proto.Code[at]
	switch opcode(word) {
	case lua.OP_MOVE:
		if argB(word) < argA(word) {
			return registerName(fn, at, argB(word))
		}
	case lua.OP_GETGLOBAL:
		return "global", constantName(fn.Proto, argBx(word))
	case lua.OP_GETTABLE, lua.OP_GETTABLEKS:
		return "field", keyName(fn, at, argC(word))
	case lua.OP_GETUPVAL:
		if b := argB(word); b < len(fn.Proto.DbgUpvalues) {
			return "upvalue", fn.Proto.DbgUpvalues[b]
		}
	case lua.OP_LOADK:
		if name := constantName(fn.Proto, argBx(word)); name != "?" {
			return "constant", name
		}
	case lua.OP_SELF:
		return "method", keyName(fn, at, argC(word))
	}
	return "", ""
}

// localName is the variable that lives in a register at instruction pc. The
// library's own lookup misses it in the first instruction of its life.
func localName(p *lua.FunctionProto, pc, register int) string {
	for _, local := range p.DbgLocals {
		if local.StartPc > pc {
			break
		}
		if pc >= local.EndPc {
			continue
		}
		if register == 0 {
			if strings.HasPrefix(local.Name, "(") {
				return ""
			}
			return local.Name
		}
		register--
	}
	return ""
}

// keyName is a constant string key, or "?".
func keyName(fn *lua.LFunction, pc, key int) string {
	if key&constantBit != 0 {
		if n, ok := fn.Proto.Constants[key&^constantBit].(lua.LNumber); ok && isWhole(float64(n)) && n >= 0 && n < 256 {
			return "integer index"
		}
		return constantName(fn.Proto, key&^constantBit)
	}
	if kind, name := registerName(fn, pc, key); kind == "constant" {
		return name
	}
	return "?"
}

func constantName(p *lua.FunctionProto, index int) string {
	if index < len(p.Constants) {
		if text, ok := p.Constants[index].(lua.LString); ok {
			return string(text)
		}
	}
	return "?"
}

// setter is the last instruction before pc that gives the register its value, or
// -1 when there is none for sure, because control may come from elsewhere.
func setter(p *lua.FunctionProto, pc, register int) int {
	last, joined := -1, 0
	for i := 0; i < pc; i++ {
		word := p.Code[i]
		change := false
		op, a := opcode(word), argA(word)
		switch op {
		case lua.OP_JMP, lua.OP_FORPREP:
			target := i + 1 + argBx(word) - (1<<18-1)>>1
			if op == lua.OP_JMP && target <= pc && target > joined {
				joined = target
			}
		case lua.OP_LOADNIL:
			change = a <= register && register <= argB(word)
		case lua.OP_CALL, lua.OP_TAILCALL:
			change = register >= a
		case lua.OP_TFORLOOP:
			change = register >= a+3
		case lua.OP_SELF:
			change = register == a || register == a+1
		case lua.OP_SETGLOBAL, lua.OP_SETUPVAL, lua.OP_SETTABLE, lua.OP_SETTABLEKS,
			lua.OP_EQ, lua.OP_LT, lua.OP_LE, lua.OP_TEST, lua.OP_RETURN, lua.OP_CLOSE, lua.OP_NOP:
		default:
			change = register == a
		}
		at := i
		switch op {
		case lua.OP_MOVEN:
			for n := argC(word); n > 0; n-- {
				i++
				change = change || argA(p.Code[i]) == register
			}
		case lua.OP_CLOSURE:
			i += int(p.FunctionPrototypes[argBx(word)].NumUpvalues)
		case lua.OP_SETLIST:
			change = false
			if argC(word) == 0 {
				i++
			}
		}
		if change {
			last = at
			if at < joined {
				last = -1
			}
		}
	}
	return last
}
