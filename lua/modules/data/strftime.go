package data

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// strftime formats a time in UTC by the specifiers of the Rust crate chrono,
// module format::strftime. What is none of them remains as it stands.
func strftime(t time.Time, layout string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(layout, "%")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		text, size := specifier(t, after)
		if size == 0 {
			out.WriteByte('%')
		}
		out.WriteString(text)
		layout = after[size:]
	}
}

// specifier is what stands behind a percent sign, as text and how long it was; of
// no length if it is none.
func specifier(t time.Time, layout string) (text string, size int) {
	for _, long := range []struct{ name, text string }{
		{".3f", fmt.Sprintf(".%03d", t.Nanosecond()/1e6)},
		{".6f", fmt.Sprintf(".%06d", t.Nanosecond()/1e3)},
		{".9f", fmt.Sprintf(".%09d", t.Nanosecond())},
		{".f", fraction(t)},
		{"3f", fmt.Sprintf("%03d", t.Nanosecond()/1e6)},
		{"6f", fmt.Sprintf("%06d", t.Nanosecond()/1e3)},
		{"9f", fmt.Sprintf("%09d", t.Nanosecond())},
		{":::z", "+00"}, {"::z", "+00:00:00"}, {":z", "+00:00"}, {"#z", "+00"},
	} {
		if strings.HasPrefix(layout, long.name) {
			return long.text, len(long.name)
		}
	}
	if layout == "" {
		return "", 0
	}
	padding := layout[0]
	if padding == '-' || padding == '_' || padding == '0' {
		if len(layout) < 2 {
			return "", 0
		}
		if n, ok := numeric(t, layout[1]); ok {
			n.padding = padding
			return n.String(), 2
		}
		return "", 0
	}
	if n, ok := numeric(t, padding); ok {
		return n.String(), 1
	}
	if text, ok := wording(t, padding); ok {
		return text, 1
	}
	return "", 0
}

// fraction is the part of a second with a point before it and as many digits, in
// groups of three, as it needs.
func fraction(t time.Time) string {
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return ""
	case ns%1e6 == 0:
		return fmt.Sprintf(".%03d", ns/1e6)
	case ns%1e3 == 0:
		return fmt.Sprintf(".%06d", ns/1e3)
	default:
		return fmt.Sprintf(".%09d", ns)
	}
}

// padded is a number that is filled up at the left.
type padded struct {
	number  int64
	width   int
	padding byte // '0', '_' for blanks, '-' for nothing
}

func (p padded) String() string {
	switch p.padding {
	case '0':
		return fmt.Sprintf("%0*d", p.width, p.number)
	case '_':
		return fmt.Sprintf("%*d", p.width, p.number)
	}
	return strconv.FormatInt(p.number, 10)
}

func numeric(t time.Time, name byte) (padded, bool) {
	weekYear, week := t.ISOWeek()
	zeros := func(n, width int) (padded, bool) { return padded{int64(n), width, '0'}, true }
	blanks := func(n, width int) (padded, bool) { return padded{int64(n), width, '_'}, true }
	switch name {
	case 'Y':
		return zeros(t.Year(), 4)
	case 'C':
		return zeros(t.Year()/100, 2)
	case 'y':
		return zeros(t.Year()%100, 2)
	case 'q':
		return zeros((int(t.Month())+2)/3, 1)
	case 'm':
		return zeros(int(t.Month()), 2)
	case 'd':
		return zeros(t.Day(), 2)
	case 'e':
		return blanks(t.Day(), 2)
	case 'w':
		return zeros(int(t.Weekday()), 1)
	case 'u':
		return zeros((int(t.Weekday())+6)%7+1, 1)
	case 'U': // weeks that begin on Sunday
		return zeros((t.YearDay()+6-int(t.Weekday()))/7, 2)
	case 'W': // weeks that begin on Monday
		return zeros((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2)
	case 'G':
		return zeros(weekYear, 4)
	case 'g':
		return zeros(weekYear%100, 2)
	case 'V':
		return zeros(week, 2)
	case 'j':
		return zeros(t.YearDay(), 3)
	}
	return clock(t, name)
}

// clock are the numbers within a day, and that since 1970.
func clock(t time.Time, name byte) (padded, bool) {
	half := (t.Hour()+11)%12 + 1
	switch name {
	case 'H':
		return padded{int64(t.Hour()), 2, '0'}, true
	case 'k':
		return padded{int64(t.Hour()), 2, '_'}, true
	case 'I':
		return padded{int64(half), 2, '0'}, true
	case 'l':
		return padded{int64(half), 2, '_'}, true
	case 'M':
		return padded{int64(t.Minute()), 2, '0'}, true
	case 'S':
		return padded{int64(t.Second()), 2, '0'}, true
	case 'f':
		return padded{int64(t.Nanosecond()), 9, '0'}, true
	case 's':
		return padded{t.Unix(), 1, '0'}, true
	}
	return padded{}, false
}

// wording are the specifiers that are no single number.
func wording(t time.Time, name byte) (string, bool) {
	layouts := map[byte]string{
		'b': "Jan", 'h': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'p': "PM", 'P': "pm",
		'D': "01/02/06", 'x': "01/02/06", 'F': "2006-01-02", 'v': "_2-Jan-2006",
		'R': "15:04", 'T': "15:04:05", 'X': "15:04:05", 'r': "03:04:05 PM",
		'c': "Mon Jan _2 15:04:05 2006",
	}
	if layout, ok := layouts[name]; ok {
		return t.Format(layout), true
	}
	switch name {
	case 'Z':
		return "UTC", true
	case 'z':
		return "+0000", true
	case '+':
		return rfc3339(t), true
	case 't':
		return "\t", true
	case 'n':
		return "\n", true
	case '%':
		return "%", true
	}
	return "", false
}

func rfc3339(t time.Time) string {
	return t.Format("2006-01-02T15:04:05") + fraction(t) + "+00:00"
}
