// Package memory tells how much memory the daemon may have and how much it holds.
//
// The limit comes from the control group that the process is in (Linux, cgroup v2
// or v1), and the rest from the Go runtime. The package sets no limit, sheds
// nobody and logs nothing: cmd/troupe hands the limit to the runtime, and
// actors/ decides what happens near it.
package memory

import (
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Limit is how much memory a control group may have.
type Limit struct {
	Bytes int64
	File  string // that says so, with its whole path
}

// unlimited is less than what cgroup v1 says where there is no limit, which is as
// many pages as 63 bits can count, and more than any machine has.
const unlimited = 1 << 60

// hierarchy is where the limits of one version of cgroup are.
type hierarchy struct {
	root  string
	files []string // in the directory of each group
}

// Where they are mounted, see cgroups(7). Beyond memory.high a process is slowed
// down rather than killed, which for a proxy comes to the same.
var (
	v2 = hierarchy{"sys/fs/cgroup", []string{"memory.max", "memory.high"}}
	v1 = hierarchy{"sys/fs/cgroup/memory", []string{"memory.limit_in_bytes"}}
)

// CgroupLimit is the least limit of the control groups that this process is in:
// its own and those around it. It reads files below root, which is the root
// directory, and may be called from any goroutine. Without a limit, and where there
// are no control groups, ok is false.
//
// Within a container the group may be named as the host sees it, though only its
// own directory is mounted, and that as the root: what is not there is passed over,
// and the root is always read.
func CgroupLimit(root fs.FS) (least Limit, ok bool) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return Limit{}, false
	}
	for line := range bytes.Lines(text) {
		h, group, known := groupOf(strings.TrimSuffix(string(line), "\n"))
		if !known {
			continue
		}
		for _, l := range h.limits(root, group) {
			if !ok || l.Bytes < least.Bytes {
				least, ok = l, true
			}
		}
	}
	return least, ok
}

// groupOf reads a line of /proc/self/cgroup, "number:controllers:group"; version 2
// has the number 0 and no controllers.
func groupOf(line string) (h hierarchy, group string, known bool) {
	number, rest, _ := strings.Cut(line, ":")
	controllers, group, found := strings.Cut(rest, ":")
	if !found {
		return hierarchy{}, "", false
	}
	if number == "0" && controllers == "" {
		return v2, group, true
	}
	for one := range strings.SplitSeq(controllers, ",") {
		if one == "memory" {
			return v1, group, true
		}
	}
	return hierarchy{}, "", false
}

// limits are those of a group and of all around it. A group outside of what this
// process may see begins with "/..", which leads to the root.
func (h hierarchy) limits(root fs.FS, group string) (all []Limit) {
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		for _, name := range h.files {
			file := path.Join(h.root, dir, name)
			if n, is := readLimit(root, file); is {
				all = append(all, Limit{n, "/" + file})
			}
		}
		if dir == "/" {
			return all
		}
	}
}

func readLimit(root fs.FS, file string) (int64, bool) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64) // "max": none
	return n, err == nil && n > 0 && n < unlimited
}
