//go:build unix

package accesslog

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
)

// TestTwoAppend: two processes append to one file during a hand-over. No line of the one
// is within a line of the other, and none is missing.
func TestTwoAppend(t *testing.T) {
	const each = 5000
	path := inTemp(t)
	var both sync.WaitGroup
	for _, first := range []int{0, each} {
		l := openLog(t, discard(), at(path))
		both.Go(func() {
			for n := range each {
				l.Add(numbered(first + n))
			}
			wantClosed(t, l)
		})
	}
	both.Wait()
	got := idsIn(t, path)
	slices.Sort(got)
	if !slices.Equal(got, count(2*each)) {
		t.Errorf("got %d lines; want each of %d once", len(got), 2*each)
	}
}

// TestHeld: while one process may still take half a line off again, the other one waits,
// and then its lines are whole.
func TestHeld(t *testing.T) {
	path := inTemp(t)
	mine, err := openFile(path, DefaultMode)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	other := newWriter(at(path), New(discard(), nil))
	other.openNow()
	defer other.finish()
	release, held := mine.hold()
	if !held {
		t.Skip("files cannot be locked here")
	}
	if _, err := mine.Write([]byte("half a li")); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		other.add(numbered(n))
	}
	mended := false
	waiting := other.file.(file)
	waiting.pause = func() {
		if got := other.counts.written.Load(); got != 0 {
			t.Errorf("%d lines were written behind half a line; want none", got)
		}
		if err := mine.mend(len("half a li")); err != nil {
			t.Fatal(err)
		}
		release()
		mended = true
	}
	other.file = waiting
	other.flush()
	if got := idsIn(t, path); !mended || !slices.Equal(got, count(3)) {
		t.Errorf("got the lines %v; want all of the other process, once it may write, and nothing else", got)
	}
}

// TestHeldForEver: whoever may read the log may lock it, and must not silence it by that.
func TestHeldForEver(t *testing.T) {
	path := inTemp(t)
	mine, err := openFile(path, DefaultMode)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	release, _ := mine.hold()
	defer release()
	l := openLog(t, discard(), at(path))
	for n := range 3 {
		l.Add(numbered(n))
	}
	wantClosed(t, l)
	if got := idsIn(t, path); !slices.Equal(got, count(3)) {
		t.Errorf("got the lines %v; want them although somebody has locked the file", got)
	}
}

// TestUnfinished: a line that a process before has not finished is ended, once, whoever
// opens the file.
func TestUnfinished(t *testing.T) {
	path := inTemp(t)
	if err := os.WriteFile(path, []byte("half a li"), 0o600); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		f, err := openFile(path, DefaultMode)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(numbered(n).AppendLine(nil)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(text, []byte("half a li\n"))
	if !ok {
		t.Fatalf("got %q; want the unfinished line ended", text)
	}
	if err := os.WriteFile(path, rest, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := idsIn(t, path); !slices.Equal(got, count(2)) {
		t.Errorf("got the lines %v; want 0 and 1", got)
	}
}

// pieces is a pipe that remembers what was written at once.
type pieces struct {
	all  [][]byte
	fail error
}

func (p *pieces) Write(b []byte) (int, error) {
	if p.fail != nil {
		return 0, p.fail
	}
	p.all = append(p.all, bytes.Clone(b))
	return len(b), nil
}

// TestPieces: what goes to a pipe is whole lines, and stays together.
func TestPieces(t *testing.T) {
	var lines []byte
	for n := range 100 {
		lines = numbered(n).AppendLine(lines)
	}
	long := append(bytes.Repeat([]byte("x"), 2*pieceMost), '\n')
	text := slices.Concat(lines, long, lines, long)
	var p pieces
	if n, err := (standard{&p}).Write(text); n != len(text) || err != nil {
		t.Errorf("got %d, %v; want %d bytes written", n, err, len(text))
	}
	if !bytes.Equal(slices.Concat(p.all...), text) {
		t.Error("what was written is not what was given")
	}
	for _, one := range p.all {
		if one[len(one)-1] != '\n' || len(one) > pieceMost && !bytes.Equal(one, long) {
			t.Errorf("a piece of %d bytes ends with %q; want whole lines, %d bytes at most", len(one), one[len(one)-1], pieceMost)
		}
	}
	p.fail = errors.New("gone")
	if n, err := (standard{&p}).Write(text); n != 0 || !errors.Is(err, p.fail) {
		t.Errorf("got %d, %v; want the error of the pipe", n, err)
	}
}
