package engine

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// packKind is what one option of a format string of string.pack stands for.
type packKind int

const (
	packInt packKind = iota
	packUint
	packFloat
	packDouble
	packFixed  // cn
	packPrefix // sn
	packZero   // z
	packPad    // x
	packAlign  // Xop
	packNothing
)

const (
	// maxIntSize is the longest integer in bytes.
	maxIntSize = 16
	// nativeAlign is what "!" alone means.
	nativeAlign = 8
)

// packFormat reads a format string of string.pack and its kin (manual, 6.4.2).
// The native sizes are those of 64-bit Linux, whatever the machine.
type packFormat struct {
	L        *lua.LState
	rest     string
	big      bool
	maxAlign int
}

func newPackFormat(L *lua.LState, format string) *packFormat {
	return &packFormat{L: L, rest: format, maxAlign: 1}
}

// packOption is one option, with the bytes to skip before it.
type packOption struct {
	kind    packKind
	size    int
	padding int
}

func (f *packFormat) more() bool { return f.rest != "" }

// number reads a decimal number, or gives the one that stands for none.
func (f *packFormat) number(none int) int {
	if f.rest == "" || !isDigit(f.rest[0]) {
		return none
	}
	n := 0
	for f.rest != "" && isDigit(f.rest[0]) && n <= (math.MaxInt32-9)/10 {
		n = n*10 + int(f.rest[0]-'0')
		f.rest = f.rest[1:]
	}
	return n
}

func (f *packFormat) intSize(none int) int {
	n := f.number(none)
	if n > maxIntSize || n <= 0 {
		raisef(f.L, "integral size (%d) out of limits [1,%d]", n, maxIntSize)
	}
	return n
}

// option reads one option without its alignment.
func (f *packFormat) option() packOption {
	c := f.rest[0]
	f.rest = f.rest[1:]
	switch c {
	case 'b', 'h', 'i', 'l', 'j':
		return packOption{kind: packInt, size: f.integerSize(c)}
	case 'B', 'H', 'I', 'L', 'J', 'T':
		return packOption{kind: packUint, size: f.integerSize(c)}
	case 'f':
		return packOption{kind: packFloat, size: 4}
	case 'd', 'n':
		return packOption{kind: packDouble, size: 8}
	case 's':
		return packOption{kind: packPrefix, size: f.intSize(8)}
	case 'c':
		size := f.number(-1)
		if size < 0 {
			raisef(f.L, "missing size for format option 'c'")
		}
		return packOption{kind: packFixed, size: size}
	case 'z':
		return packOption{kind: packZero}
	case 'x':
		return packOption{kind: packPad, size: 1}
	case 'X':
		return packOption{kind: packAlign}
	case ' ':
	case '<', '=':
		f.big = false
	case '>':
		f.big = true
	case '!':
		f.maxAlign = f.intSize(nativeAlign)
	default:
		raisef(f.L, "invalid format option '%c'", c)
	}
	return packOption{kind: packNothing}
}

func (f *packFormat) integerSize(c byte) int {
	switch c {
	case 'b', 'B':
		return 1
	case 'h', 'H':
		return 2
	case 'i', 'I':
		return f.intSize(4)
	}
	return 8
}

// next reads one option; total is how many bytes come before it.
func (f *packFormat) next(total int) packOption {
	o := f.option()
	align := o.size
	switch o.kind {
	case packAlign:
		if f.rest == "" {
			argError(f.L, 1, "invalid next option for option 'X'")
		}
		following := f.option()
		align = following.size
		if following.kind == packFixed || align == 0 {
			argError(f.L, 1, "invalid next option for option 'X'")
		}
	case packInt, packUint, packFloat, packDouble, packPrefix:
	default:
		return o
	}
	if align <= 1 {
		return o
	}
	align = min(align, f.maxAlign)
	if align&(align-1) != 0 {
		argError(f.L, 1, "format asks for alignment not power of 2")
	}
	o.padding = (align - total&(align-1)) & (align - 1)
	return o
}

// stringPackSize is the length that pack gives for a format of fixed size.
func (m *machine) stringPackSize(L *lua.LState) int {
	format := newPackFormat(L, checkString(L, 1))
	total := 0
	for format.more() {
		o := format.next(total)
		if o.kind == packPrefix || o.kind == packZero {
			argError(L, 1, "variable-length format")
		}
		if total > math.MaxInt32-o.size-o.padding {
			argError(L, 1, "format result too large")
		}
		total += o.size + o.padding
	}
	L.Push(lua.LNumber(total))
	return 1
}
