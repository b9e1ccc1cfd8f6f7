// Package suggest guesses which of a few known names somebody meant who wrote
// another. It knows no language and no policy: words and names come from whoever
// found a mistake and go back as a name, or as a clause for the message about it.
package suggest

import "strings"

// Closest returns the name that was probably meant by word, or "". It is for
// people: a wrong hint is worse than none, so the name must be near.
func Closest(word string, names []string) string {
	best := Within(word, names, max(1, len(word)/3))
	if best != "" || len(word) < 4 {
		return best
	}
	// "keepalive" for "tcp_keepalive" is far by letters but clear to a reader.
	for _, name := range names {
		if strings.Contains(name, word) || (len(name) >= 4 && strings.Contains(word, name)) {
			return name
		}
	}
	return ""
}

// Within returns the name that is nearest to word, or "" if none is within most
// letters to add, drop, change or swap with their neighbour.
func Within(word string, names []string, most int) string {
	best, bestDistance := "", most+1
	for _, name := range names {
		if strings.EqualFold(word, name) {
			return name
		}
		if d := distance(word, name); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// Hint is the clause to put behind an unknown name, or "".
func Hint(word string, names []string) string {
	name := Closest(word, names)
	if name == "" {
		return ""
	}
	return ", did you mean '" + name + "'?"
}

// distance counts the letters to add, drop, change or swap with their neighbour
// to get from a to b (optimal string alignment).
func distance(a, b string) int {
	before, previous, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		previous[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(previous[j+1]+1, row[j]+1, previous[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, previous, row = previous, row, before
	}
	return previous[len(b)]
}
