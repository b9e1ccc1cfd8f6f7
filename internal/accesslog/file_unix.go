//go:build unix

package accesslog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// careful: a symbolic link is refused, and a pipe that nobody reads too, instead of
// being waited for.
const careful = syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_NOCTTY

// linked says what ELOOP means here.
func linked(err error) error {
	if errors.Is(err, syscall.ELOOP) {
		return fmt.Errorf("%w: it is a symbolic link; name the file itself, or %q for standard output", err, Stdout)
	}
	return err
}

// foreign says whether a file belongs neither to us nor to root.
func foreign(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Uid != 0 && int(s.Uid) != os.Geteuid()
}

func public(mode fs.FileMode) bool { return mode&0o002 != 0 }
