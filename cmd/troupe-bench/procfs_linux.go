package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// tick is the unit of processor time in /proc: USER_HZ, which is 100 in what
// the kernel shows on every architecture that Go runs on (proc_pid_stat(5)).
const tick = time.Second / 100

// processStat is what is of use in /proc/PID/stat.
type processStat struct {
	parent    int
	processor time.Duration
	resident  int64 // bytes
}

var errStat = errors.New("not the form of /proc/PID/stat")

// parseStat reads the line of /proc/PID/stat, proc_pid_stat(5). The second
// field is the program's name in parentheses, which may hold anything, blanks
// and parentheses too: the fields are counted from its end.
func parseStat(line []byte, pageSize int64) (processStat, error) {
	const ( // of the fields behind the name, from 0
		parent   = 1
		utime    = 11
		cstime   = 14 // after stime and cutime
		resident = 21 // pages
	)
	_, behind, ok := bytes.Cut(line[max(0, bytes.LastIndexByte(line, ')')):], []byte(") "))
	fields := bytes.Fields(behind)
	if !ok || len(fields) <= resident {
		return processStat{}, errStat
	}
	number := func(i int) int64 {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		ok = ok && err == nil
		return n
	}
	s := processStat{parent: int(number(parent)), resident: number(resident) * pageSize}
	for i := utime; i <= cstime; i++ {
		s.processor += time.Duration(number(i)) * tick
	}
	if !ok {
		return processStat{}, errStat
	}
	return s, nil
}

// readUsage adds up the process root and its descendants.
func readUsage(root int) (usageReading, error) {
	all, err := readProcesses()
	if err != nil {
		return usageReading{}, err
	}
	if _, ok := all[root]; !ok {
		return usageReading{}, fmt.Errorf("process %d: %w", root, os.ErrProcessDone)
	}
	family := descendants(all, root)
	var u usageReading
	for _, pid := range family {
		u.processor += all[pid].processor
		u.resident += resident(pid, all[pid], len(family) > 1)
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return usageReading{}, fmt.Errorf("%w: %w", errNoUsage, err)
		}
		u.files += len(files)
	}
	return u, nil
}

// resident is the memory of a process in bytes. Among several of one family,
// pages that they share are counted once in all, where the kernel says so.
func resident(pid int, s processStat, several bool) int64 {
	if !several {
		return s.resident
	}
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return s.resident
	}
	if share, ok := parsePss(rollup); ok {
		return share
	}
	return s.resident
}

// parsePss finds the proportional share, in bytes, in /proc/PID/smaps_rollup.
func parsePss(rollup []byte) (int64, bool) {
	for line := range bytes.Lines(rollup) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == "Pss:" {
			n, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return n * 1024, err == nil
		}
	}
	return 0, false
}

func readProcesses() (map[int]processStat, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	pageSize := int64(os.Getpagesize())
	all := map[int]processStat{}
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return nil, err
		}
		if all[pid], err = parseStat(line, pageSize); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return all, nil
}

// descendants are root and all below it.
func descendants(all map[int]processStat, root int) []int {
	family := []int{root}
	for i := 0; i < len(family); i++ {
		for pid, s := range all {
			if s.parent == family[i] {
				family = append(family, pid)
			}
		}
	}
	return family
}

// raiseFileLimit raises the soft limit on open files to at least want, and the
// hard one with it if this user may. It gives the limit that holds then.
func raiseFileLimit(want int) (int, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, err
	}
	// Set even if it is high enough: the runtime has raised the soft limit of
	// this process alone, and would give children the old one.
	wanted := syscall.Rlimit{Cur: max(l.Max, uint64(want)), Max: max(l.Max, uint64(want))}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &wanted); err == nil {
		return int(wanted.Cur), nil
	}
	l.Cur = l.Max
	return int(l.Cur), syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}

// kernel is the release of the running kernel.
func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}
