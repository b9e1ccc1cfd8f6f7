package glob

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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

// search is what a pattern finds from a directory.
func search(ctx context.Context, t *testing.T, pattern, base string) ([]string, error) {
	t.Helper()
	p, err := Parse(pattern)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	s := NewSearch(ctx)
	err = s.Add(p, base)
	return s.Found(), err
}

func TestSearch(t *testing.T) {
	dir := tree(t, "a.lua", "b.toml", "c.txt", "sub/d.lua", "sub/deep/e.json", "sub/deep/f.lua", ".hidden/g.lua", ".h.lua", "[z]")
	for pattern, want := range map[string]string{
		"*.lua":                   "a.lua",
		".*.lua":                  ".h.lua",
		".hidden/*":               ".hidden/g.lua",
		"*.{lua,toml}":            "a.lua b.toml",
		"**/*.lua":                "a.lua sub/d.lua sub/deep/f.lua",
		"**/*.{lua,json}":         "a.lua sub/d.lua sub/deep/e.json sub/deep/f.lua",
		"sub/**":                  "sub/d.lua sub/deep sub/deep/e.json sub/deep/f.lua",
		"sub/**/f.lua":            "sub/deep/f.lua",
		"sub/?.lua":               "sub/d.lua",
		"{a,sub/{d,deep/f}}.lua":  "a.lua sub/d.lua sub/deep/f.lua",
		"[ab].*":                  "a.lua b.toml",
		`\[z\]`:                   "[z]",
		"./sub//deep/":            "sub/deep",
		"none/*.lua":              "",
		"a.lua/x":                 "",
		"**/**/e.json":            "sub/deep/e.json",
		"{a.lua,a.lua,[a-c].lua}": "a.lua",
	} {
		for _, whole := range []string{pattern, filepath.ToSlash(dir) + "/" + pattern} {
			base := dir
			if whole != pattern {
				base = "/none"
			}
			files, err := search(t.Context(), t, whole, base)
			if err != nil {
				t.Errorf("%s: %v", whole, err)
			}
			for i, f := range files {
				files[i], _ = filepath.Rel(dir, f)
				files[i] = filepath.ToSlash(files[i])
			}
			if got := strings.Join(files, " "); got != want {
				t.Errorf("%s: got %q; want %q", whole, got, want)
			}
		}
	}
}

// A circle of links has an end, and so has a search that nobody waits for.
func TestSearchEnds(t *testing.T) {
	dir := tree(t, "sub/a.lua")
	if err := os.Symlink(dir, filepath.Join(dir, "sub", "loop")); err != nil {
		t.Skip(err)
	}
	files, err := search(t.Context(), t, "**/*.lua", dir)
	if want := filepath.Join(dir, "sub", "a.lua"); err != nil || strings.Join(files, " ") != want {
		t.Errorf("got %q, %v; want %q", files, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := search(ctx, t, "**/*.lua", dir); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want context.Canceled", err)
	}
}

// Several patterns share what one search may cost.
func TestSearchIsBounded(t *testing.T) {
	dir := tree(t, "a", "b", "c")
	p, err := Parse("*")
	if err != nil {
		t.Fatal(err)
	}
	s := NewSearch(t.Context())
	s.visited = MaxVisited - 10 // a search takes 7: the directory, what is in it, and each once more
	if err := s.Add(p, dir); err != nil {
		t.Fatalf("the first: %v", err)
	}
	if err := s.Add(p, dir); !errors.Is(err, ErrVisited) {
		t.Errorf("the second: got %v; want %v", err, ErrVisited)
	}
}

func TestPatternsThatCannotBeRead(t *testing.T) {
	for pattern, want := range map[string]error{
		"":                              ErrPattern,
		"/":                             ErrPattern,
		".":                             ErrPattern,
		"{a":                            ErrPattern,
		"a}":                            ErrPattern,
		"a{b,{c}":                       ErrPattern,
		"/etc/[":                        ErrPattern,
		strings.Repeat("{a,b}", 9):      ErrChoices,
		strings.Repeat("a", MaxBytes+1): ErrPattern,
	} {
		if _, err := Parse(pattern); !errors.Is(err, want) {
			t.Errorf("%.20q: got %v; want %v", pattern, err, want)
		}
	}
}

// FuzzParse: whatever the pattern is, its choices are bounded and have no brace.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"/opt/kumomta/etc/**/*.{lua,json,toml,yaml}", "{a,b}{c,d}", "{a,{b,c}}", "a}{b", "[a-z]?*\\*", "a{b,{c,d}}", "{{{", "}", "[a-]{,}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		p, err := Parse(pattern)
		if err != nil {
			return
		}
		if len(p.choices) == 0 || len(p.choices) > MaxChoices {
			t.Fatalf("got %d choices of %q", len(p.choices), pattern)
		}
		for _, c := range p.choices {
			if text := strings.Join(c.parts, "/"); len(c.parts) == 0 || strings.ContainsAny(text, "{}") {
				t.Fatalf("got %q of %q; want parts without a brace", text, pattern)
			}
		}
	})
}
