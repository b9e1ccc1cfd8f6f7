package data

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

// timer measures until it is done. One that nobody ends reports nothing.
type timer struct {
	label    string
	started  time.Time
	done     bool
	observer func(label string, took time.Duration)
}

func timerFunction(o Options) function {
	return function{
		name:    "start_timer",
		doc:     "Begins to measure how long something takes. It shows in the histogram user_lua_latency when the timer is done.",
		params:  params(param("label", "string", "what is measured, at most 256 bytes")),
		results: returns("kumo.Timer", "the timer"),
		do: func(c *call) int {
			const longest = 256
			label := c.text(1)
			if len(label) > longest {
				c.bad(1, "longer than %d bytes", longest)
			}
			t := &timer{label: label, started: time.Now(), observer: o.Timer}
			return c.push(newObject(c.L, t, "kumo.Timer", timerClass))
		},
	}
}

func timerClass() class[*timer] {
	return class[*timer]{
		name: "kumo.Timer",
		doc:  "A running timer. Call done on every way out of the block: there are no <close> variables here.",
		methods: []method[*timer]{{
			"done", "Ends the timer.", nil, returns("number?", "the seconds since it was started; nil if it was done before"),
			func(c *call, t *timer) int { return c.push(t.end()) },
		}},
		operators: map[string]func(c *call) int{
			"__close": func(c *call) int {
				if t, ok := object[*timer](c.get(1)); ok {
					t.end()
				}
				return 0
			},
		},
	}
}

func (t *timer) end() lua.LValue {
	if t.done {
		return lua.LNil
	}
	t.done = true
	took := time.Since(t.started)
	if t.observer != nil {
		t.observer(t.label, took)
	}
	return lua.LNumber(took.Seconds())
}
