package files

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
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const (
	maxPattern = 4096    // bytes
	maxChoices = 256     // that the braces of one pattern stand for
	maxVisited = 200_000 // files and directories looked at
	defaultTTL = time.Minute
)

var (
	errPattern = errors.New("it is no pattern")
	errChoices = fmt.Errorf("its braces stand for more than %d patterns", maxChoices)
	errVisited = fmt.Errorf("it leads to more than %d files", maxVisited)
)

func (s *Files) glob(_ *spec.Env, L *lua.LState) int {
	key := globKey{pattern: L.CheckString(1), base: L.OptString(2, "")}
	ttl := defaultTTL
	if L.Get(3) != lua.LNil {
		var err error
		if ttl, err = duration.FromLua(L.CheckNumber(3)); err != nil {
			return call.Raise(L, module+"glob", err)
		}
	}
	names, ok := s.globs.get(key, time.Now())
	if !ok {
		names = s.match(L, "glob", key)
		s.globs.put(key, names, time.Now().Add(ttl))
	}
	L.Push(value.FromGo(L, names))
	return 1
}

func (s *Files) uncachedGlob(_ *spec.Env, L *lua.LState) int {
	names := s.match(L, "uncached_glob", globKey{pattern: L.CheckString(1), base: L.OptString(2, "")})
	L.Push(value.FromGo(L, names))
	return 1
}

func (s *Files) match(L *lua.LState, function string, key globKey) []string {
	ctx := call.Context(L)
	names, err := call.Await(ctx, s.slots, func() ([]string, error) { return match(ctx, key.pattern, key.base) }, nil)
	if err != nil {
		raise(L, function, key.pattern, err)
	}
	return names
}

// match are the paths that match, sorted; those below base are relative to it.
func match(ctx context.Context, pattern, base string) ([]string, error) {
	if base == "" {
		base = "."
	}
	if len(pattern) > maxPattern {
		return nil, errPattern
	}
	choices, err := choicesOf(pattern)
	if err != nil {
		return nil, err
	}
	w := walk{ctx: ctx, found: map[string]struct{}{}}
	for _, choice := range choices {
		start := base
		if filepath.IsAbs(choice) {
			start = filepath.VolumeName(choice) + string(filepath.Separator)
			choice = choice[len(start):]
		}
		parts := strings.Split(filepath.ToSlash(choice), "/")
		parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" || part == "." })
		if len(parts) == 0 {
			return nil, errPattern
		}
		if err := w.below(start, parts); err != nil {
			return nil, err
		}
	}
	names := make([]string, 0, len(w.found))
	for _, path := range slices.Sorted(maps.Keys(w.found)) {
		if relative, err := filepath.Rel(base, path); err == nil && filepath.IsLocal(relative) {
			path = relative
		}
		names = append(names, path)
	}
	return names, nil
}

// choicesOf writes out the braces of a pattern, those inside of others too.
func choicesOf(pattern string) ([]string, error) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		for part := range strings.SplitSeq(filepath.ToSlash(pattern), "/") {
			if _, err := filepath.Match(part, ""); err != nil {
				return nil, errPattern
			}
		}
		return []string{pattern}, nil
	}
	options, after, ok := braces(pattern[open+1:])
	if !ok {
		return nil, errPattern
	}
	var all []string
	for _, option := range options {
		more, err := choicesOf(pattern[:open] + option + after)
		if err != nil {
			return nil, err
		}
		if all = append(all, more...); len(all) > maxChoices {
			return nil, errChoices
		}
	}
	return all, nil
}

// braces splits what stands behind an opening brace at its commas, up to the
// brace that closes it.
func braces(text string) (options []string, after string, ok bool) {
	depth, begin := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return append(options, text[begin:i]), text[i+1:], true
			}
			depth--
		case ',':
			if depth == 0 {
				options = append(options, text[begin:i])
				begin = i + 1
			}
		}
	}
	return nil, "", false
}

// walk is one search.
type walk struct {
	ctx     context.Context
	found   map[string]struct{}
	visited int
}

// below matches the parts of a pattern with what is in a directory.
func (w *walk) below(directory string, parts []string) error {
	part, rest := parts[0], parts[1:]
	if part == "**" {
		return w.anywhere(directory, rest)
	}
	if !strings.ContainsAny(part, `*?[\`) {
		return w.step(filepath.Join(directory, part), rest)
	}
	for _, entry := range list(directory) {
		// A name that begins with a dot is hidden from a pattern that does not.
		if entry.Name()[0] == '.' && part[0] != '.' {
			continue
		}
		if ok, _ := filepath.Match(part, entry.Name()); !ok { // the pattern was checked
			continue
		}
		if err := w.step(filepath.Join(directory, entry.Name()), rest); err != nil {
			return err
		}
	}
	return w.visit()
}

// anywhere matches parts with what is in a directory and in those below it. It
// does not follow links, which may lead in a circle.
func (w *walk) anywhere(directory string, parts []string) error {
	if len(parts) == 0 {
		parts = []string{"*"}
	}
	if err := w.below(directory, parts); err != nil {
		return err
	}
	for _, entry := range list(directory) {
		if !entry.IsDir() || entry.Name()[0] == '.' {
			continue
		}
		if err := w.anywhere(filepath.Join(directory, entry.Name()), parts); err != nil {
			return err
		}
	}
	return nil
}

// step goes on behind a part that matched.
func (w *walk) step(path string, rest []string) error {
	if err := w.visit(); err != nil {
		return err
	}
	if len(rest) > 0 {
		return w.below(path, rest)
	}
	if _, err := os.Lstat(path); err == nil {
		w.found[path] = struct{}{}
	}
	return nil
}

// visit counts, and ends the search when nobody waits for it any more.
func (w *walk) visit() error {
	if w.visited++; w.visited > maxVisited {
		return errVisited
	}
	return w.ctx.Err()
}

// list is what is in a directory; nothing when it cannot be read, or is none.
func list(directory string) []fs.DirEntry {
	all, err := os.ReadDir(directory)
	if err != nil {
		return nil
	}
	return all
}
