package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
)

// heard keeps what a policy says to the log while it is checked. It may be used by
// any goroutine.
type heard struct {
	mu      sync.Mutex
	records []slog.Record
}

func (h *heard) logger() *slog.Logger { return slog.New(hearing{h}) }

// warnings are the lines that are warnings or worse, without their level.
func (h *heard) warnings() (all []string) {
	for _, r := range h.all() {
		if r.Level >= slog.LevelWarn {
			all = append(all, r.Message)
		}
	}
	return all
}

// all is what was said so far.
func (h *heard) all() []slog.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.records)
}

// printLog prints lines of the log, those below a level.
func printLog(out io.Writer, all []slog.Record, below slog.Level) {
	for _, r := range all {
		if r.Level < below {
			row(out, "log", "%s: %s", strings.ToLower(r.Level.String()), r.Message)
		}
	}
}

// everyLevel is above all levels.
const everyLevel slog.Level = math.MaxInt

// hearing is the slog.Handler of a heard. The one attribute of a policy's lines is
// that they are a policy's.
type hearing struct{ *heard }

// Enabled implements slog.Handler: at info, the level of the daemon.
func (hearing) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (h hearing) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		r.Message += fmt.Sprintf(" %s=%s", a.Key, a.Value)
		return true
	})
	h.records = append(h.records, r)
	return nil
}

// WithAttrs implements slog.Handler.
func (h hearing) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h hearing) WithGroup(string) slog.Handler { return h }

// longestPassword is what a client can send, RFC 1929 section 2.
const longestPassword = 255

var errPassword = errors.New("--password-stdin: expected a line of at most 255 bytes")

// firstLine is the first line of standard input, without its end. The error does
// not show it.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReaderSize(io.LimitReader(in, longestPassword+3), 512).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("--password-stdin: %w", err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if len(line) > longestPassword || line == "" {
		return "", errPassword
	}
	return line, nil
}
