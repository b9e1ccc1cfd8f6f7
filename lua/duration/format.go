package duration

import (
	"fmt"
	"strings"
	"time"
)

// Format is the canonical text of a duration, largest unit first, such
// as "1h 5m 3s" or "2months 1day"; zero is "0s". Parse reads it back to
// the same value. A negative duration, which no policy can hold, gets a leading "-".
func Format(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	sign, left := "", uint64(d)
	if d < 0 {
		sign, left = "-", -uint64(d)
	}
	units := []struct {
		size   time.Duration
		name   string
		plural string
	}{
		{year, "year", "years"}, {month, "month", "months"}, {day, "day", "days"},
		{time.Hour, "h", "h"}, {time.Minute, "m", "m"}, {time.Second, "s", "s"},
		{time.Millisecond, "ms", "ms"}, {time.Microsecond, "us", "us"}, {1, "ns", "ns"},
	}
	var parts []string
	for _, u := range units {
		count := left / uint64(u.size)
		left %= uint64(u.size)
		switch {
		case count == 1:
			parts = append(parts, "1"+u.name)
		case count > 1:
			parts = append(parts, fmt.Sprint(count)+u.plural)
		}
	}
	return sign + strings.Join(parts, " ")
}
