package engine

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// raise is the hook through which every Lua error of a state passes, with the
// error value on top of its stack and all calls still there. It puts the messages
// of gopher-lua's interpreter into the words of the reference implementation.
func (m *machine) raise(L *lua.LState) {
	value := L.Get(-1)
	if text, ok := value.(lua.LString); ok {
		value = lua.LString(m.explain(L, string(text)))
	}
	m.raised = true
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: value})
}

func (m *machine) explain(L *lua.LState, text string) string {
	f := current(L)
	if !f.ok() {
		return strings.TrimPrefix(text, " ")
	}
	fn := f.function()
	if fn.IsG {
		return explainGo(L, text)
	}
	place := position(L, 0)
	// The library puts its own position in front, in the same form.
	message, own := strings.CutPrefix(text, place)
	if !own {
		return text
	}
	return place + explainInstruction(L, f, message)
}

// explainGo mends what RaiseError and ArgError make of an error in a Go function
// that Lua code did not call by name.
func explainGo(L *lua.LState, text string) string {
	message := strings.TrimPrefix(text, " ")
	if mended, ok := explainHelper(message); ok {
		return mended
	}
	place := position(L, 1)
	if len(message) < len(text) {
		message = place + message
	}
	if rest, ok := strings.CutPrefix(message, place+"bad argument #"); ok {
		return place + "bad argument #" + quoteName(rest)
	}
	// Numbers have a __call, the dialect's, which knows no names.
	if message == place+"attempt to call a number value" {
		if kind, name := callName(current(L)); name != "" {
			message += " (" + kind + " '" + name + "')"
		}
	}
	return message
}

// quoteName puts the name of the function in "N to NAME (why)" in quotes.
func quoteName(text string) string {
	number, rest, ok := strings.Cut(text, " to ")
	name, why, end := strings.Cut(rest, " (")
	if !ok || !end || strings.HasPrefix(name, "'") {
		return text
	}
	return number + " to '" + name + "' (" + why
}

// explainHelper mends what the interpreter's functions say when Go calls them. In
// the reference implementation such an error has no position.
func explainHelper(text string) (string, bool) {
	if i := strings.Index(text, compareMessage); i >= 0 {
		return compared(text[i:]), true
	}
	if i := strings.Index(text, indexMessage); i >= 0 {
		kind, _, _ := strings.Cut(text[i+len(indexMessage):], ")")
		return "attempt to index a " + kind + " value", true
	}
	for _, known := range []string{"registry overflow", "too many recursions in gettable", "too many recursions in settable"} {
		if strings.HasSuffix(text, known) {
			return instructionMessage(known)
		}
	}
	return "", false
}

// What the messages of the interpreter begin with.
const (
	compareMessage = "attempt to compare "
	indexMessage   = "attempt to index a non-table object("
)

// instructionMessage is the interpreter's messages without any value in them.
func instructionMessage(message string) (string, bool) {
	switch message {
	case "registry overflow", "stack overflow":
		return "stack overflow", true
	case "too many recursions in gettable":
		return "'__index' chain too long; possible loop", true
	case "too many recursions in settable":
		return "'__newindex' chain too long; possible loop", true
	}
	return "", false
}

func explainInstruction(L *lua.LState, f frame, message string) string {
	if text, ok := instructionMessage(message); ok {
		return text
	}
	word, ok := f.instruction()
	if !ok {
		return message
	}
	o := operands{L: L, f: f, word: word}
	switch {
	case strings.HasPrefix(message, indexMessage):
		return o.indexed(message)
	case message == "attempt to call a non-function object":
		return o.called(message)
	case strings.HasPrefix(message, "cannot perform concat operation"):
		return o.concatenated(message)
	case strings.HasPrefix(message, "cannot perform "), message == "__unm undefined":
		return o.calculated(message)
	case message == "__len undefined":
		return o.blame("get length of", argB(word))
	case strings.HasPrefix(message, "for statement "):
		return o.looped(message)
	case strings.HasPrefix(message, compareMessage):
		return compared(message)
	}
	return message
}

// operands are the values that the failing instruction works on.
type operands struct {
	L    *lua.LState
	f    frame
	word uint32
}

// value is what a register or constant holds.
func (o operands) value(argument int) lua.LValue {
	p := o.f.function().Proto
	if argument&constantBit != 0 {
		return p.Constants[argument&^constantBit]
	}
	dbg, ok := o.L.GetStack(0)
	if !ok {
		return lua.LNil
	}
	_, value := o.L.GetLocal(dbg, argument+1)
	return value
}

// blame is "attempt to VERB a TYPE value (KIND 'NAME')".
func (o operands) blame(verb string, argument int) string {
	return o.blameType(verb, typeName(o.L, o.value(argument)), argument)
}

