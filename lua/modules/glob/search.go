package glob

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Search is one look for files, which several patterns may share: a path is found
// once, and what it costs is counted for all. It is for one goroutine. Directories
// that cannot be read count as empty.
type Search struct {
	ctx     context.Context
	found   map[string]struct{}
	visited int
}

// NewSearch is a search that ends with ctx.
func NewSearch(ctx context.Context) *Search {
	return &Search{ctx: ctx, found: make(map[string]struct{})}
}

// Add looks for what matches a pattern; one that is no whole path begins at base.
// It fails with ErrVisited, or the error of the context.
func (s *Search) Add(p *Pattern, base string) error {
	for _, c := range p.choices {
		start := base
		if c.root != "" {
			start = c.root
		}
		if err := s.below(start, c.parts); err != nil {
			return err
		}
	}
	return nil
}

// Found are the paths, in the order of the alphabet.
func (s *Search) Found() []string { return slices.Sorted(maps.Keys(s.found)) }

// below matches the parts of a pattern with what is in a directory.
func (s *Search) below(directory string, parts []string) error {
	part, rest := parts[0], parts[1:]
	if part == "**" {
		return s.anywhere(directory, rest)
	}
	if !isWild(part) {
		return s.step(filepath.Join(directory, part), rest)
	}
	entries, err := s.list(directory)
	if err != nil {
		return err
	}
	return s.among(directory, entries, parts)
}

// among is below for a part with wildcards, where the directory was read.
func (s *Search) among(directory string, entries []fs.DirEntry, parts []string) error {
	part, rest := parts[0], parts[1:]
	for _, entry := range entries {
		if hidden(entry) && part[0] != '.' {
			continue
		}
		if ok, _ := filepath.Match(part, entry.Name()); !ok { // the pattern was checked
			continue
		}
		if err := s.step(filepath.Join(directory, entry.Name()), rest); err != nil {
			return err
		}
	}
	return nil
}

// anywhere matches parts with what is in a directory and in those below it.
func (s *Search) anywhere(directory string, parts []string) error {
	if len(parts) == 0 {
		parts = []string{"*"}
	}
	entries, err := s.list(directory)
	switch {
	case err != nil:
	case parts[0] != "**" && isWild(parts[0]):
		err = s.among(directory, entries, parts)
	default:
		err = s.below(directory, parts)
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() || hidden(entry) {
			continue
		}
		if err := s.anywhere(filepath.Join(directory, entry.Name()), parts); err != nil {
			return err
		}
	}
	return nil
}

// step goes on behind a part that matched.
func (s *Search) step(path string, rest []string) error {
	if err := s.visit(1); err != nil {
		return err
	}
	if len(rest) > 0 {
		return s.below(path, rest)
	}
	if _, err := os.Lstat(path); err == nil {
		s.found[path] = struct{}{}
	}
	return nil
}

// visit counts what was looked at, and ends the search when nobody waits for it any more.
func (s *Search) visit(n int) error {
	if s.visited += n; s.visited > MaxVisited {
		return ErrVisited
	}
	return s.ctx.Err()
}

func isWild(part string) bool { return strings.ContainsAny(part, `*?[\`) }

func hidden(entry fs.DirEntry) bool { return entry.Name()[0] == '.' }

// list is what is in a directory; nothing when it cannot be read, or is none.
func (s *Search) list(directory string) ([]fs.DirEntry, error) {
	all, err := os.ReadDir(directory)
	if err != nil {
		all = nil
	}
	return all, s.visit(1 + len(all))
}
