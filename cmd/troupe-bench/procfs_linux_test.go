package main

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// The name in parentheses is chosen by whoever runs the program.
const statTail = " S 41 7 7 0 -1 4194560 900 0 0 0 130 25 4 1 20 0 3 0 5000 23000000 1500 18446744073709551615 1 1 0\n"

func TestParseStat(t *testing.T) {
	t.Parallel()
	want := processStat{parent: 41, processor: 1600 * time.Millisecond, resident: 1500 * 4096}
	for _, name := range []string{"(troupe)", "(a b)", "(a) S 1 (b)", "()"} {
		got, err := parseStat([]byte("42 "+name+statTail), 4096)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
	for _, bad := range []string{"", "42", "42 (troupe)", "42 (troupe) ", "42 (troupe) S 41 7", "42 (troupe) S x" + statTail[5:]} {
		if got, err := parseStat([]byte(bad), 4096); !errors.Is(err, errStat) {
			t.Errorf("%q: got %+v, %v; want errStat", bad, got, err)
		}
	}
}

func TestParsePss(t *testing.T) {
	t.Parallel()
	const rollup = "55d0-7ffc ---p 00000000 00:00 0    [rollup]\nRss:      1200 kB\nPss:       300 kB\nPss_Dirty: 10 kB\n"
	if got, ok := parsePss([]byte(rollup)); !ok || got != 300*1024 {
		t.Errorf("got %d, %v; want %d", got, ok, 300*1024)
	}
	if _, ok := parsePss([]byte("Rss: 1 kB\n")); ok {
		t.Error("got a share out of nothing")
	}
}

func TestDescendants(t *testing.T) {
	t.Parallel()
	all := map[int]processStat{1: {}, 10: {parent: 1}, 11: {parent: 10}, 12: {parent: 11}, 20: {parent: 1}}
	got := slices.Sorted(slices.Values(descendants(all, 10)))
	if want := []int{10, 11, 12}; !slices.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
}

// TestReadUsage watches a shell with a child: both count.
func TestReadUsage(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "exec 7</dev/null 8</dev/null; sleep 60 7<&- & read x; kill $!")
	cmd.SysProcAttr = bound()
	stdin, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() { _ = cmd.Wait() }()
	defer func() { endGroup(cmd.Process, true) }()
	defer func() { _ = stdin.Close() }()
	// The shell has 0, 1, 2, 7, 8 and its child all of these but 7.
	var u usageReading
	if err := poll(t.Context(), 5*time.Millisecond, deadline(t, func() bool {
		u, err = readUsage(cmd.Process.Pid)
		return err == nil && u.files >= 9
	})); err != nil {
		t.Fatal(err)
	}
	if u.resident < 4096 {
		t.Errorf("got %d bytes resident; want at least a page", u.resident)
	}
	if _, err := readUsage(1 << 30); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a process that is not there: got %v; want %v", err, os.ErrProcessDone)
	}
}

// deadline fails the test when what is waited for does not come.
func deadline(t *testing.T, holds func() bool) func() bool {
	end := time.Now().Add(patience)
	return func() bool {
		if time.Now().After(end) {
			t.Error("waited in vain")
			return true
		}
		return holds()
	}
}
