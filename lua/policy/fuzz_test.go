package policy

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// touchesTheMachine keeps the fuzzer, which recombines what it is given, from
// running commands or writing files, and from long library calls that no
// deadline ends.
var touchesTheMachine = regexp.MustCompile(`\b(os|io|require|dofile|loadfile|load|loadstring|string|rep|getfenv|setfenv|module|package)\b|_G`)

// FuzzLoadSource: whatever the text is, a load ends with a Policy or with an
// Errors, and never panics.
func FuzzLoadSource(f *testing.F) {
	seeds := 0
	for _, dir := range []string{"good", "bad"} {
		files, err := filepath.Glob(filepath.Join("testdata", dir, "*.lua"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			// require is allowed in the one place where it is harmless.
			f.Add(string(harmlessRequire.ReplaceAll(text, []byte("$1"))))
			seeds++
		}
	}
	if seeds < 60 {
		f.Fatalf("found %d seeds; want at least 60", seeds)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if touchesTheMachine.MatchString(text) {
			t.Skip()
		}
		source := "local kumo, proxy = require 'kumo', require 'proxy' " + text
		p, err := LoadSource(t.Context(), "fuzz.lua", []byte(source), Options{Deadline: 200 * time.Millisecond, Stdout: io.Discard})
		var all Errors
		if (p == nil) != (err != nil) || err != nil && (!errors.As(err, &all) || len(all) == 0 || all.Error() == "") {
			t.Fatalf("got %v and %v; want a Policy or an Errors", p, err)
		}
	})
}

// harmlessRequire finds require of our own modules.
var harmlessRequire = regexp.MustCompile(`require *\(?['"](kumo|proxy)['"]\)?`)
