package engine

import (
	crand "crypto/rand"
	"encoding/binary"
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

// generator is xoshiro256**, the generator of the reference implementation, so
// that a seed gives the same numbers there and here. Each state has its own.
type generator [4]uint64

// newGenerator is seeded from the system.
func newGenerator() generator {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	var g generator
	for i := range g {
		g[i] = binary.LittleEndian.Uint64(seed[8*i:])
	}
	return g
}

func (g *generator) next() uint64 {
	s0, s1, s2, s3 := g[0], g[1], g[2]^g[0], g[3]^g[1]
	result := bits.RotateLeft64(s1*5, 7) * 9
	g[0] = s0 ^ s3
	g[1] = s1 ^ s2
	g[2] = s2 ^ (s1 << 17)
	g[3] = bits.RotateLeft64(s3, 45)
	return result
}

func (g *generator) seed(n1, n2 uint64) {
	*g = generator{n1, 0xff, n2, 0}
	for range 16 {
		g.next()
	}
}

// below is a number from 0 to limit, both included, each as likely.
func (g *generator) below(limit uint64) uint64 {
	r := g.next()
	if limit&(limit+1) == 0 {
		return r & limit
	}
	mask := uint64(1)<<bits.Len64(limit) - 1
	for r &= mask; r > limit; r = g.next() & mask {
	}
	return r
}

func (m *machine) mathRandom(L *lua.LState) int {
	low, high := int64(1), int64(0)
	switch L.GetTop() {
	case 0:
		L.Push(lua.LNumber(float64(m.random.next()>>11) * 0x1p-53))
		return 1
	case 1:
		high = checkInt(L, 1)
		if high == 0 {
			// All bits, as far as a number can hold them.
			L.Push(lua.LNumber(int64(m.random.next()) >> 10))
			return 1
		}
	case 2:
		low, high = checkInt(L, 1), checkInt(L, 2)
	default:
		raisef(L, "wrong number of arguments")
	}
	if low > high {
		argError(L, 1, "interval is empty")
	}
	L.Push(lua.LNumber(low + int64(m.random.below(uint64(high)-uint64(low)))))
	return 1
}

// mathRandomSeed returns the two parts of the seed, as 5.4.4 does.
func (m *machine) mathRandomSeed(L *lua.LState) int {
	var n1, n2 uint64
	if L.GetTop() == 0 {
		fresh := newGenerator()
		n1, n2 = fresh[0]>>11, fresh[1]>>11
	} else {
		seed := checkNumber(L, 1)
		if i, ok := toInteger(seed); ok {
			n1 = uint64(i)
		} else {
			n1 = math.Float64bits(seed)
		}
		n2 = uint64(optInt(L, 2, 0))
	}
	m.random.seed(n1, n2)
	L.Push(lua.LNumber(int64(n1)))
	L.Push(lua.LNumber(int64(n2)))
	return 2
}