func (o operands) blameType(verb, kind string, argument int) string {
	return "attempt to " + verb + " a " + kind + " value" + o.variable(argument)
}

// variable is " (local 'x')" and such, or empty.
func (o operands) variable(argument int) string {
	fn := o.f.function()
	var kind, name string
	if argument&constantBit != 0 {
		kind, name = "constant", constantName(fn.Proto, argument&^constantBit)
	} else {
		kind, name = registerName(fn, o.f.pc(), argument)
	}
	if name == "" || name == "?" && kind == "constant" {
		return ""
	}
	return " (" + kind + " '" + name + "')"
}

// indexed explains o[k]: the type stands in the message, since the value may be
// one of a chain of __index.
func (o operands) indexed(message string) string {
	rest := strings.TrimPrefix(message, indexMessage)
	kind, _, ok := strings.Cut(rest, ") with key ")
	if !ok {
		return message
	}
	argument := argB(o.word)
	switch opcode(o.word) {
	case lua.OP_SETTABLE, lua.OP_SETTABLEKS:
		argument = argA(o.word)
	case lua.OP_GETTABLE, lua.OP_GETTABLEKS, lua.OP_SELF:
	default:
		return "attempt to index a " + kind + " value"
	}
	value := o.value(argument)
	if value.Type().String() != kind {
		return "attempt to index a " + kind + " value"
	}
	if o.variable(argument) == "" && opcode(o.word) != lua.OP_SETTABLE && opcode(o.word) != lua.OP_GETTABLE {
		return "attempt to index a " + typeName(o.L, value) + " value (field '?')"
	}
	return o.blame("index", argument)
}

func (o operands) called(message string) string {
	switch opcode(o.word) {
	case lua.OP_CALL, lua.OP_TAILCALL:
		return o.blame("call", argA(o.word))
	case lua.OP_TFORLOOP:
		return "attempt to call a " + typeName(o.L, o.value(argA(o.word))) + " value (for iterator 'for iterator')"
	}
	return message
}

func (o operands) concatenated(message string) string {
	rest := strings.TrimPrefix(message, "cannot perform concat operation between ")
	left, right, ok := strings.Cut(rest, " and ")
	if !ok {
		return message
	}
	bad := right
	if left != "string" && left != "number" {
		bad = left
	}
	if right != "string" && right != "number" && (left == "string" || left == "number") {
		bad = right
	}
	for argument := argB(o.word); argument <= argC(o.word); argument++ {
		if typeOf(o.value(argument)) == bad {
			return o.blame("concatenate", argument)
		}
	}
	return "attempt to concatenate a " + bad + " value"
}

// calculated explains arithmetic: the second operand is to blame unless it is a
// number, as in the reference implementation.
func (o operands) calculated(string) string {
	left, right := o.value(argB(o.word)), o.value(argC(o.word))
	op := opcode(o.word)
	if op == lua.OP_UNM {
		right = left
	}
	if left.Type() == lua.LTString || right.Type() == lua.LTString {
		return "attempt to " + arithmeticName(op) + " a '" + typeName(o.L, left) + "' with a '" + typeName(o.L, right) + "'"
	}
	if op != lua.OP_UNM && isNumeric(left) {
		return o.blame("perform arithmetic on", argC(o.word))
	}
	return o.blame("perform arithmetic on", argB(o.word))
}

// looped explains the three values of a numeric for, in the order in which the
// reference implementation looks at them.
func (o operands) looped(message string) string {
	first := argA(o.word)
	for i, what := range []string{"limit", "step", "initial value"} {
		v := o.value(first + []int{1, 2, 0}[i])
		if _, ok := v.(lua.LNumber); !ok {
			return "bad 'for' " + what + " (number expected, got " + typeName(o.L, v) + ")"
		}
	}
	return message
}

// arithmeticName is what a failed operation on strings is called.
func arithmeticName(op int) string {
	switch op {
	case lua.OP_ADD:
		return "add"
	case lua.OP_SUB:
		return "sub"
	case lua.OP_MUL:
		return "mul"
	case lua.OP_DIV:
		return "div"
	case lua.OP_MOD:
		return "mod"
	case lua.OP_POW:
		return "pow"
	}
	return "unm"
}

func isNumeric(v lua.LValue) bool {
	_, ok := toNumber(v)
	return ok
}

// compared puts "attempt to compare T with T" as "two T values".
func compared(message string) string {
	left, right, _ := strings.Cut(strings.TrimPrefix(message, compareMessage), " with ")
	if left == right {
		return "attempt to compare two " + left + " values"
	}
	return message
}
