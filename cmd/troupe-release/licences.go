package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
)

var errNoLicence = errors.New("no file with a licence")

// writeLicences writes the licences and notices of all modules of a binary, which
// have to go with it, and that of Go itself.
func writeLicences(out io.Writer, info *debug.BuildInfo) error {
	root, err := goEnv("GOROOT")
	if err != nil {
		return err
	}
	if err := writeTexts(out, "Go, "+info.GoVersion, root); err != nil {
		return err
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		dir, err := goOutput("list", "-m", "-f", "{{.Dir}}", m.Path)
		if err != nil {
			return err
		}
		if err := writeTexts(out, m.Path+" "+m.Version, dir); err != nil {
			return err
		}
	}
	return nil
}

// writeTexts writes the files of a directory that tell of a licence.
func writeTexts(out io.Writer, title, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	named := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|unlicense)([.-].*)?$`)
	found := false
	for _, entry := range entries {
		if entry.IsDir() || !named.MatchString(entry.Name()) {
			continue
		}
		text, err := fs.ReadFile(os.DirFS(dir), filepath.ToSlash(entry.Name()))
		if err != nil {
			return err
		}
		found = true
		if _, err := fmt.Fprintf(out, "=== %s: %s\n\n%s\n", title, entry.Name(), text); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s: %w", title, errNoLicence)
	}
	return nil
}

func goEnv(name string) (string, error) { return goOutput("env", name) }

func goOutput(args ...string) (string, error) {
	c := exec.Command("go", args...)
	c.Stderr = os.Stderr
	text, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(text)), nil
}
