package core

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The files of a policy are those that can be read: no directories, and of links
// those that lead to a file.
func TestGlobsAreFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.lua", "b.lua"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "c.lua"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "a.lua"), filepath.Join(dir, "b.lua")}
	for link, to := range map[string]string{"d.lua": "a.lua", "e.lua": "none"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	want = append(want, filepath.Join(dir, "d.lua"))
	g := NewGlobs()
	g.set([]string{dir + "/*.lua", dir + "/a.*"})
	files, err := g.Files(t.Context())
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("got %q, %v; want %q", files, err, want)
	}
}
