package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// documents are those that name commands to whoever runs the daemon.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	paths, err := filepath.Glob("../../docs/*.md")
	must(t, err)
	if len(paths) < 10 {
		t.Fatalf("got %d documents; want docs/ read", len(paths))
	}
	return append(paths, "../../README.md", "../../SECURITY.md")
}

// documentedCommands are those of ours in the code of a document, in lines of blocks
// and between backquotes.
func documentedCommands(text string) (all [][]string) {
	inline := regexp.MustCompile("`(?:sudo )?troupe ([^`]+)`")
	line := regexp.MustCompile(`(?m)^(?:\$ |sudo )?troupe ([^#|<>&\n]+)`)
	word := regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
	for _, pattern := range []*regexp.Regexp{inline, line} {
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			all = append(all, word.FindAllString(strings.ReplaceAll(m[1], "\n", " "), -1))
		}
	}
	return all
}

// TestDocumentedCommands: each command that a document names is there, with the flags
// that stand there.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	total := 0
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		must(t, err)
		for _, args := range documentedCommands(string(text)) {
			total++
			root := newCommand(nil)
			root.InitDefaultVersionFlag()
			root.InitDefaultHelpFlag()
			c, rest, err := root.Find(args)
			if err == nil && c == root && !strings.HasPrefix(args[0], "-") {
				t.Errorf("%s: there is no command troupe %s", path, args[0])
				continue
			}
			if err == nil {
				err = c.ParseFlags(rest)
			}
			if _, mentioned := errors.AsType[*pflag.ValueRequiredError](err); err != nil && !mentioned {
				t.Errorf("%s: troupe %s: %v", path, strings.Join(args, " "), err)
			}
		}
	}
	if total < 50 {
		t.Errorf("got %d commands in all; want the documents read", total)
	}
	t.Logf("%d commands", total)
}

// TestPoliciesOfContainers: those in the image, in the cluster and in docs/security.md
// load as they stand there.
func TestPoliciesOfContainers(t *testing.T) {
	t.Parallel()
	_, cluster, _ := strings.Cut(readText(t, "../../packaging/kubernetes", "troupe.yaml"), "policy.lua: |\n")
	cluster, _, _ = strings.Cut(cluster, "\n---\n")
	_, safe, _ := strings.Cut(readText(t, "../../docs", "security.md"), "```lua\n")
	safe, _, _ = strings.Cut(safe, "```")
	for name, policy := range map[string]string{
		"image":   readText(t, "../../packaging/container", "policy.lua"),
		"cluster": regexp.MustCompile("(?m)^    ").ReplaceAllString(cluster, ""),
		"safe":    "local kumo, proxy = require 'kumo', require 'proxy'\n" + safe,
	} {
		path := filepath.Join(t.TempDir(), "policy.lua")
		must(t, os.WriteFile(path, []byte(policy), 0o600))
		out, err := exec.CommandContext(t.Context(), "troupe", "check", path).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "listener ") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
