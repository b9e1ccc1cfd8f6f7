package logging

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// A daemon whose log went to a pipe that nobody read stood still: its sessions
// and its signals waited for the log.
func TestQueueHoldsNobodyUp(t *testing.T) {
	r, w := io.Pipe() // nobody reads yet
	q := NewQueue(w, 4)
	for range 100 {
		if n, err := q.Write([]byte("line\n")); n != 5 || err != nil {
			t.Fatalf("got %d, %v; want 5, nil", n, err)
		}
	}
	if q.Lost() == 0 {
		t.Error("no line was lost; want those that had no room to be counted")
	}
	read := make(chan string)
	go func() {
		all, _ := io.ReadAll(r)
		read <- string(all)
	}()
	q.Close(10 * time.Second)
	_ = w.Close()
	got := <-read
	if !strings.HasPrefix(got, "line\n") || !strings.Contains(got, "log lines were lost") {
		t.Errorf("read %q; want the lines that had room and how many were lost", got)
	}
}

func TestQueueKeepsOrderAndCopies(t *testing.T) {
	var out bytes.Buffer
	q := NewQueue(&out, 1000)
	var want strings.Builder
	line := make([]byte, 2)
	for i := range 500 {
		line[0], line[1] = byte('a'+i%26), '\n'
		want.Write(line)
		_, _ = q.Write(line)
	}
	q.Close(10 * time.Second)
	if out.String() != want.String() || q.Lost() != 0 {
		t.Errorf("got %d bytes and %d lost; want the %d bytes that were written", out.Len(), q.Lost(), want.Len())
	}
	_, _ = q.Write(line)
	if q.Lost() != 1 {
		t.Errorf("lost %d after Close; want 1", q.Lost())
	}
}

func TestQueueManyWriters(t *testing.T) {
	var out bytes.Buffer
	q := NewQueue(&out, 10_000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				_, _ = q.Write([]byte("x\n"))
			}
		})
	}
	all.Wait()
	q.Close(10 * time.Second)
	if got := strings.Count(out.String(), "x\n"); got != 1600 {
		t.Errorf("got %d lines; want 1600", got)
	}
}
