//go:build linux || darwin

package acctlog

import "golang.org/x/sys/unix"

// scarce reports whether the disk of the directory has less free than asked for.
func scarce(c *Config) bool {
	var s unix.Statfs_t
	if unix.Statfs(c.Dir, &s) != nil {
		return false
	}
	block := uint64(s.Bsize)
	return c.MinFreeSpace.below(s.Bavail*block, s.Blocks*block) || s.Files > 0 && c.MinFreeInodes.below(s.Ffree, s.Files)
}
