package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// portRange is the ports from low to high, both included.
type portRange struct{ low, high uint16 }

// everyPort includes port 0, which no entry can name.
var everyPort = portRange{0, 65535}

// parsePorts reads a list of ports and ranges. The result is in order, and no
// two of its ranges touch.
func parsePorts(text string) ([]portRange, *EntryError) {
	var list []portRange
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		low, ok := parsePort(first)
		high := low
		if isRange && ok {
			high, ok = parsePort(last)
		}
		switch {
		case !ok:
			return nil, problem(BadPort)
		case high < low:
			return nil, problem(PortOrder)
		}
		list = append(list, portRange{low, high})
	}
	return joined(list), nil
}

func parsePort(text string) (uint16, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n > 0
}

// joined sorts ranges and makes one of those that overlap or touch.
func joined(list []portRange) []portRange {
	slices.SortFunc(list, func(a, b portRange) int { return cmp.Compare(a.low, b.low) })
	all := list[:0]
	for _, r := range list {
		if last := len(all) - 1; last >= 0 && int(r.low) <= int(all[last].high)+1 {
			all[last].high = max(all[last].high, r.high)
			continue
		}
		all = append(all, r)
	}
	return all
}
