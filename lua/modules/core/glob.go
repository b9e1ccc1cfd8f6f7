package core

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What a look for files may cost: a pattern such as /** walks the whole machine.
const (
	mostMatches = 10_000
	mostVisited = 200_000
	mostChoices = 64 // that the braces of one pattern stand for
)

var (
	errGlobEmpty   = errors.New("the pattern is empty")
	errGlobBraces  = errors.New("a brace of the pattern is not closed, or one stands in another")
	errGlobChoices = fmt.Errorf("the braces of the pattern stand for more than %d choices", mostChoices)
	errGlobTooMany = fmt.Errorf("the patterns match more than %d files or lead past more than %d", mostMatches, mostVisited)
)

// parseGlob checks a pattern and writes out its braces: one list of path elements
// for each choice.
func parseGlob(pattern string) ([][]string, error) {
	if pattern == "" {
		return nil, errGlobEmpty
	}
	choices, err := expand(pattern)
	if err != nil {
		return nil, err
	}
	all := make([][]string, 0, len(choices))
	for _, choice := range choices {
		elements := strings.Split(filepath.ToSlash(choice), "/")
		for _, e := range elements {
			if _, err := filepath.Match(e, ""); err != nil {
				return nil, fmt.Errorf("%q is no pattern: %w", pattern, err)
			}
		}
		all = append(all, elements)
	}
	return all, nil
}

// expand writes out {a,b}. Braces inside of braces are refused.
func expand(pattern string) ([]string, error) {
	before, rest, found := strings.Cut(pattern, "{")
	if !found {
		if strings.Contains(pattern, "}") {
			return nil, errGlobBraces
		}
		return []string{pattern}, nil
	}
	inside, after, closed := strings.Cut(rest, "}")
	if !closed || strings.ContainsAny(inside, "{") || strings.Contains(before, "}") {
		return nil, errGlobBraces
	}
	tails, err := expand(after)
	if err != nil {
		return nil, err
	}
	options := strings.Split(inside, ",")
	if len(options)*len(tails) > mostChoices {
		return nil, errGlobChoices
	}
	var all []string
	for _, option := range options {
		for _, tail := range tails {
			all = append(all, before+option+tail)
		}
	}
	return all, nil
}

// Files are the regular files that match the patterns now, in the order of the
// alphabet. Directories that cannot be read count as empty. Links to directories
// are not followed by **, so that a circle of them has an end.
func (g *Globs) Files(ctx context.Context) ([]string, error) {
	s := &search{ctx: ctx, found: make(map[string]struct{})}
	for _, pattern := range g.Patterns() {
		choices, err := parseGlob(pattern)
		if err != nil {
			return nil, err
		}
		for _, elements := range choices {
			root := "."
			if elements[0] == "" {
				root, elements = "/", elements[1:]
			}
			if err := s.in(root, elements); err != nil {
				return nil, err
			}
		}
	}
	return slices.Sorted(maps.Keys(s.found)), nil
}

// search is one look for files.
type search struct {
	ctx     context.Context
	found   map[string]struct{}
	visited int
}

// in matches the elements of a pattern below a directory.
func (s *search) in(dir string, elements []string) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.visited > mostVisited || len(s.found) > mostMatches {
		return errGlobTooMany
	}
	first, rest := elements[0], elements[1:]
	if first == "**" {
		return s.anywhere(dir, rest)
	}
	if !strings.ContainsAny(first, `*?[\`) {
		return s.step(filepath.Join(dir, first), rest)
	}
	for _, entry := range s.entries(dir) {
		if ok, err := filepath.Match(first, entry.Name()); err != nil || !ok {
			continue
		}
		if err := s.step(filepath.Join(dir, entry.Name()), rest); err != nil {
			return err
		}
	}
	return nil
}

// anywhere matches the elements behind ** in a directory and all those below it.
func (s *search) anywhere(dir string, rest []string) error {
	if len(rest) == 0 {
		rest = []string{"*"}
	}
	if err := s.in(dir, rest); err != nil {
		return err
	}
	for _, entry := range s.entries(dir) {
		if !entry.IsDir() {
			continue
		}
		if err := s.anywhere(filepath.Join(dir, entry.Name()), rest); err != nil {
			return err
		}
	}
	return nil
}

// step goes on at a path that matched so far.
func (s *search) step(path string, rest []string) error {
	s.visited++
	info, err := os.Stat(path)
	switch {
	case err != nil: // gone, or not ours to see
	case len(rest) == 0 && info.Mode().IsRegular():
		s.found[path] = struct{}{}
	case len(rest) > 0 && info.IsDir():
		return s.in(path, rest)
	}
	return nil
}

func (s *search) entries(dir string) []fs.DirEntry {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	s.visited += len(entries)
	return entries
}
