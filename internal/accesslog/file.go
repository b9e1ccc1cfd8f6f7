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
type file struct {
	*os.File
	regular bool   // it is no pipe or device
	pause   func() // between two tries to hold it; nil: a millisecond
}

// standard is a log on standard output, which others have as well.
type standard struct{ io.Writer }

// Write writes lines so that those of another process do not come in between.
func (s standard) Write(lines []byte) (int, error) { return inPieces(s.Writer, lines) }

// Close leaves standard output open.
func (standard) Close() error { return nil }

func (standard) hold() (func(), bool) { return func() {}, true }

func (standard) mend(int) error { return errors.ErrUnsupported }

// Write writes lines so that those of another process do not come in between.
func (f file) Write(lines []byte) (int, error) {
	if f.regular {
		return f.File.Write(lines)
	}
	return inPieces(f.File, lines)
}

// mend shortens the file, which is held: nobody else has appended to it.
func (f file) mend(n int) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !f.regular || info.Size() < int64(n) {
		return errors.ErrUnsupported
	}
	return f.Truncate(info.Size() - int64(n))
}

// endLine ends a line that was left unfinished, as by a loss of power, lest the next
// one be lost to its readers too.
func (f file) endLine() error {
	release, held := f.hold()
	defer release()
	if !held || f.isWhole() {
		return nil
	}
	_, err := f.File.Write([]byte{'\n'})
	return err
}

// isWhole says whether the file ends with a line, as far as it can be read.
func (f file) isWhole() bool {
	r, err := os.OpenFile(f.Name(), os.O_RDONLY|careful, 0)
	if err != nil {
		return true
	}
	defer func() { _ = r.Close() }() // it was only read
	info, err := r.Stat()
	own, oerr := f.Stat()
	if err != nil || oerr != nil || !os.SameFile(info, own) || info.Size() == 0 {
		return true
	}
	last := []byte{'\n'}
	if _, err := r.ReadAt(last, info.Size()-1); err != nil {
		return true
	}
	return last[0] == '\n'
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
	var info fs.FileInfo
	if err == nil {
		info, err = f.Stat()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	opened := file{File: f, regular: info.Mode().IsRegular()}
	if opened.regular && !made {
		if err := opened.endLine(); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return opened, nil
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
