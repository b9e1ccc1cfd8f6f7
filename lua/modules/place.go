package modules

import (
	"fmt"
	"iter"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Place is a line of Lua code.
type Place struct {
	File string
	Line int
}

func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// deepestStack bounds how many calls are looked at.
const deepestStack = 200

// Caller is the place from where the running Go function was called. It looks
// past Go functions in between, such as pcall, and out of coroutines. ok is false
// when no Lua code runs.
func Caller(L *lua.LState) (p Place, ok bool) {
	for place := range places(L) {
		return place, true
	}
	return Place{}, false
}

// Stack are the places that the running Go function was called from, the
// innermost first.
func Stack(L *lua.LState) []Place {
	var all []Place
	for place := range places(L) {
		all = append(all, place)
	}
	return all
}

func places(L *lua.LState) iter.Seq[Place] {
	return func(yield func(Place) bool) {
		for left := deepestStack; L != nil; L = L.Parent {
			for level := 0; left > 0; level, left = level+1, left-1 {
				frame, ok := L.GetStack(level)
				if !ok {
					break
				}
				_, err := L.GetInfo("Sl", frame, lua.LNil)
				if err != nil || frame.CurrentLine <= 0 || strings.HasPrefix(frame.Source, "=") {
					continue // a Go function, or Lua code of the engine's own
				}
				if !yield(Place{File: frame.Source, Line: frame.CurrentLine}) {
					return
				}
			}
		}
	}
}
