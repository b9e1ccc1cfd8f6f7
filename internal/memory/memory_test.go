package memory

import (
	"math"
	"path"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// host is a root directory with these files.
func host(files map[string]string) fstest.MapFS {
	all := fstest.MapFS{}
	for name, text := range files {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

func TestCgroupLimit(t *testing.T) {
	const group = "proc/self/cgroup"
	for name, tt := range map[string]struct {
		files map[string]string
		want  Limit
	}{
		"no control groups": {nil, Limit{}},
		"v2, its own": {map[string]string{group: "0::/system.slice/troupe.service\n",
			"sys/fs/cgroup/system.slice/troupe.service/memory.max": "536870912\n",
			"sys/fs/cgroup/system.slice/memory.max":                "max\n"},
			Limit{512 << 20, "/sys/fs/cgroup/system.slice/troupe.service/memory.max"}},
		"v2, one around it is less": {map[string]string{group: "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "2000000", "sys/fs/cgroup/a/memory.max": "1000000"},
			Limit{1000000, "/sys/fs/cgroup/a/memory.max"}},
		"v2, it is slowed down before": {map[string]string{group: "0::/a\n",
			"sys/fs/cgroup/a/memory.max": "2000000\n", "sys/fs/cgroup/a/memory.high": "1500000\n"},
			Limit{1500000, "/sys/fs/cgroup/a/memory.high"}},
		"v2, in a container": {map[string]string{group: "0::/\n", "sys/fs/cgroup/memory.max": "300000000\n"},
			Limit{300000000, "/sys/fs/cgroup/memory.max"}},
		"v2, outside of what is seen": {map[string]string{group: "0::/../../other\n", "sys/fs/cgroup/memory.max": "300000000\n"},
			Limit{300000000, "/sys/fs/cgroup/memory.max"}},
		"v2, none": {map[string]string{group: "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, Limit{}},
		"v1": {map[string]string{group: "5:cpu,cpuacct:/x\n4:memory:/docker/1\n1:name=systemd:/y\n",
			"sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "64000000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":          "9223372036854771712\n"},
			Limit{64000000, "/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes"}},
		"v1, in a container": {map[string]string{group: "4:hugetlb,memory:/docker/1\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "64000000\n"},
			Limit{64000000, "/sys/fs/cgroup/memory/memory.limit_in_bytes"}},
		"v1, none": {map[string]string{group: "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, Limit{}},
		"both, memory is with v1": {map[string]string{group: "4:memory:/a\n0::/a\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "64000000\n"},
			Limit{64000000, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes"}},
		"nonsense": {map[string]string{group: "what\n0:\n::\n0::/a", "sys/fs/cgroup/a/memory.max": "-5"}, Limit{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := CgroupLimit(host(tt.files))
			if got != tt.want || ok != (tt.want != Limit{}) {
				t.Errorf("got %+v, %v; want %+v", got, ok, tt.want)
			}
		})
	}
}

// FuzzCgroupLimit: whatever the files say, a limit is a number that one of them has.
func FuzzCgroupLimit(f *testing.F) {
	f.Add("0::/a/b\n", "1000")
	f.Add("4:memory:/../x\n", "max")
	f.Add("0::a//b/../../..\n\n:::", "9223372036854775807")
	f.Fuzz(func(t *testing.T, groups, limit string) {
		files := map[string]string{"proc/self/cgroup": groups}
		for _, dir := range []string{"", "a", "a/b", "memory"} {
			for _, name := range append(v1.files, v2.files...) {
				files[path.Join("sys/fs/cgroup", dir, name)] = limit
			}
		}
		got, ok := CgroupLimit(host(files))
		if !ok {
			return
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(limit), 10, 64); err != nil || n != got.Bytes || got.Bytes <= 0 {
			t.Errorf("got %+v of %q", got, limit)
		}
	})
}

// TestMeter: what is in use is held, what is garbage is not, once it was looked for.
func TestMeter(t *testing.T) {
	const size = 64 << 20
	m := NewMeter()
	m.Renew()
	before, _ := m.Read()
	ballast := make([]byte, size)
	m.Renew()
	with, _ := m.Read()
	runtime.KeepAlive(ballast)
	m.Renew()
	m.Renew()
	after, _ := m.Read()
	if with < before+size*9/10 || after > before+size/10 {
		t.Errorf("%d bytes were held before %d were, %d with them and %d afterwards", before, size, with, after)
	}
	if before == 0 || before > 1<<30 {
		t.Errorf("%d bytes are held; want some megabytes", before)
	}
}

func TestMeterKnowsTheLimit(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	m := NewMeter()
	if _, limit := m.Read(); limit != 0 {
		t.Errorf("got a limit of %d; want none", limit)
	}
	debug.SetMemoryLimit(3 << 30)
	if _, limit := m.Read(); limit != 3<<30 {
		t.Errorf("got a limit of %d; want %d", limit, 3<<30)
	}
}
