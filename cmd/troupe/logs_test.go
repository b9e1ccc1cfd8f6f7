package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLogDirectory: the log goes to files, all of it, and not to stderr.
func TestLogDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "by", "the daemon")
	d := launch(t, []string{"--listen", "127.0.0.1:0", "--diag-log-dir", dir})
	await(t, "the log says that the daemon is up", func() bool {
		return strings.Contains(readLog(t, dir), "initialization complete")
	})
	d.endWell()
	for _, want := range []string{"Version is ", "proxy listener on 127.0.0.1:", "Shutdown completed OK!"} {
		if !strings.Contains(readLog(t, dir), want) {
			t.Errorf("the log in the directory lacks %q", want)
		}
	}
	if said := d.log.text(); said != "" {
		t.Errorf("got %q on stderr; want nothing", said)
	}
}

// readLog is all that the files of a log directory hold.
func readLog(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "log.*"))
	must(t, err)
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		all.Write(text)
	}
	return all.String()
}

// TestLogJSON: each line is an object that a collector can take.
func TestLogJSON(t *testing.T) {
	t.Parallel()
	d := start(t, []string{"--listen", "127.0.0.1:0", "--diag-format", "json"})
	d.endWell()
	var messages []string
	for _, line := range d.log.all() {
		var entry struct {
			Timestamp     time.Time
			Level, Target string
			Fields        struct{ Message string }
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if entry.Timestamp.IsZero() || entry.Level != "INFO" || entry.Target == "" {
			t.Errorf("%s: want a timestamp, INFO and a target", line)
		}
		messages = append(messages, entry.Fields.Message)
	}
	for _, want := range []string{"Version is ", "proxy listener on 127.0.0.1:", "initialization complete", "Shutdown completed OK!"} {
		if !strings.Contains(strings.Join(messages, "\n"), want) {
			t.Errorf("got messages %q; want %q among them", messages, want)
		}
	}
}
