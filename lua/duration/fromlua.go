package duration

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

// FromLua reads a duration as Lua code gives it: a number as Seconds does, a
// string as Parse does. A value of another type is refused with NotADuration. The
// error is an *Error.
func FromLua(v lua.LValue) (time.Duration, error) {
	switch v := v.(type) {
	case lua.LNumber:
		return Seconds(float64(v))
	case lua.LString:
		return Parse(string(v))
	}
	return 0, &Error{Text: v.Type().String(), Reason: NotADuration}
}
