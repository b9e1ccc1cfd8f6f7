package accesslog

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const patience = 30 * time.Second

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// said is a log that a test reads.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *said) logger() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }

// openLog is a log at a path, which the end of the test closes.
func openLog(t *testing.T, log *slog.Logger, c Config) *Log {
	t.Helper()
	l := New(log, io.Discard)
	l.Configure(&c)
	t.Cleanup(func() { wantClosed(t, l) })
	return l
}

func wantClosed(t *testing.T, l *Log) {
	t.Helper()
	if !l.Close(patience) {
		t.Error("the log has not come to its end")
	}
}

func at(path string) Config {
	c := Default()
	c.Path = path
	return c
}

func inTemp(t *testing.T) string { return filepath.Join(t.TempDir(), "access.log") }

// numbered is a session that is known again by its number.
func numbered(n int) *Session {
	s := exampleSession()
	s.ID = uint64(n)
	return &s
}

// idsIn gives the numbers in the files, and fails for a line that is none.
func idsIn(t *testing.T, paths ...string) []int {
	t.Helper()
	var ids []int
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			if got := keysOf(t, line); !slices.Equal(got, allKeys()) {
				t.Fatalf("%s: got the keys %q; want %q", path, got, allKeys())
			}
			var id int
			_, rest, _ := strings.Cut(string(line), `"id":"`)
			if _, err := fmt.Sscanf(rest, "%16x", &id); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
	}
	return ids
}

func count(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
