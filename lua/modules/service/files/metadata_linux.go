package files

import (
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// system adds what Linux knows besides. stat(2) does not say when a file was
// made, statx(2) does where the file system does.
func (d *description) system(path string) {
	st, ok := d.info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	d.addStat(st)
	d.access = time.Unix(st.Atim.Unix())
	flags := 0
	if d.info.Mode()&fs.ModeSymlink != 0 {
		flags = unix.AT_SYMLINK_NOFOLLOW
	}
	var x unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, flags, unix.STATX_BTIME|unix.STATX_INO, &x)
	if err == nil && x.Ino == st.Ino && x.Mask&unix.STATX_BTIME != 0 {
		d.birth = time.Unix(x.Btime.Sec, int64(x.Btime.Nsec))
	}
}
