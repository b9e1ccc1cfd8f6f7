package duration

import "time"

const (
	day   = 24 * time.Hour
	week  = 7 * day
	month = 2_630_016 * time.Second  // 30.44 days, as humantime has it
	year  = 31_557_600 * time.Second // 365.25 days
)

// unitOf knows the units of the Rust crate humantime 2.4, which KumoMTA uses.
func unitOf(name string) (time.Duration, bool) {
	switch name {
	case "ns", "nsec", "nanos":
		return time.Nanosecond, true
	case "us", "usec", "µs":
		return time.Microsecond, true
	case "ms", "msec", "millis":
		return time.Millisecond, true
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return day, true
	case "w", "wk", "wks", "week", "weeks":
		return week, true
	case "M", "month", "months":
		return month, true
	case "y", "yr", "yrs", "year", "years":
		return year, true
	}
	return 0, false
}

// unitNames are the units worth proposing to somebody who mistyped one.
func unitNames() []string {
	return []string{
		"s", "ms", "us", "ns", "m", "h", "d", "w", "y",
		"sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes", "hour", "hours",
		"day", "days", "week", "weeks", "month", "months", "year", "years", "msec", "usec", "nsec", "millis", "nanos",
	}
}
