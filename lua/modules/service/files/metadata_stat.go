//go:build linux || darwin

package files

import "syscall"

// addStat adds the numbers of stat(2). Their types differ from system to system;
// in Lua they are all numbers.
func (d *description) addStat(st *syscall.Stat_t) {
	for name, n := range map[string]any{
		"dev": st.Dev, "ino": st.Ino, "mode": st.Mode, "nlink": st.Nlink, "uid": st.Uid, "gid": st.Gid,
		"rdev": st.Rdev, "size": st.Size, "blksize": st.Blksize, "blocks": st.Blocks,
	} {
		d.fields[name] = n
	}
}
