package engine

import (
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

const (
	// minTime and maxTime bound the years that os.date writes, in seconds: what
	// fits into C's tm_year.
	minTime = -67768040609740800
	maxTime = 67767976233532799
)

// osDate formats a time as C's strftime does in the "C" locale, or makes a table
// of it.
func osDate(L *lua.LState) int {
	format := optString(L, 1, "%c")
	t := time.Now()
	if L.Get(2) != lua.LNil {
		seconds := checkInt(L, 2)
		if seconds < minTime || seconds > maxTime {
			raisef(L, "date result cannot be represented in this installation")
		}
		t = time.Unix(seconds, 0)
	}
	if rest, utc := strings.CutPrefix(format, "!"); utc {
		format, t = rest, t.UTC()
	}
	if strings.HasPrefix(format, "*t") {
		table := L.CreateTable(0, 9)
		setTimeFields(table, t)
		L.Push(table)
		return 1
	}
	text, bad := strftime(format, t)
	if bad != "" {
		argError(L, 1, "invalid conversion specifier '"+bad+"'")
	}
	L.Push(lua.LString(text))
	return 1
}

// strftime formats t. bad is the first conversion that there is none of.
func strftime(format string, t time.Time) (text, bad string) {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out.WriteByte(format[i])
			continue
		}
		size := 2
		if i+1 < len(format) && (format[i+1] == 'E' || format[i+1] == 'O') {
			size = 3 // the alternative forms are those of the locale: none
		}
		if i+size > len(format) {
			return "", format[i:]
		}
		conversion := format[i : i+size]
		if !isConversion(conversion) {
			return "", conversion
		}
		out.WriteString(convertTime(conversion[size-1], t))
		i += size - 1
	}
	return out.String(), ""
}

// isConversion says whether C99 has it.
func isConversion(c string) bool {
	switch c[1] {
	case 'E':
		return strings.IndexByte("cCxXyY", c[2]) >= 0
	case 'O':
		return strings.IndexByte("deHImMSuUVwWy", c[2]) >= 0
	}
	return strings.IndexByte("aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%", c[1]) >= 0
}

func convertTime(c byte, t time.Time) string {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January",
		'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06", 'e': "_2",
		'F': "2006-01-02", 'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM",
		'r': "03:04:05 PM", 'R': "15:04", 'S': "05", 'T': "15:04:05",
		'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'z': "-0700",
	}
	if layout, ok := layouts[c]; ok {
		return t.Format(layout)
	}
	isoYear, isoWeek := t.ISOWeek()
	switch c {
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100)
	case 'g':
		return fmt.Sprintf("%02d", isoYear%100)
	case 'G':
		return fmt.Sprint(isoYear)
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay())
	case 'n':
		return "\n"
	case 's':
		return fmt.Sprint(t.Unix())
	case 't':
		return "\t"
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1)
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7)
	case 'V':
		return fmt.Sprintf("%02d", isoWeek)
	case 'w':
		return fmt.Sprint(int(t.Weekday()))
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
	case 'Y':
		return fmt.Sprint(t.Year())
	case 'Z':
		return zoneName(t)
	}
	return "%"
}

// zoneName is the abbreviation; UTC is GMT to C.
func zoneName(t time.Time) string {
	if t.Location() == time.UTC {
		return "GMT"
	}
	name, _ := t.Zone()
	return name
}
