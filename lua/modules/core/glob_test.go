package core

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree makes files in a directory of the test's.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestGlobs(t *testing.T) {
	dir := tree(t, "a.lua", "b.toml", "c.txt", "sub/d.lua", "sub/deep/e.json", "sub/deep/f.lua", ".hidden/g.lua")
	for pattern, want := range map[string]string{
		"*.lua":                   "a.lua",
		"*.{lua,toml}":            "a.lua b.toml",
		"**/*.lua":                ".hidden/g.lua a.lua sub/d.lua sub/deep/f.lua",
		"**/*.{lua,json}":         ".hidden/g.lua a.lua sub/d.lua sub/deep/e.json sub/deep/f.lua",
		"sub/**":                  "sub/d.lua sub/deep/e.json sub/deep/f.lua",
		"sub/**/f.lua":            "sub/deep/f.lua",
		"sub/?.lua":               "sub/d.lua",
		"{a,sub/d}.lua":           "a.lua sub/d.lua",
		"[ab].*":                  "a.lua b.toml",
		"{a,b}.{lua,toml}":        "a.lua b.toml",
		"sub":                     "", // a directory is no file
		"none/*.lua":              "",
		"a.lua/x":                 "",
		"**/**/e.json":            "sub/deep/e.json",
		"{a.lua,a.lua,[a-c].lua}": "a.lua",
	} {
		g := NewGlobs()
		g.set([]string{filepath.ToSlash(dir) + "/" + pattern})
		files, err := g.Files(t.Context())
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
		for i, f := range files {
			files[i], _ = filepath.Rel(dir, f)
			files[i] = filepath.ToSlash(files[i])
		}
		if got := strings.Join(files, " "); got != want {
			t.Errorf("%s: got %q; want %q", pattern, got, want)
		}
	}
}

// A circle of links has an end, and so has a search that nobody waits for.
func TestGlobsEnd(t *testing.T) {
	dir := tree(t, "sub/a.lua")
	if err := os.Symlink(dir, filepath.Join(dir, "sub", "loop")); err != nil {
		t.Skip(err)
	}
	g := NewGlobs()
	g.set([]string{dir + "/**/*.lua"})
	files, err := g.Files(t.Context())
	if want := []string{filepath.Join(dir, "sub", "a.lua")}; err != nil || !slices.Equal(files, want) {
		t.Errorf("got %q, %v; want %q", files, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Files(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want context.Canceled", err)
	}
}

func TestGlobsThatCannotBeRead(t *testing.T) {
	for pattern, want := range map[string]error{
		"":                         errGlobEmpty,
		"{a":                       errGlobBraces,
		"a}":                       errGlobBraces,
		"{a,{b}}":                  errGlobBraces,
		"/etc/[":                   filepath.ErrBadPattern,
		strings.Repeat("{a,b}", 7): errGlobChoices,
	} {
		if _, err := parseGlob(pattern); !errors.Is(err, want) {
			t.Errorf("%q: got %v; want %v", pattern, err, want)
		}
	}
}

// FuzzParseGlob: whatever the pattern is, its choices are bounded and have no brace.
func FuzzParseGlob(f *testing.F) {
	for _, seed := range []string{"/opt/kumomta/etc/**/*.{lua,json,toml,yaml}", "{a,b}{c,d}", "a}{b", "[a-z]?*\\*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		choices, err := parseGlob(pattern)
		if err != nil {
			return
		}
		if len(choices) == 0 || len(choices) > mostChoices {
			t.Fatalf("got %d choices of %q", len(choices), pattern)
		}
		for _, elements := range choices {
			if text := strings.Join(elements, "/"); strings.ContainsAny(text, "{}") {
				t.Fatalf("got %q of %q; want no brace", text, pattern)
			}
		}
	})
}
