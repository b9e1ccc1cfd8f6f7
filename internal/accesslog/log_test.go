package accesslog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// patience bounds every wait, and is used up by a test that fails alone.
// TestWritten: without being asked, and in order.
func TestWritten(t *testing.T) {
	path := inTemp(t)
	l := openLog(t, discard(), at(path))
	for n := range 100 {
		l.Add(numbered(n))
	}
	eventually(t, "the lines", func() bool { return l.Counts().Written == 100 })
	if got := idsIn(t, path); !slices.Equal(got, count(100)) {
		t.Errorf("got the lines %v; want 0 to 99", got)
	}
}

// TestCloseWritesWhatWaits, and after that nothing.
func TestCloseWritesWhatWaits(t *testing.T) {
	path := inTemp(t)
	l := openLog(t, discard(), at(path))
	const lines = 5000
	for n := range lines {
		l.Add(numbered(n))
	}
	wantClosed(t, l)
	l.Add(numbered(lines))
	c := at(path)
	l.Configure(&c)
	l.Add(numbered(lines))
	if got := idsIn(t, path); !slices.Equal(got, count(lines)) {
		t.Errorf("got %d lines; want %d in order", len(got), lines)
	}
	if l.Wants() {
		t.Error("a closed log wants sessions")
	}
}

func TestNothingConfigured(t *testing.T) {
	for name, l := range map[string]*Log{"nil": nil, "new": New(discard(), io.Discard)} {
		t.Run(name, func(t *testing.T) {
			if l.Wants() {
				t.Error("it wants sessions")
			}
			l.Add(numbered(1))
			if err := l.Reopen(t.Context()); !errors.Is(err, ErrNone) {
				t.Errorf("reopen: got error %v; want %v", err, ErrNone)
			}
			if got := l.Counts(); got != (Counts{}) {
				t.Errorf("got %+v; want nothing counted", got)
			}
			wantClosed(t, l)
		})
	}
}

func TestProbes(t *testing.T) {
	probe := numbered(0)
	probe.Probe = true
	for _, probes := range []bool{false, true} {
		path := inTemp(t)
		c := at(path)
		c.Probes = probes
		l := openLog(t, discard(), c)
		l.Add(probe)
		wantClosed(t, l)
		if got := len(idsIn(t, path)); got == 1 != probes {
			t.Errorf("probes %v: got %d lines", probes, got)
		}
	}
}

// TestReopenUnderLoad: files are renamed away and none of the lines is lost, torn
// or written twice.
func TestReopenUnderLoad(t *testing.T) {
	path := inTemp(t)
	l := openLog(t, discard(), at(path))
	const rounds, perRound, writers = 20, 200, 4
	var files []string
	next := make(chan int, writers)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for n := range next {
				l.Add(numbered(n))
			}
		})
	}
	for round := range rounds {
		for n := range perRound {
			next <- round*perRound + n
			if n == perRound/2 {
				files = append(files, fmt.Sprintf("%s.%d", path, round))
				rotate(t, l, path, files[round])
			}
		}
	}
	close(next)
	wg.Wait()
	wantClosed(t, l)
	got := idsIn(t, append(files, path)...)
	slices.Sort(got)
	if !slices.Equal(got, count(rounds*perRound)) {
		t.Errorf("got %d lines; want each of %d once", len(got), rounds*perRound)
	}
	if c := l.Counts(); c.Written != rounds*perRound || c.Lost+c.Failures > 0 {
		t.Errorf("got %+v; want %d written and nothing else", c, rounds*perRound)
	}
	if text, err := os.ReadFile(files[len(files)-1]); err != nil || len(text) == 0 {
		t.Errorf("the last file renamed has %d bytes, error %v; want lines", len(text), err)
	}
}

