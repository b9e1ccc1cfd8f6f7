package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/troupe-proxy/troupe/internal/logging"
)

const (
	// queuedLines is how far the log may be behind before lines are lost.
	queuedLines = 4096
	// lastLines is how long the end waits for a log that is not read.
	lastLines = time.Second
)

// openLogs sets up the log as flags and environment say. Behind a queue, since
// no session and no signal may wait for whoever reads the log. The caller
// closes it.
func openLogs(f *flags, p process) (logs *logging.Logging, closeLogs func(), err error) {
	filter, err := logging.FilterFromEnv(p.lookup)
	if err != nil {
		return nil, nil, err
	}
	out, closeFiles, err := openLogFiles(f, p)
	if err != nil {
		return nil, nil, err
	}
	queue := logging.NewQueue(out, queuedLines)
	closeLogs = func() {
		queue.Close(lastLines)
		closeFiles()
	}
	logs, err = logging.New(logging.Options{
		Writer: queue, Format: f.diagFormat, Filter: filter, Color: f.diagLogDir == "" && colored(p),
	})
	if err != nil {
		closeLogs()
	}
	if errors.Is(err, logging.ErrFormat) {
		err = usageError{err}
	}
	return logs, closeLogs, err
}

// openLogFiles is where the lines go: stderr, or hourly files.
func openLogFiles(f *flags, p process) (out io.Writer, closeFiles func(), err error) {
	if f.diagLogDir == "" {
		return p.stderr, func() {}, nil
	}
	files := logging.Directory(f.diagLogDir, nil)
	// Now, so that a directory that cannot be written is not found out on the
	// day the log is needed.
	if err := files.Reopen(); err != nil {
		return nil, nil, fmt.Errorf("--diag-log-dir: %w", err)
	}
	return files, func() {
		if err := files.Close(); err != nil {
			fmt.Fprintf(p.stderr, "closing the log: %v\n", err)
		}
	}, nil
}

// colored reports whether the log is read by a person at a terminal who has
// not asked for plain text (no-color.org).
func colored(p process) bool {
	if none, _ := p.lookup("NO_COLOR"); none != "" {
		return false
	}
	f, ok := p.stderr.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
