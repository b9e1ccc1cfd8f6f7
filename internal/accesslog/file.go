package accesslog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

var (
	errKind   = errors.New("it is no file, pipe or character device")
	errOwner  = errors.New("it belongs to another user")
	errPublic = errors.New("everybody may write it")
)

// file is a log file.
type file struct{ *os.File }

// standard is a log on standard output, which others have as well.
type standard struct{ io.Writer }

// Close leaves standard output open.
func (standard) Close() error { return nil }

func (standard) mend(int) error { return errors.ErrUnsupported }

// mend shortens the file. Others may have written to it, so it is done only
// where it is a file that we alone append to.
func (f file) mend(n int) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() < int64(n) {
		return errors.ErrUnsupported
	}
	return f.Truncate(info.Size() - int64(n))
}

// openFile opens a log to append to, and makes it if it is not there. Symbolic
// links are not followed, nor is it written where somebody else could have put it:
// in a directory that others may write, that would let them choose what is written.
func openFile(path string, mode fs.FileMode) (output, error) {
	f, made, err := openOrMake(path, mode)
	if err != nil {
		return nil, err
	}
	if made {
		err = f.Chmod(mode) // whatever the umask is
	} else {
		err = check(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return file{f}, nil
}

func openOrMake(path string, mode fs.FileMode) (f *os.File, made bool, err error) {
	const flags = os.O_WRONLY | os.O_APPEND | careful
	f, err = os.OpenFile(path, flags, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, false, linked(err)
	}
	f, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) { // just now
		f, err = os.OpenFile(path, flags, 0)
		return f, false, linked(err)
	}
	return f, err == nil, err
}

// check refuses a file that was there and should not be written.
func check(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	mode := info.Mode()
	switch {
	case mode&fs.ModeCharDevice != 0:
		return nil // which is the system's
	case !mode.IsRegular() && mode&fs.ModeNamedPipe == 0:
		err = errKind
	case foreign(info):
		err = errOwner
	case public(mode):
		err = errPublic
	default:
		return nil
	}
	return fmt.Errorf("open %s: %w", f.Name(), err)
}
