package engine

import (
	"encoding/binary"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func (m *machine) stringPack(L *lua.LState) int {
	format := newPackFormat(L, checkString(L, 1))
	L.Push(lua.LNil) // a value that is missing is nil, as in the reference
	var out []byte
	argument := 1
	for format.more() {
		o := format.next(len(out))
		if len(out)+o.padding+o.size > m.options.Memory {
			m.refuseLong(L)
		}
		out = append(out, make([]byte, o.padding)...)
		switch o.kind {
		case packPad:
			out = append(out, 0)
		case packAlign, packNothing:
		default:
			argument++
			out = m.packValue(L, format, out, o, argument)
		}
	}
	L.Push(lua.LString(out))
	return 1
}

func (m *machine) packValue(L *lua.LState, f *packFormat, out []byte, o packOption, n int) []byte {
	switch o.kind {
	case packInt, packUint:
		v := checkInt(L, n)
		if o.size < 8 && overflows(v, o) {
			if o.kind == packUint {
				argError(L, n, "unsigned overflow")
			}
			argError(L, n, "integer overflow")
		}
		return f.appendInt(out, uint64(v), o.size, v < 0)
	case packFloat:
		return f.appendInt(out, uint64(math.Float32bits(float32(checkNumber(L, n)))), 4, false)
	case packDouble:
		return f.appendInt(out, math.Float64bits(checkNumber(L, n)), 8, false)
	}
	text := checkString(L, n)
	if len(out)+len(text)+maxIntSize > m.options.Memory {
		m.refuseLong(L)
	}
	switch o.kind {
	case packFixed:
		if len(text) > o.size {
			argError(L, n, "string longer than given size")
		}
		out = append(out, text...)
		return append(out, make([]byte, o.size-len(text))...)
	case packPrefix:
		if o.size < 8 && uint64(len(text)) >= 1<<(8*o.size) {
			argError(L, n, "string length does not fit in given size")
		}
		out = f.appendInt(out, uint64(len(text)), o.size, false)
		return append(out, text...)
	}
	if strings.IndexByte(text, 0) >= 0 {
		argError(L, n, "string contains zeros")
	}
	return append(append(out, text...), 0)
}

func overflows(v int64, o packOption) bool {
	if o.kind == packUint {
		return uint64(v) >= 1<<(8*o.size)
	}
	limit := int64(1) << (8*o.size - 1)
	return v < -limit || v >= limit
}

// appendInt writes size bytes in the format's order, the sign filling what is
// beyond eight.
func (f *packFormat) appendInt(out []byte, v uint64, size int, negative bool) []byte {
	var bytes [maxIntSize]byte
	binary.LittleEndian.PutUint64(bytes[:], v)
	if negative {
		for i := 8; i < maxIntSize; i++ {
			bytes[i] = 0xff
		}
	}
	if f.big {
		reverse(bytes[:size])
	}
	return append(out, bytes[:size]...)
}

func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}

// stringUnpack returns the values and the position after them.
func stringUnpack(L *lua.LState) int {
	format, data := newPackFormat(L, checkString(L, 1)), checkString(L, 2)
	at := startAt(optInt(L, 3, 1), len(data))
	if at > len(data) {
		argError(L, 3, "initial position out of string")
	}
	n := 0
	for format.more() {
		o := format.next(at)
		if o.padding+o.size > len(data)-at {
			argError(L, 2, "data string too short")
		}
		at += o.padding
		if o.kind == packPad || o.kind == packAlign || o.kind == packNothing {
			at += o.size
			continue
		}
		if n++; n > maxResults {
			raisef(L, "too many results")
		}
		var value lua.LValue
		value, at = format.unpackValue(data, at, o)
		L.Push(value)
	}
	L.Push(lua.LNumber(at + 1))
	return n + 1
}

// unpackValue reads one value, whose fixed part is there, and gives the position
// after it.
func (f *packFormat) unpackValue(data string, at int, o packOption) (lua.LValue, int) {
	end := at + o.size
	switch o.kind {
	case packInt, packUint:
		return lua.LNumber(f.readInt(data[at:end], o.kind == packInt)), end
	case packFloat:
		bits := uint32(f.readInt(data[at:end], false))
		return lua.LNumber(math.Float32frombits(bits)), end
	case packDouble:
		return lua.LNumber(math.Float64frombits(uint64(f.readInt(data[at:end], false)))), end
	case packPrefix:
		length := f.readInt(data[at:end], false)
		if length < 0 || length > int64(len(data)-end) {
			argError(f.L, 2, "data string too short")
		}
		return lua.LString(data[end : end+int(length)]), end + int(length)
	case packZero:
		length := strings.IndexByte(data[at:], 0)
		if length < 0 {
			argError(f.L, 2, "unfinished string for format 'z'")
		}
		return lua.LString(data[at : at+length]), at + length + 1
	}
	return lua.LString(data[at:end]), end
}

// readInt reads an integer; what it has beyond eight bytes must be its sign.
func (f *packFormat) readInt(data string, signed bool) int64 {
	size := len(data)
	var bytes [maxIntSize]byte
	copy(bytes[:], data)
	if f.big {
		reverse(bytes[:size])
	}
	v := binary.LittleEndian.Uint64(bytes[:])
	if size < 8 {
		if shift := 64 - 8*size; signed {
			return int64(v<<shift) >> shift
		}
		return int64(v)
	}
	sign := byte(0)
	if signed && int64(v) < 0 {
		sign = 0xff
	}
	for _, b := range bytes[8:size] {
		if b != sign {
			raisef(f.L, "%d-byte integer does not fit into Lua Integer", size)
		}
	}
	return int64(v)
}
