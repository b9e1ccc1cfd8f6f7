package data

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

// moment is a time in UTC, of the years 1 to 9999.
type moment struct{ time.Time }

const lastYear = 9999 // no format has room for a later one

func (c *call) moment(t time.Time) int {
	v := NewTime(c.L, t)
	if v == lua.LNil {
		c.fail("the time would not be within the years 1 to %d", lastYear)
	}
	return c.push(v)
}

// NewTime is a point in time as kumo.time.now gives it, for the modules of other
// packages; nil for one that is not within the years 1 to 9999.
func NewTime(L *lua.LState, t time.Time) lua.LValue {
	if t = t.UTC(); t.Year() < 1 || t.Year() > lastYear {
		return lua.LNil
	}
	return newObject(L, moment{t}, "kumo.Time", momentClass)
}

func momentClass() class[moment] {
	number := func(name, doc string, get func(t time.Time) int64) field[moment] {
		return field[moment]{name, "integer", doc, func(_ *lua.LState, m moment) lua.LValue { return lua.LNumber(get(m.Time)) }}
	}
	text := func(name, doc string, get func(t time.Time) string) field[moment] {
		return field[moment]{name, "string", doc, func(_ *lua.LState, m moment) lua.LValue { return lua.LString(get(m.Time)) }}
	}
	return class[moment]{
		name: "kumo.Time",
		doc:  "A point in time, in UTC. Two of them can be compared; the difference of two is a kumo.TimeDelta, which can be added and subtracted.",
		text: func(m moment) string { return m.Format("2006-01-02 15:04:05") + fraction(m.Time) + " UTC" },
		fields: []field[moment]{
			number("year", "the year", func(t time.Time) int64 { return int64(t.Year()) }),
			number("month", "the month, 1 to 12", func(t time.Time) int64 { return int64(t.Month()) }),
			number("day", "the day of the month, from 1", func(t time.Time) int64 { return int64(t.Day()) }),
			number("hour", "the hour, 0 to 23", func(t time.Time) int64 { return int64(t.Hour()) }),
			number("minute", "the minute, 0 to 59", func(t time.Time) int64 { return int64(t.Minute()) }),
			number("second", "the second, 0 to 59", func(t time.Time) int64 { return int64(t.Second()) }),
			number("unix_timestamp", "whole seconds since 1970", time.Time.Unix),
			number("unix_timestamp_millis", "whole milliseconds since 1970", time.Time.UnixMilli),
			text("rfc2822", "as in mail, such as 'Sun, 2 Jan 2000 03:04:05 +0000'", func(t time.Time) string {
				return t.Format("Mon, 2 Jan 2006 15:04:05 +0000")
			}),
			text("rfc3339", "such as '2000-01-02T03:04:05+00:00'", rfc3339),
			{"elapsed", "kumo.TimeDelta", "the time since then", func(L *lua.LState, m moment) lua.LValue {
				return newObject(L, delta(time.Since(m.Time)), "kumo.TimeDelta", deltaClass)
			}},
		},
		methods: []method[moment]{{
			"format", "Formats the time as strftime does, with the specifiers of the Rust crate chrono, such as '%Y-%m-%d %H:%M:%S'. What is none remains as it stands.",
			params(param("layout", "string", "the layout, at most 64 KiB")), returns("string", "the text"), formatMoment,
		}},
		operators: map[string]func(c *call) int{
			"__eq":  func(c *call) int { return c.compareMoments(func(a, b moment) bool { return a.Equal(b.Time) }) },
			"__lt":  func(c *call) int { return c.compareMoments(func(a, b moment) bool { return a.Before(b.Time) }) },
			"__le":  func(c *call) int { return c.compareMoments(func(a, b moment) bool { return !b.Before(a.Time) }) },
			"__add": addToMoment,
			"__sub": subtractFromMoment,
		},
	}
}

func formatMoment(c *call, m moment) int {
	const longest = 64 << 10
	layout := c.text(1)
	if len(layout) > longest {
		c.bad(1, "longer than %d KiB", longest>>10)
	}
	return c.string(strftime(m.Time, layout))
}

// momentAt is an operand that must be a time.
func (c *call) momentAt(n int) moment {
	m, ok := object[moment](c.get(n))
	if !ok {
		c.expected(n, "a kumo.Time")
	}
	return m
}

func (c *call) compareMoments(is func(a, b moment) bool) int {
	return c.push(lua.LBool(is(c.momentAt(1), c.momentAt(2))))
}

func addToMoment(c *call) int {
	m, d := c.momentAt(1), c.deltaAt(2)
	return c.moment(m.Add(time.Duration(d)))
}

func subtractFromMoment(c *call) int {
	m := c.momentAt(1)
	if d, ok := object[delta](c.get(2)); ok {
		return c.moment(m.Add(-time.Duration(d)))
	}
	other, ok := object[moment](c.get(2))
	if !ok {
		c.expected(2, "a kumo.Time or a kumo.TimeDelta")
	}
	difference := m.Sub(other.Time)
	// Sub stops at the longest time.Duration instead of saying that it is too short.
	if !other.Add(difference).Equal(m.Time) {
		c.fail("the difference is longer than 292 years")
	}
	return c.push(newObject(c.L, delta(difference), "kumo.TimeDelta", deltaClass))
}
