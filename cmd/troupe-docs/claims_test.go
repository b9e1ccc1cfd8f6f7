package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestClaimsHaveTheirTests: SECURITY.md and docs/reliability.md name tests for what
// they say. Each has to be there.
func TestClaimsHaveTheirTests(t *testing.T) {
	root := filepath.Join("..", "..")
	there := make(map[string]bool)
	defined := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range defined.FindAllStringSubmatch(string(text), -1) {
			there[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")
	for _, name := range []string{"SECURITY.md", filepath.Join("docs", "reliability.md")} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		all := named.FindAllStringSubmatch(string(text), -1)
		if len(all) == 0 {
			t.Errorf("%s names no test", name)
		}
		for _, m := range all {
			if !there[m[1]] {
				t.Errorf("%s names %s; there is no such test", name, m[1])
			}
		}
	}
}
