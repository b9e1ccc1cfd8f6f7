package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	lua "github.com/yuin/gopher-lua"
)

// bufferSize is that of C's stdio on Linux.
const bufferSize = 4096

// file is an open file, a standard stream or the pipe of a child. Reading and
// writing have a buffer each; to go from one to the other gives up the first.
type file struct {
	name      string
	source    io.Reader
	sink      io.Writer
	disk      *os.File // nil for streams and pipes
	child     *child
	reader    *bufio.Reader
	writer    *bufio.Writer
	lineWise  bool
	unbuffer  bool
	standard  bool
	temporary bool
	closed    bool
}

func newFile(name string, f *os.File, mode string) *file {
	opened := &file{name: name, disk: f}
	if flags := openFlags(mode); flags&(os.O_WRONLY|os.O_RDWR) != os.O_WRONLY {
		opened.source = f
	}
	if mode[0] != 'r' || len(mode) > 1 && mode[1] == '+' {
		opened.sink = f
	}
	opened.buffer()
	return opened
}

func (f *file) buffer() {
	if f.source != nil {
		f.reader = bufio.NewReaderSize(f.source, bufferSize)
	}
	if f.sink != nil {
		f.writer = bufio.NewWriterSize(f.sink, bufferSize)
	}
}

const (
	// errDirection is what C says when a file is not open for that.
	errDirection = syscall.EBADF
	// errSeek is what C says of a stream that has no position.
	errSeek = syscall.ESPIPE
)

// forReading gives the reader, with nothing left to write.
func (f *file) forReading() (*bufio.Reader, error) {
	if f.source == nil {
		return nil, errDirection
	}
	if f.reader == nil {
		f.reader = bufio.NewReaderSize(f.source, bufferSize)
	}
	return f.reader, f.flush()
}

// write writes text, at the place where reading has come to.
func (f *file) write(text string) error {
	if f.sink == nil {
		return errDirection
	}
	if f.writer == nil || f.unbuffer {
		_, err := io.WriteString(f.sink, text)
		return err
	}
	if err := f.forgetRead(); err != nil {
		return err
	}
	if _, err := f.writer.WriteString(text); err != nil {
		return err
	}
	if f.lineWise {
		return f.writer.Flush()
	}
	return nil
}

// forgetRead drops what was read ahead and goes back to where it began.
func (f *file) forgetRead() error {
	if f.disk == nil || f.reader == nil || f.reader.Buffered() == 0 {
		return nil
	}
	_, err := f.disk.Seek(-int64(f.reader.Buffered()), io.SeekCurrent)
	f.reader.Reset(f.source)
	return err
}

func (f *file) flush() error {
	if f.writer == nil {
		return nil
	}
	return f.writer.Flush()
}

func (f *file) seek(offset int64, whence int) (int64, error) {
	if f.disk == nil {
		return 0, errSeek
	}
	if err := f.flush(); err != nil {
		return 0, err
	}
	if f.reader != nil {
		if err := f.forgetRead(); err != nil {
			return 0, err
		}
		f.reader.Reset(f.source)
	}
	return f.disk.Seek(offset, whence)
}

// Close ends the file when its state ends: a child is killed.
func (f *file) Close() error {
	f.closed = true
	if f.child != nil {
		f.child.kill()
		return nil
	}
	return f.closeDisk()
}

func (f *file) closeDisk() error {
	err := f.flush()
	if f.disk != nil {
		err = errors.Join(err, f.disk.Close())
		if f.temporary {
			err = errors.Join(err, os.Remove(f.name))
		}
	}
	return err
}

// wrap makes the Lua value of a file.
func (m *machine) wrap(f *file) *lua.LUserData {
	return &lua.LUserData{Value: f, Metatable: m.files}
}

// own makes the Lua value of a file that is closed when the value is lost.
func (m *machine) own(f *file) *lua.LUserData {
	data := m.wrap(f)
	m.resources.add(f)
	runtime.AddCleanup(data, collect, lost{m.resources, f})
	return data
}

