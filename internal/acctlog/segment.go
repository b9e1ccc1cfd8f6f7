package acctlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	filePrefix = "acct-"
	nameForm   = filePrefix + "20060102-150405.000000000"
	fileMode   = 0o640
	doneMode   = 0o440
	dirMode    = 0o750
)

// segment is the file that is written.
type segment struct {
	file    *os.File
	encoder *zstd.Encoder
	written int64 // bytes before compression
	dirty   bool  // something was written since the last flush
	expires time.Time
}

func openSegment(c *Config, now time.Time) (*segment, error) {
	if err := os.MkdirAll(c.Dir, dirMode); err != nil {
		return nil, err
	}
	name := filepath.Join(c.Dir, now.UTC().Format(nameForm))
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, fileMode)
	if err != nil {
		return nil, err
	}
	level := zstd.SpeedDefault
	if c.CompressionLevel > 0 {
		level = zstd.EncoderLevelFromZstd(c.CompressionLevel)
	}
	encoder, err := zstd.NewWriter(file, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s := &segment{file: file, encoder: encoder}
	if c.MaxSegmentDuration > 0 {
		s.expires = now.Add(c.MaxSegmentDuration)
	}
	return s, nil
}

func (s *segment) write(line []byte) error {
	n, err := s.encoder.Write(append(line, '\n'))
	s.written += int64(n)
	s.dirty = true
	return err
}

// flush brings what was written to the file, so that it can be read.
func (s *segment) flush() error {
	if !s.dirty {
		return nil
	}
	s.dirty = false
	return s.encoder.Flush()
}

func (s *segment) full(c *Config, now time.Time) bool {
	return s.written >= c.MaxFileSize || !s.expires.IsZero() && !now.Before(s.expires)
}

// finish ends the segment.
func (s *segment) finish() error {
	return errors.Join(s.encoder.Close(), s.file.Chmod(doneMode), s.file.Close())
}

// finishLeftovers marks as finished what another process has left.
func finishLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), filePrefix) {
			err = errors.Join(err, os.Chmod(filepath.Join(dir, e.Name()), doneMode))
		}
	}
	return err
}