// rotate is what logrotate does.
func rotate(t *testing.T, l *Log, path, to string) {
	t.Helper()
	if err := l.Reopen(t.Context()); err != nil { // so that the file is there
		t.Fatal(err)
	}
	if err := os.Rename(path, to); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestReopenFails: lines go where they went.
func TestReopenFails(t *testing.T) {
	path := inTemp(t)
	l := openLog(t, discard(), at(path))
	l.Add(numbered(0))
	if err := l.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(t.Context()); err == nil {
		t.Error("reopened as a directory; want an error")
	}
	l.Add(numbered(1))
	wantClosed(t, l)
	if got := idsIn(t, path+".1"); !slices.Equal(got, count(2)) {
		t.Errorf("got the lines %v in the old file; want 0 and 1", got)
	}
}

// TestOtherPath: what waits is written where it was to be, and no line between.
func TestOtherPath(t *testing.T) {
	first := inTemp(t)
	second := first + ".2"
	l := openLog(t, discard(), at(first))
	const lines = 2000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range lines {
			l.Add(numbered(n))
			if n == lines/2 {
				c := at(second)
				l.Configure(&c)
			}
		}
	}()
	<-done
	wantClosed(t, l)
	if got := idsIn(t, first, second); !slices.Equal(got, count(lines)) {
		t.Errorf("got %d lines; want %d in order", len(got), lines)
	}
	if got := len(idsIn(t, second)); got != lines/2-1 {
		t.Errorf("got %d lines in the second file; want %d", got, lines/2-1)
	}
}

// TestConfigureSame goes on with the file that is open.
func TestConfigureSame(t *testing.T) {
	path := inTemp(t)
	l := openLog(t, discard(), at(path))
	l.Add(numbered(0))
	if err := l.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	c := at(path)
	l.Configure(&c)
	l.Add(numbered(1))
	c.BufferLines++
	l.Configure(&c) // another one, of the same file
	l.Add(numbered(2))
	l.Configure(nil)
	if l.Wants() {
		t.Error("a log that is asked for no more wants sessions")
	}
	l.Add(numbered(3))
	wantClosed(t, l)
	if got := idsIn(t, path+".1", path); !slices.Equal(got, count(3)) {
		t.Errorf("got the lines %v; want 0, 1 and 2", got)
	}
}

// stuck is standard output that nobody reads until release.
type stuck struct {
	release chan struct{}
	writes  chan []byte
	begun   atomic.Int64
}

func (s *stuck) Write(p []byte) (int, error) {
	s.begun.Add(1)
	<-s.release
	s.writes <- bytes.Clone(p)
	return len(p), nil
}

// TestStuck: nobody waits for it but who asks for that, for as long as they like.
func TestStuck(t *testing.T) {
	out := &stuck{release: make(chan struct{}), writes: make(chan []byte, 100)}
	l := New(discard(), out)
	c := at(Stdout)
	c.BufferLines = 10
	l.Configure(&c)
	for n := range 1000 {
		l.Add(numbered(n))
	}
	if lost := l.Counts().Lost; lost != 990 {
		t.Errorf("%d lines are lost; want 990", lost)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := l.Reopen(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("reopen: got error %v; want %v", err, context.DeadlineExceeded)
	}
	if l.Close(10 * time.Millisecond) {
		t.Error("closed before the lines were written")
	}
	close(out.release)
	wantClosed(t, l)
	close(out.writes)
	lines := 0
	for p := range out.writes {
		for line := range bytes.Lines(p) { // each write has whole lines
			keysOf(t, line)
			lines++
		}
	}
	if lines != 10 {
		t.Errorf("got %d lines; want 10", lines)
	}
}

// TestOneWriterAtATime: a log that is asked for otherwise writes to the same file
// only once the one before has come to its end.
func TestOneWriterAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{release: make(chan struct{}), writes: make(chan []byte, 100)}
		l := New(discard(), out)
		for n := range 3 {
			c := at(Stdout)
			c.BufferLines = 10 + n
			l.Configure(&c)
			l.Add(numbered(n))
			<-time.After(3 * flushEvery) // it should have been written by now
		}
		if begun := out.begun.Load(); begun != 1 {
			t.Errorf("%d write at once; want one", begun)
		}
		close(out.release)
		wantClosed(t, l)
		for n := range 3 {
			if got, want := string(<-out.writes), fmt.Sprintf(`"id":"%016x"`, n); !strings.Contains(got, want) {
				t.Errorf("write %d is %q; want %s in it", n, got, want)
			}
		}
	})
}

// panicking is standard output of a daemon whose author made a mistake.
type panicking struct{ once sync.Once }

func (p *panicking) Write(b []byte) (int, error) {
	p.once.Do(func() { panic("mistake") })
	return len(b), nil
}

func TestPanic(t *testing.T) {
	var s said
	l := New(s.logger(), &panicking{})
	c := at(Stdout)
	l.Configure(&c)
	l.Add(numbered(0))
	eventually(t, "the line", func() bool { return l.Counts().Written == 1 })
	wantClosed(t, l)
	if !strings.Contains(s.String(), "mistake") {
		t.Errorf("the log says %q; want what went wrong", s.String())
	}
}
