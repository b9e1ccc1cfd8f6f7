package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
)

// TestLimitMemory: the limit of the control group counts unless the environment has
// one, or says that there is none.
func TestLimitMemory(t *testing.T) {
	root := fstest.MapFS{
		"proc/self/cgroup":         {Data: []byte("0::/\n")},
		"sys/fs/cgroup/memory.max": {Data: []byte("1000000000\n")},
	}
	for _, tt := range []struct {
		root fstest.MapFS
		own  string
		want int64 // 0: it is not set
		says string
	}{
		{root, "", 900000000, "bytes=900000000 group=1000000000 file=/sys/fs/cgroup/memory.max"},
		{root, "1GiB", 0, "GOMEMLIMIT=1GiB"},
		{root, "off", 0, "GOMEMLIMIT=off"},
		{nil, "", 0, "there is no memory limit"},
	} {
		var text bytes.Buffer
		var got int64
		group := limitMemory(tt.root, func(string) (string, bool) { return tt.own, tt.own != "" },
			func(n int64) int64 { got = n; return 0 }, slog.New(slog.NewTextHandler(&text, nil)))
		if got != tt.want || !strings.Contains(text.String(), tt.says) || (group == 0) != (tt.root == nil) {
			t.Errorf("%q: set to %d of %d, with %q; want %d and %q", tt.own, got, group, text.String(), tt.want, tt.says)
		}
	}
}
