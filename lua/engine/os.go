package engine

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func (m *machine) openOS(L *lua.LState) {
	m.library(L, "os", map[string]lua.LGFunction{
		"clock":     osClock,
		"date":      osDate,
		"difftime":  osDifftime,
		"execute":   m.osExecute,
		"exit":      osExit,
		"getenv":    osGetenv,
		"remove":    osRemove,
		"rename":    osRename,
		"setlocale": osSetlocale,
		"time":      osTime,
		"tmpname":   osTmpname,
	})
}

// osExit is refused: the process is not the policy's.
func osExit(L *lua.LState) int {
	raisef(L, "os.exit: a policy must not end the daemon")
	return 0
}

// osClock is the processor time of the whole process where the system tells it.
func osClock(L *lua.LState) int {
	L.Push(lua.LNumber(processorTime().Seconds()))
	return 1
}

func osDifftime(L *lua.LState) int {
	L.Push(lua.LNumber(checkNumber(L, 1) - checkNumber(L, 2)))
	return 1
}

func osGetenv(L *lua.LState) int {
	value, ok := os.LookupEnv(checkString(L, 1))
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LString(value))
	return 1
}

func osRemove(L *lua.LState) int {
	path := checkString(L, 1)
	return pushResult(L, os.Remove(path), path)
}

func osRename(L *lua.LState) int {
	return pushResult(L, os.Rename(checkString(L, 1), checkString(L, 2)), "")
}

// osSetlocale knows the one locale that there is.
func osSetlocale(L *lua.LState) int {
	locale := optString(L, 1, "C")
	checkOption(L, 2, "all", "all", "collate", "ctype", "monetary", "numeric", "time")
	if locale == "" || locale == "C" || locale == "POSIX" {
		L.Push(lua.LString("C"))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

// osTmpname makes the file, so that nobody else takes the name.
func osTmpname(L *lua.LState) int {
	f, err := os.CreateTemp("", "lua_")
	if err != nil {
		raisef(L, "unable to generate a unique filename")
	}
	name := f.Name()
	if err := f.Close(); err != nil {
		raisef(L, "unable to generate a unique filename")
	}
	L.Push(lua.LString(name))
	return 1
}

// pushResult pushes true, or nil, the text of the error with the file's name and
// the error number.
func pushResult(L *lua.LState, err error, path string) int {
	if err == nil {
		L.Push(lua.LTrue)
		return 1
	}
	text := reasonText(err)
	if path != "" {
		text = path + ": " + text
	}
	L.Push(lua.LNil)
	L.Push(lua.LString(text))
	L.Push(lua.LNumber(errorNumber(err)))
	return 3
}

// reasonText is what C's strerror says; Go says the same in small letters, and
// scripts compare.
func reasonText(err error) string {
	text := err.Error()
	var number syscall.Errno
	switch {
	case errors.As(err, &number):
		text = number.Error()
	case errors.Is(err, fs.ErrClosed):
		text = "bad file descriptor"
	}
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		text = string(text[0]-('a'-'A')) + text[1:]
	}
	return text
}

func errorNumber(err error) int {
	var number syscall.Errno
	if errors.As(err, &number) {
		return int(number)
	}
	return 0
}

// osTime is the time now, or that of a table of local time, whose fields it puts
// in order.
func osTime(L *lua.LState) int {
	if L.Get(1) == lua.LNil {
		L.Push(lua.LNumber(time.Now().Unix()))
		return 1
	}
	table := checkTable(L, 1)
	year := timeField(L, table, "year", nil, 1900)
	month := timeField(L, table, "month", nil, 1)
	day := timeField(L, table, "day", nil, 0)
	noon, zero := 12, 0
	hour := timeField(L, table, "hour", &noon, 0)
	minute := timeField(L, table, "min", &zero, 0)
	second := timeField(L, table, "sec", &zero, 0)
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.Local)
	setTimeFields(table, t)
	L.Push(lua.LNumber(t.Unix()))
	return 1
}

// timeField reads a whole number. C counts some from elsewhere, and refuses what
// does not fit into an int then.
func timeField(L *lua.LState, table *lua.LTable, key string, otherwise *int, origin int64) int {
	value := L.GetField(table, key)
	n, ok := toNumber(value)
	i, whole := toInteger(n)
	switch {
	case ok && whole:
	case value != lua.LNil:
		raisef(L, "field '%s' is not an integer", key)
	case otherwise == nil:
		raisef(L, "field '%s' missing in date table", key)
	default:
		return *otherwise
	}
	if i-origin > 1<<31-1 || i-origin < -1<<31 {
		raisef(L, "field '%s' is out-of-bound", key)
	}
	return int(i)
}

func setTimeFields(table *lua.LTable, t time.Time) {
	for key, value := range map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(),
		"hour": t.Hour(), "min": t.Minute(), "sec": t.Second(),
		"yday": t.YearDay(), "wday": int(t.Weekday()) + 1,
	} {
		table.RawSetString(key, lua.LNumber(value))
	}
	table.RawSetString("isdst", lua.LBool(t.IsDST()))
}
