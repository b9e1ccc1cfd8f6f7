package access

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pelletier/go-toml/v2"
)

// largestMap is how many bytes the text of a map may have. The parser's time grows
// with the square of the number of keys.
const largestMap = 256 << 10

// ParseMap reads lists out of TOML: tables [[acl."resource"]], each with allow,
// privileges, and identity or criteria. The name, of a file for instance, stands in
// errors, which are *Problems with the lines of the mistakes.
func ParseMap(name string, text []byte) (*Map, error) {
	whole := func(line int, why string) error {
		return &Problems{Name: name, List: []Problem{{Line: line, Why: why}}}
	}
	if len(text) > largestMap {
		return nil, whole(0, fmt.Sprintf("expected at most %d bytes, got %d", largestMap, len(text)))
	}
	var file map[string]any
	if err := toml.Unmarshal(text, &file); err != nil {
		line := 0
		if bad, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ = bad.Position()
		}
		return nil, whole(line, "it is no TOML: "+err.Error())
	}
	var lines map[string]int
	d := &decoder{line: func(key string) int {
		if lines == nil {
			lines = linesOf(text)
		}
		return lineOf(lines, key)
	}}
	m := d.file(file)
	if err := d.err(name); err != nil {
		return nil, err
	}
	return m, nil
}

func (d *decoder) file(file map[string]any) *Map {
	m := &Map{lists: make(map[string]*List)}
	top := d.object("", file, "a table", "acl")
	if top == nil {
		return m
	}
	if top["acl"] == nil {
		d.fail("", "expected tables [[acl.\"resource\"]], got none")
		return m
	}
	all, ok := top["acl"].(map[string]any)
	if !ok {
		d.expected("acl", "tables [[acl.\"resource\"]]", top["acl"])
		return m
	}
	for _, resource := range slices.Sorted(maps.Keys(all)) {
		key, l := join("acl", resource), &List{}
		entries, _ := d.list(key, all[resource], "tables [["+key+"]]")
		for i, entry := range entries {
			l.Rules = append(l.Rules, d.fileEntry(index(key, i), entry)...)
		}
		m.lists[resource] = l
	}
	return m
}
