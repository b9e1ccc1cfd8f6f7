package data

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
)

// delta is a span of time, of either sign.
type delta time.Duration

func (c *call) delta(d time.Duration) int {
	return c.push(newObject(c.L, delta(d), "kumo.TimeDelta", deltaClass))
}

func deltaClass() class[delta] {
	whole := func(name, doc string, unit time.Duration) field[delta] {
		return field[delta]{name, "integer", doc, func(_ *lua.LState, d delta) lua.LValue {
			return lua.LNumber(time.Duration(d) / unit)
		}}
	}
	human := func(d delta) string { return duration.Format(time.Duration(d)) }
	return class[delta]{
		name: "kumo.TimeDelta",
		doc:  "A span of time, which may be negative. Two of them can be compared, added and subtracted.",
		text: human,
		fields: []field[delta]{
			{"seconds", "number", "seconds, with their fraction",
				func(_ *lua.LState, d delta) lua.LValue { return lua.LNumber(time.Duration(d).Seconds()) }},
			whole("milliseconds", "whole milliseconds", time.Millisecond),
			whole("microseconds", "whole microseconds", time.Microsecond),
			whole("nanoseconds", "nanoseconds; beyond 2^53, which is 104 days, the nearest number that Lua has", time.Nanosecond),
			{"human", "string", "for people, such as '1h 5m 3s'",
				func(_ *lua.LState, d delta) lua.LValue { return lua.LString(human(d)) }},
		},
		operators: map[string]func(c *call) int{
			"__eq": func(c *call) int { return c.push(lua.LBool(c.deltaAt(1) == c.deltaAt(2))) },
			"__lt": func(c *call) int { return c.push(lua.LBool(c.deltaAt(1) < c.deltaAt(2))) },
			"__le": func(c *call) int { return c.push(lua.LBool(c.deltaAt(1) <= c.deltaAt(2))) },
			"__add": func(c *call) int {
				a, b := c.deltaAt(1), c.deltaAt(2)
				return c.inRange(a+b, (a+b > a) == (b > 0))
			},
			"__sub": func(c *call) int {
				a, b := c.deltaAt(1), c.deltaAt(2)
				return c.inRange(a-b, (a-b < a) == (b > 0))
			},
		},
	}
}

func (c *call) deltaAt(n int) delta {
	d, ok := object[delta](c.get(n))
	if !ok {
		c.expected(n, "a kumo.TimeDelta")
	}
	return d
}

// inRange returns a sum, unless it has wrapped around.
func (c *call) inRange(d delta, ok bool) int {
	if !ok {
		c.fail("the result is longer than 292 years")
	}
	return c.delta(time.Duration(d))
}
