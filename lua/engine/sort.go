package engine

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// sorter sorts with a comparison that may be nonsense: it ends in any case, and
// says "invalid order function" when it notices.
type sorter struct {
	*machine
	L       *lua.LState
	values  []lua.LValue
	less    lua.LValue // a function, or nil for the operator
	compare int64
}

func (m *machine) tableSort(L *lua.LState) int {
	list := checkList(L, 1, "__index", "__newindex", "__len")
	size := length(L, list)
	if size < 2 {
		return 0
	}
	if size >= math.MaxInt32 {
		argError(L, 1, "array too big")
	}
	s := sorter{machine: m, L: L, less: lua.LNil}
	if L.Get(2) != lua.LNil {
		s.less = checkFunction(L, 2)
	}
	for i := range size {
		pause(L, i)
		s.values = append(s.values, elementAt(L, list, i+1))
	}
	s.sort(0, len(s.values)-1)
	for i, value := range s.values {
		pause(L, int64(i))
		setElement(L, list, int64(i)+1, value)
	}
	return 0
}

// before is a < b. It holds no Go state over the call but what is on the stack of
// L, so an error in the function may pass through.
func (s *sorter) before(i, j int) bool {
	s.compare++
	pause(s.L, s.compare)
	a, b := s.values[i], s.values[j]
	if s.less == lua.LNil {
		return s.L.LessThan(a, b)
	}
	s.L.Push(s.less)
	s.L.Push(a)
	s.L.Push(b)
	s.callback(s.L, 2, 1)
	result := lua.LVAsBool(s.L.Get(-1))
	s.L.Pop(1)
	return result
}

func (s *sorter) swap(i, j int) { s.values[i], s.values[j] = s.values[j], s.values[i] }

// sort is quicksort with the median of three, as in the reference implementation,
// so that a wrong comparison is noticed in the same way.
func (s *sorter) sort(low, high int) {
	for low < high {
		if s.before(high, low) {
			s.swap(low, high)
		}
		if high-low == 1 {
			return
		}
		middle := low + (high-low)/2
		if s.before(middle, low) {
			s.swap(middle, low)
		} else if s.before(high, middle) {
			s.swap(middle, high)
		}
		if high-low == 2 {
			return
		}
		s.swap(middle, high-1)
		pivot := s.partition(low, high)
		// The smaller part first, so that the depth stays logarithmic.
		if pivot-low < high-pivot {
			s.sort(low, pivot-1)
			low = pivot + 1
		} else {
			s.sort(pivot+1, high)
			high = pivot - 1
		}
	}
}

// partition puts what comes before the pivot, which is the last but one, to its
// left and returns its place.
func (s *sorter) partition(low, high int) int {
	i, j := low, high-1
	for {
		for i++; s.before(i, high-1); i++ {
			if i == high-1 {
				raisef(s.L, "invalid order function for sorting")
			}
		}
		for j--; s.before(high-1, j); j-- {
			if j < i {
				raisef(s.L, "invalid order function for sorting")
			}
		}
		if j < i {
			s.swap(high-1, i)
			return i
		}
		s.swap(i, j)
	}
}