func (m *machine) openFiles(L *lua.LState) {
	methods := L.CreateTable(0, 7)
	for name, function := range map[string]lua.LGFunction{
		"close": m.fileClose, "flush": fileFlush, "lines": m.fileLines, "read": m.fileRead,
		"seek": fileSeek, "setvbuf": fileSetvbuf, "write": m.fileWrite,
	} {
		methods.RawSetString(name, L.NewFunction(function))
	}
	meta := L.CreateTable(0, 5)
	meta.RawSetString("__index", methods)
	meta.RawSetString("__name", lua.LString("FILE*"))
	meta.RawSetString("__tostring", L.NewFunction(fileToString))
	closer := L.NewFunction(m.fileCollect)
	meta.RawSetString("__close", closer)
	meta.RawSetString("__gc", closer)
	m.files = meta
}

func checkFile(L *lua.LState, n int) *file {
	if data, ok := L.Get(n).(*lua.LUserData); ok {
		if f, ok := data.Value.(*file); ok {
			return f
		}
	}
	typeError(L, n, "FILE*")
	return nil
}

func checkOpenFile(L *lua.LState, n int) *file {
	f := checkFile(L, n)
	if f.closed {
		raisef(L, "attempt to use a closed file")
	}
	return f
}

func fileToString(L *lua.LState) int {
	if f := checkFile(L, 1); f.closed {
		L.Push(lua.LString("file (closed)"))
	} else {
		L.Push(lua.LString(fmt.Sprintf("file (%p)", f)))
	}
	return 1
}

func (m *machine) fileClose(L *lua.LState) int { return m.closeFile(L, checkOpenFile(L, 1)) }

// closeFile closes a file; for a child it returns how that ended.
func (m *machine) closeFile(L *lua.LState, f *file) int {
	if f.standard {
		if err := f.flush(); err != nil {
			return pushResult(L, err, "")
		}
		L.Push(lua.LNil)
		L.Push(lua.LString("cannot close standard file"))
		return 2
	}
	f.closed = true
	m.resources.take(f)
	if f.child == nil {
		return pushResult(L, f.closeDisk(), "")
	}
	flushed := f.flush()
	ended := f.child.wait()
	if err := done(L); err != nil {
		raisef(L, "%s", err.Error())
	}
	if flushed != nil && ended == nil {
		return pushResult(L, flushed, "")
	}
	return pushExit(L, f.child.cmd, ended)
}

// fileCollect is __close: it closes what is still open and says nothing.
func (m *machine) fileCollect(L *lua.LState) int {
	if f := checkFile(L, 1); !f.closed && !f.standard {
		m.closeFile(L, f)
	}
	return 0
}

func fileFlush(L *lua.LState) int {
	return pushResult(L, checkOpenFile(L, 1).flush(), "")
}

func (m *machine) fileWrite(L *lua.LState) int {
	f := checkOpenFile(L, 1)
	return m.write(L, L.Get(1), f, 2)
}

// write writes the arguments from n on and returns the file.
func (m *machine) write(L *lua.LState, self lua.LValue, f *file, n int) int {
	for ; n <= L.GetTop(); n++ {
		if err := f.write(checkString(L, n)); err != nil {
			return pushResult(L, err, "")
		}
	}
	L.Push(self)
	return 1
}

func fileSeek(L *lua.LState) int {
	f := checkOpenFile(L, 1)
	whence := checkOption(L, 2, "cur", "set", "cur", "end")
	offset := optInt(L, 3, 0)
	at, err := f.seek(offset, []int{io.SeekStart, io.SeekCurrent, io.SeekEnd}[whence])
	if err != nil {
		return pushResult(L, err, "")
	}
	L.Push(lua.LNumber(at))
	return 1
}

func fileSetvbuf(L *lua.LState) int {
	f := checkOpenFile(L, 1)
	mode := checkOption(L, 2, "", "no", "full", "line")
	optInt(L, 3, bufferSize)
	if err := f.flush(); err != nil {
		return pushResult(L, err, "")
	}
	f.unbuffer, f.lineWise = mode == 0, mode == 2
	L.Push(lua.LTrue)
	return 1
}
