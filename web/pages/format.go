package pages

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// functions are those of the templates.
func functions() template.FuncMap {
	return template.FuncMap{
		"capital":     capital,
		"number":      formatNumber,
		"whole":       func(n int) string { return formatNumber(float64(n)) },
		"bytes":       formatBytes,
		"count":       func(n uint64) string { return formatNumber(float64(n)) },
		"size":        func(n uint64) string { return formatBytes(float64(n)) },
		"seconds":     func(s float64) string { return formatSpan(time.Duration(s * float64(time.Second))) },
		"stamp":       func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"when":        func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"percent":     percent,
		"words":       func(s string) string { return strings.ReplaceAll(s, "_", " ") },
		"restartable": restartable,
		"last":        func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] },
	}
}

// formatNumber writes a figure for people: three digits, or all of a whole part,
// in groups.
func formatNumber(n float64) string {
	switch {
	case n == 0:
		return "0"
	case n < 10 && n != math.Trunc(n):
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// formatBytes writes an amount with the unit that suits it.
func formatBytes(n float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for ; n >= 999.5 && i < len(units)-1; i++ {
		n /= 1000
	}
	if i > 0 && n < 9.95 {
		return fmt.Sprintf("%.1f %s", n, units[i])
	}
	return fmt.Sprintf("%.0f %s", n, units[i])
}

// formatSpan writes a duration with its two greatest units.
func formatSpan(d time.Duration) string {
	d = d.Round(time.Second)
	hours := int(d.Hours())
	switch minutes, seconds := int(d.Minutes())%60, int(d.Seconds())%60; {
	case hours >= 24:
		return fmt.Sprintf("%d d %d h", hours/24, hours%24)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	default:
		return fmt.Sprintf("%d s", seconds)
	}
}
