package files

import (
	"syscall"
	"time"
)

// system adds what macOS knows besides.
func (d *description) system(string) {
	st, ok := d.info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	d.addStat(st)
	d.access = time.Unix(st.Atimespec.Unix())
	d.birth = time.Unix(st.Birthtimespec.Unix())
}
