package keysource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxSize is the length of the longest secret, in bytes. Certificates with their
// chains need some thousand.
const MaxSize = 1 << 20

// Errors of Load.
var (
	ErrTooLong    = fmt.Errorf("it is longer than %d bytes", MaxSize)
	ErrNotRegular = errors.New("it is not a regular file")
	ErrNoEvents   = errors.New("no handler can be called from here")
	ErrNotBytes   = errors.New("its handler did not return a string")
)

// Loader reads sources. Its zero value reads all but events; its methods may be
// called from any goroutine.
type Loader struct {
	// Event calls the handler of an event and returns what that returned.
	Event func(ctx context.Context, name string, args []any) ([]any, error)
	// Getenv reads the environment; nil means os.Getenv.
	Getenv func(string) string
}

// Load reads the secret. It returns when it has it, when it cannot have it, or
// when ctx is done. The error names the source; it never holds the secret, a
// token, or anything else that was read.
func (l Loader) Load(ctx context.Context, s Source) ([]byte, error) {
	switch {
	case s.inline:
		return []byte(s.data), nil
	case s.file != "":
		data, err := fromFile(ctx, s.file)
		if err != nil {
			return nil, fmt.Errorf("KeySource failed to load data from file `%s`: %w", s.file, err)
		}
		return data, nil
	case s.vault != Vault{}:
		return l.fromVault(ctx, s.vault)
	case s.event != event{}:
		return l.fromEvent(ctx, s.event)
	}
	return nil, ErrNoSource
}

// fromFile leaves the reading behind when ctx ends first: a file on a dead server
// blocks for as long as the kernel likes.
func fromFile(ctx context.Context, name string) ([]byte, error) {
	done := make(chan fileRead, 1)
	go readFile(name, done)
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type fileRead struct {
	data []byte
	err  error
}

func readFile(name string, done chan<- fileRead) {
	data, err := readRegular(name)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err // the name is in the message already
	}
	done <- fileRead{data, err}
}

// readRegular refuses pipes and devices, which may have no end.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err == nil && len(data) > MaxSize {
		return nil, ErrTooLong
	}
	return data, err
}

func (l Loader) fromEvent(ctx context.Context, e event) ([]byte, error) {
	if l.Event == nil {
		return nil, fmt.Errorf("event %s: %w", e.name, ErrNoEvents)
	}
	args, err := e.arguments()
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.name, err)
	}
	results, err := l.Event(ctx, e.name, args)
	if err != nil {
		return nil, fmt.Errorf("Event %s %w", e.name, err) //nolint:staticcheck // as KumoMTA words it
	}
	if len(results) > 0 {
		if text, ok := results[0].(string); ok && len(text) <= MaxSize {
			return []byte(text), nil
		}
	}
	return nil, fmt.Errorf("event %s: %w", e.name, ErrNotBytes)
}

func (l Loader) getenv(name string) string {
	if l.Getenv != nil {
		return l.Getenv(name)
	}
	return os.Getenv(name)
}
