package logging

import (
	"log/slog"
	"math"
	"strings"

	"github.com/troupe-proxy/troupe/internal/suggest"
)

// LevelTrace is the level below slog.LevelDebug.
const LevelTrace = slog.Level(-8)

// verbosity is a level as a filter names it; its value is the digit that may
// stand for it. The zero value writes nothing.
type verbosity uint8

const (
	verbosityOff verbosity = iota
	verbosityError
	verbosityWarn
	verbosityInfo
	verbosityDebug
	verbosityTrace
)

// parseVerbosity reads a name in any case or a digit from 0 to 5.
func parseVerbosity(s string) (verbosity, bool) {
	switch strings.ToLower(s) {
	case "0", "off":
		return verbosityOff, true
	case "1", "error":
		return verbosityError, true
	case "2", "warn":
		return verbosityWarn, true
	case "3", "info":
		return verbosityInfo, true
	case "4", "debug":
		return verbosityDebug, true
	case "5", "trace":
		return verbosityTrace, true
	}
	return verbosityOff, false
}

// misspelt is the level that a word was probably meant to be which is none, or "".
func misspelt(word string) string {
	word = strings.ToLower(word)
	names := []string{"error", "warn", "info", "debug", "trace", "off"}
	for _, name := range names {
		if strings.HasPrefix(name, word) {
			return name
		}
	}
	names = append(names, "warning")
	meant := suggest.Within(word, names, 2)
	if meant != "" && meant[0] != word[0] {
		meant = suggest.Within(word, names, 1) // "main" is a good target, and not nearly warn
	}
	if meant == "warning" {
		return "warn"
	}
	return meant
}

func (v verbosity) String() string {
	switch v {
	case verbosityError:
		return "error"
	case verbosityWarn:
		return "warn"
	case verbosityInfo:
		return "info"
	case verbosityDebug:
		return "debug"
	case verbosityTrace:
		return "trace"
	}
	return "off"
}

// threshold is the lowest level that v writes.
func (v verbosity) threshold() slog.Level {
	switch v {
	case verbosityError:
		return slog.LevelError
	case verbosityWarn:
		return slog.LevelWarn
	case verbosityInfo:
		return slog.LevelInfo
	case verbosityDebug:
		return slog.LevelDebug
	case verbosityTrace:
		return math.MinInt // whatever lies below trace has no name of its own
	}
	return math.MaxInt
}

// levelName is the name that l is written with. A level between two names has
// the lower one's: slog.LevelInfo+1 is INFO.
func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARN"
	case l >= slog.LevelInfo:
		return "INFO"
	case l >= slog.LevelDebug:
		return "DEBUG"
	}
	return "TRACE"
}
