package access

import (
	"bytes"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// liner finds the lines of keys in a TOML text that is known to be well formed.
type liner struct {
	parser unstable.Parser
	text   []byte
	lines  map[string]int
	count  map[string]int // of the elements of an array of tables, by its path
}

// linesOf gives for the path of each key, as join and index write it, its line.
func linesOf(text []byte) map[string]int {
	l := &liner{text: text, lines: make(map[string]int), count: make(map[string]int)}
	l.parser.Reset(text)
	within := ""
	for l.parser.NextExpression() {
		switch e := l.parser.Expression(); e.Kind {
		case unstable.Table:
			within = l.path("", e.Key())
		case unstable.ArrayTable:
			within = l.element(e)
		case unstable.KeyValue:
			l.keyValue(within, e)
		}
	}
	return l.lines
}

// lineOf is the line of a key, or of what it stands in.
func lineOf(lines map[string]int, key string) int {
	for key != "" {
		if line := lines[key]; line > 0 {
			return line
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 0
}

func (l *liner) keyValue(within string, e *unstable.Node) {
	path := l.path(within, e.Key())
	l.value(path, e.Value())
}

// value looks for keys in a value.
func (l *liner) value(path string, v *unstable.Node) {
	children, n := v.Children(), 0
	switch v.Kind {
	case unstable.InlineTable:
		for children.Next() {
			l.keyValue(path, children.Node())
		}
	case unstable.Array:
		for children.Next() {
			if children.Node().Kind == unstable.Comment {
				continue
			}
			l.value(index(path, n), children.Node())
			n++
		}
	}
}

// path notes the line of each part of a dotted key and gives the path of the last.
// A part that is an array of tables stands for the last of them.
func (l *liner) path(within string, key unstable.Iterator) string {
	for key.Next() {
		within = join(within, string(key.Node().Data))
		l.note(within, key.Node())
		if n := l.count[within]; n > 0 {
			within = index(within, n-1)
		}
	}
	return within
}

// element begins one more table of an array.
func (l *liner) element(e *unstable.Node) string {
	var last *unstable.Node
	within, key := "", e.Key()
	for key.Next() {
		if n := l.count[within]; n > 0 {
			within = index(within, n-1)
		}
		last = key.Node()
		within = join(within, string(last.Data))
	}
	l.note(within, last)
	l.count[within]++
	within = index(within, l.count[within]-1)
	l.note(within, last)
	return within
}

func (l *liner) note(path string, n *unstable.Node) {
	if l.lines[path] == 0 {
		l.lines[path] = 1 + bytes.Count(l.text[:n.Raw.Offset], []byte("\n"))
	}
}
