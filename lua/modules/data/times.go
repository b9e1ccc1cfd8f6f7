package data

import (
	"math"
	"net/mail"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func timeModule(o Options) spec.Module {
	return module("kumo.time", "Points in time, spans of time, and measuring them.", []function{
		{
			name:    "now",
			doc:     "The time it is.",
			results: returns("kumo.Time", "now"),
			do:      func(c *call) int { return c.moment(time.Now()) },
		},
		{
			name:    "from_unix_timestamp",
			doc:     "A time by the seconds since 1970.",
			params:  params(param("seconds", "number", "seconds, with or without a fraction")),
			results: returns("kumo.Time", "the time"),
			do:      fromTimestamp,
		},
		{
			name: "with_ymd_hms",
			doc:  "A time by its date and hour in UTC. A date that there is not, such as 30 February, raises an error.",
			params: params(param("year", "integer", "1 to 9999"), param("month", "integer", "1 to 12"),
				param("day", "integer", "1 to 31"), param("hour", "integer", "0 to 23"),
				param("minute", "integer", "0 to 59"), param("second", "integer", "0 to 59")),
			results: returns("kumo.Time", "the time"),
			do:      fromDate,
		},
		{
			name:    "parse_rfc3339",
			doc:     "A time by text such as '2000-01-02T03:04:05Z'.",
			params:  params(param("text", "string", "the text")),
			results: returns("kumo.Time", "the time"),
			do: func(c *call) int {
				return c.parseTime(func(text string) (time.Time, error) { return time.Parse(time.RFC3339Nano, text) },
					"2000-01-02T03:04:05Z")
			},
		},
		{
			name:    "parse_rfc2822",
			doc:     "A time by text as in mail, such as 'Sun, 2 Jan 2000 03:04:05 +0000'.",
			params:  params(param("text", "string", "the text")),
			results: returns("kumo.Time", "the time"),
			do:      func(c *call) int { return c.parseTime(mail.ParseDate, "Sun, 2 Jan 2000 03:04:05 +0000") },
		},
		{
			name:    "parse_duration",
			doc:     "A span of time.",
			params:  params(param("value", "number|string", "seconds, which may be negative, or text such as '1m 30s'")),
			results: returns("kumo.TimeDelta", "the span"),
			do:      parseDuration,
		},
		timerFunction(o),
		sleepFunction(),
	}, momentClass().spec(), deltaClass().spec(), timerClass().spec())
}

func fromTimestamp(c *call) int {
	whole, fraction := math.Modf(c.number(1))
	const beyond = 1 << 40 // seconds, more than any year that is allowed
	if math.Abs(whole) > beyond {
		c.bad(1, "the time would not be within the years 1 to %d", lastYear)
	}
	return c.moment(time.Unix(int64(whole), int64(math.Round(fraction*1e9))))
}

func fromDate(c *call) int {
	year, month, day := c.integer(1, 1, lastYear), c.integer(2, 1, 12), c.integer(3, 1, 31)
	hour, minute, second := c.integer(4, 0, 23), c.integer(5, 0, 59), c.integer(6, 0, 59)
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day {
		c.bad(3, "the month does not have that day")
	}
	return c.moment(t)
}

func (c *call) parseTime(parse func(string) (time.Time, error), example string) int {
	const longest = 256 // bytes, more than any time takes
	text := c.text(1)
	if len(text) > longest {
		c.bad(1, "expected a time such as '%s'", example)
	}
	t, err := parse(text)
	if err != nil {
		c.bad(1, "expected a time such as '%s'", example)
	}
	return c.moment(t)
}

func parseDuration(c *call) int {
	v, sign := c.get(1), time.Duration(1)
	if n, ok := v.(lua.LNumber); ok && n < 0 {
		v, sign = -n, -1
	}
	d, err := duration.FromLua(v)
	if err != nil {
		c.bad(1, "%s", err)
	}
	return c.delta(sign * d)
}

// sleepFunction is kumo.sleep and kumo.time.sleep.
func sleepFunction() function {
	return function{
		name:   "sleep",
		doc:    "Waits. It raises an error when the time of the handler is up before.",
		params: params(param("seconds", "number", "how long, with or without a fraction")),
		do: func(c *call) int {
			d, err := duration.Seconds(c.number(1))
			if err != nil {
				c.bad(1, "%s", err)
			}
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-c.ctx().Done():
				c.alive()
			}
			return 0
		},
	}
}
