package dialect_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/yuin/gopher-lua/ast"

	"github.com/troupe-proxy/troupe/lua/dialect"
)

// FuzzParse: no text makes the parser or the compiler panic. What the one
// refuses has a line of the text, what it takes the other takes too or refuses
// with a line of its own.
func FuzzParse(f *testing.F) {
	seeds := 0
	for _, pattern := range []string{"testdata/*.lua", "../examples/*.lua", "../policy/testdata/*/*.lua"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(source)
			seeds++
		}
	}
	if seeds < 120 {
		f.Fatalf("got %d seeds; want 120 or more", seeds)
	}
	for _, m := range mistakes {
		f.Add([]byte(m.source))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		chunk, err := dialect.Parse("t", source)
		if err != nil {
			checkRefusal(t, err, source)
			if chunk != nil {
				t.Error("got a tree with the error")
			}
			return
		}
		checkLines(t, chunk, lines(source))
		proto, err := dialect.CompileTree("t", chunk)
		if err != nil {
			checkRefusal(t, err, source)
		} else if proto == nil {
			t.Error("got neither a function nor an error")
		}
	})
}

// lines is how many lines a text has at most.
func lines(source []byte) int {
	n := 1
	for _, c := range source {
		if c == '\n' || c == '\r' {
			n++
		}
	}
	return n
}

func checkRefusal(t *testing.T, err error, source []byte) {
	t.Helper()
	var refusal *dialect.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got %T; want an *Error", err)
	}
	if refusal.Name != "t" || refusal.Message == "" || refusal.Line < 1 || refusal.Line > lines(source) || refusal.Column < 0 {
		t.Errorf("got %+v of %d lines", refusal, lines(source))
	}
}

func checkLines(t *testing.T, chunk []ast.Stmt, last int) {
	t.Helper()
	for _, s := range chunk {
		if s.Line() < 1 || s.Line() > last || s.LastLine() > last {
			t.Errorf("%T at lines %d to %d of %d", s, s.Line(), s.LastLine(), last)
		}
	}
}
