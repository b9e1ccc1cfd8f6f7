package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFilesAreFresh: what is in the tree is what the code says now.
func TestFilesAreFresh(t *testing.T) {
	root := filepath.Join("..", "..")
	all, err := files(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil || !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
			t.Errorf("%s is stale (%v): run 'go run ./cmd/troupe-docs' in the root of the repository", name, err)
		}
	}
	stubs, err := filepath.Glob(filepath.Join(root, "lua", "types", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stubs {
		if _, made := all["lua/types/"+filepath.Base(path)]; !made {
			t.Errorf("%s is made by nobody any more: remove it", path)
		}
	}
}

// TestWrite: the command makes the directories that it needs.
func TestWrite(t *testing.T) {
	root := t.TempDir()
	if err := write(filepath.Join("..", ".."), root); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"docs/policy.md", "lua/types/kumo.lua", "lua/types/proxy.lua", "lua/types/sqlite.lua", "lua/types/redis.lua", "docs/metrics.md", "packaging/policy.lua"} {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
}
