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

// TestFaultsNameTheirCode: each row of docs/reliability.md says what its test was seen
// to fail without. That has to be there still: who changes it has to try again.
func TestFaultsNameTheirCode(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	const columns = 4
	place := regexp.MustCompile("`([^`]+)` in ([\\w./-]+\\.go)")
	rows := 0
	for line := range strings.Lines(string(text)) {
		inner, isRow := strings.CutPrefix(strings.TrimSpace(line), "| ")
		if !isRow || strings.HasPrefix(inner, "fault ") {
			continue
		}
		rows++
		cells := strings.Split(strings.TrimSuffix(inner, " |"), " | ")
		if len(cells) != columns {
			t.Errorf("%q has %d columns; want %d", cells[0], len(cells), columns)
			continue
		}
		named := place.FindAllStringSubmatch(cells[columns-1], -1)
		if len(named) == 0 {
			t.Errorf("%q: got the code %q; want `text` in path/file.go", cells[0], cells[columns-1])
		}
		for _, m := range named {
			code, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m[2])))
			if err != nil {
				t.Errorf("%q: %v", cells[0], err)
			} else if !strings.Contains(string(code), m[1]) {
				t.Errorf("%q: %s has no %q", cells[0], m[2], m[1])
			}
		}
	}
	if rows == 0 {
		t.Error("the table has no row")
	}
}
