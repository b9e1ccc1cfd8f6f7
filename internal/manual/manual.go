// Package manual writes what a package installs beside a program that cobra
// describes: a manual page for each command, and completions for shells.
//
// It takes the tree of commands from cmd/troupe and writes files below a
// directory; the packages in packaging/ are made of them. It runs when packages are
// built and in tests, and is no part of the daemon. It says nothing of its
// own: each page is what --help says.
package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Write writes man1/NAME.1, one page for each command that is not hidden, and
// completions/{bash,zsh,fish}/ below dir, which it makes if need be. The pages say
// date and version, so that the same of both gives the same bytes.
func Write(root *cobra.Command, dir string, date time.Time, version string) error {
	pages := filepath.Join(dir, "man1")
	if err := os.MkdirAll(pages, 0o755); err != nil {
		return err
	}
	root.InitDefaultHelpCmd()
	root.DisableAutoGenTag = true // it would name the library, and the day
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: root.Name() + " " + version, Manual: "User Commands"}
	if err := doc.GenManTree(root, header, pages); err != nil {
		return fmt.Errorf("manual pages: %w", err)
	}
	for _, shell := range []struct {
		path  string
		write func(path string) error
	}{
		{filepath.Join("bash", root.Name()), func(path string) error { return root.GenBashCompletionFileV2(path, true) }},
		{filepath.Join("zsh", "_"+root.Name()), root.GenZshCompletionFile},
		{filepath.Join("fish", root.Name()+".fish"), func(path string) error { return root.GenFishCompletionFile(path, true) }},
	} {
		path := filepath.Join(dir, "completions", shell.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := shell.write(path); err != nil {
			return fmt.Errorf("completions: %w", err)
		}
	}
	return nil
}
