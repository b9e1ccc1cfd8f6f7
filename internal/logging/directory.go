package logging

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// hourly is the name of the file of an hour, in UTC.
const hourly = "log.2006-01-02-15"

// HourlyFiles is an io.WriteCloser over a directory: what is written goes to
// the end of the file of the hour, log.YYYY-MM-DD-HH in UTC. Files are created
// with mode 0640, the directory, if it is missing, with 0750, both before umask;
// none is ever removed. It may be used by several goroutines.
type HourlyFiles struct {
	dir   string
	clock func() time.Time

	mu     sync.Mutex
	name   string   // of file
	file   *os.File // nil before the first write and after a failed one
	closed bool
}

// Directory gives the files of dir. Nothing is opened until the first write or
// Reopen, so it can't fail. The caller closes it. A nil clock is time.Now.
func Directory(dir string, clock func() time.Time) *HourlyFiles {
	if clock == nil {
		clock = time.Now
	}
	return &HourlyFiles{dir: dir, clock: clock}
}

// Write appends p to the file of the hour, in one write(2). After an error the
// next Write starts afresh, so that a log comes back with its disk.
// After Close the error is os.ErrClosed.
func (h *HourlyFiles) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.turn(); err != nil {
		return 0, err
	}
	n, err := h.file.Write(p)
	if err != nil {
		_ = h.drop() // the write's error is the one to tell
	}
	return n, err
}

// Reopen closes the file and opens the one of the hour by its name, for when
// somebody has moved the old one away. It also tells at the start of a process
// whether the directory can be written at all.
func (h *HourlyFiles) Reopen() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return errors.Join(h.drop(), h.turn())
}

// Close closes the file. A second Close does nothing.
func (h *HourlyFiles) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	return h.drop()
}

// turn makes file the one of the hour.
func (h *HourlyFiles) turn() error {
	if h.closed {
		return fmt.Errorf("log directory %s: %w", h.dir, os.ErrClosed)
	}
	name := h.clock().UTC().Format(hourly)
	if h.file != nil && name == h.name {
		return nil
	}
	next, err := h.open(name)
	if err != nil {
		return fmt.Errorf("log directory: %w", err)
	}
	// The old file holds nothing back, so that a failed close loses nothing.
	_ = h.drop()
	h.name, h.file = name, next
	return nil
}

func (h *HourlyFiles) open(name string) (*os.File, error) {
	const (
		flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE
		mode  = 0o640
	)
	path := filepath.Join(h.dir, name)
	file, err := os.OpenFile(path, flags, mode)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(h.dir, 0o750); err != nil {
			return nil, err
		}
		file, err = os.OpenFile(path, flags, mode)
	}
	return file, err
}

func (h *HourlyFiles) drop() error {
	if h.file == nil {
		return nil
	}
	err := h.file.Close()
	h.file = nil
	return err
}
