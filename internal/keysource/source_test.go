package keysource

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustEvent(t *testing.T, name string, args ...any) Source {
	t.Helper()
	s, err := FromEvent(name, args)
	if err != nil {
		t.Fatalf("FromEvent: %v", err)
	}
	return s
}

func TestNoFormShowsASecret(t *testing.T) {
	for _, s := range []any{
		Inline("hunter2"),
		InVault(Vault{Mount: "m", Path: "p", Token: "hunter2"}),
		Vault{Mount: "m", Path: "p", Token: "hunter2"},
		mustEvent(t, "e", "hunter2"),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if text := fmt.Sprintf(verb, s); strings.Contains(text, "hunter2") {
				t.Errorf("%s: got %s; want the name of the source alone", verb, text)
			}
		}
	}
}

func TestSourcesCompare(t *testing.T) {
	first, second := mustEvent(t, "e", "a", int64(1)), mustEvent(t, "e", "a", int64(1))
	if first != second {
		t.Error("equal events differ")
	}
	if mustEvent(t, "e", "a") == mustEvent(t, "e", "b") {
		t.Error("different arguments are equal")
	}
	if (Source{}).IsSet() || !Inline("").IsSet() {
		t.Error("IsSet: an empty text is a source, the zero value is none")
	}
}

func TestInline(t *testing.T) {
	data, err := Loader{}.Load(t.Context(), Inline("a\x00b"))
	if err != nil || string(data) != "a\x00b" {
		t.Errorf("got %q, %v; want the text", data, err)
	}
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := (Loader{}).Load(t.Context(), File(name)); err != nil || string(data) != "one" {
		t.Errorf("got %q, %v; want one", data, err)
	}
	if err := os.WriteFile(name, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := (Loader{}).Load(t.Context(), File(name)); err != nil || string(data) != "two" {
		t.Errorf("after a change: got %q, %v; want two", data, err)
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, "long")
	if err := os.WriteFile(long, make([]byte, MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		want error
	}{
		{filepath.Join(dir, "none"), fs.ErrNotExist},
		{dir, ErrNotRegular},
		{long, ErrTooLong},
	} {
		_, err := Loader{}.Load(t.Context(), File(c.name))
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), "KeySource failed to load data from file `"+c.name+"`: ") {
			t.Errorf("%s: got %v; want %v", c.name, err, c.want)
		}
	}
	if _, err := (Loader{}).Load(t.Context(), Source{}); !errors.Is(err, ErrNoSource) {
		t.Errorf("no source: got %v; want %v", err, ErrNoSource)
	}
}

var errUnknown = errors.New("has not been registered")

func TestEvent(t *testing.T) {
	l := Loader{Event: func(_ context.Context, name string, args []any) ([]any, error) {
		switch name {
		case "get_key":
			return []any{fmt.Sprint(args...)}, nil
		case "wrong":
			return []any{true}, nil
		case "empty":
			return nil, nil
		}
		return nil, errUnknown
	}}
	if data, err := l.Load(t.Context(), mustEvent(t, "get_key", "a", "b")); err != nil || string(data) != "ab" {
		t.Errorf("got %q, %v; want ab", data, err)
	}
	_, err := l.Load(t.Context(), mustEvent(t, "other"))
	if !errors.Is(err, errUnknown) || err.Error() != "Event other has not been registered" {
		t.Errorf("got %v; want Event other has not been registered", err)
	}
	for _, name := range []string{"wrong", "empty"} {
		if _, err := l.Load(t.Context(), mustEvent(t, name)); !errors.Is(err, ErrNotBytes) {
			t.Errorf("%s: got %v; want %v", name, err, ErrNotBytes)
		}
	}
	if _, err := (Loader{}).Load(t.Context(), mustEvent(t, "x")); !errors.Is(err, ErrNoEvents) {
		t.Errorf("no events: got %v; want %v", err, ErrNoEvents)
	}
	if _, err := FromEvent("x", []any{map[string]any{"k": "\xff"}}); !errors.Is(err, ErrArgument) {
		t.Errorf("bytes that are no text: got %v; want %v", err, ErrArgument)
	}
}
