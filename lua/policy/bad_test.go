package policy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadPolicies loads every policy in testdata/bad, each of which must be
// refused with exactly the message in the .txt file beside it.
func TestBadPolicies(t *testing.T) {
	t.Setenv("LUA_PATH", "")
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.lua"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(files), 60; got < want {
		t.Fatalf("found %d policies in testdata/bad; want at least %d", got, want)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".lua"), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(file, ".lua") + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			p, err := Load(t.Context(), file, Options{})
			if err == nil {
				t.Fatalf("loaded as %+v; want it refused", p)
			}
			if p != nil {
				t.Errorf("got the policy %+v beside the error; want nil", p)
			}
			if got, want := withoutDir(err.Error()), strings.TrimSpace(string(want)); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			wantTyped(t, err)
		})
	}
}

// wantTyped checks what every failed load promises about its error.
func wantTyped(t *testing.T, err error) {
	t.Helper()
	var all Errors
	var first *Error
	if !errors.As(err, &all) || !errors.As(err, &first) || len(all) == 0 {
		t.Fatalf("got an error of type %T; want an Errors with an Error in it", err)
	}
	for _, one := range all {
		if one.Position.File == "" || one.Msg == "" {
			t.Errorf("got %#v; want a file and a message", one)
		}
	}
}

// withoutDir takes the directories of testdata off the front of paths.
func withoutDir(text string) string {
	text = filepath.ToSlash(text)
	return strings.NewReplacer("testdata/bad/", "", "testdata/modules/", "").Replace(text)
}
