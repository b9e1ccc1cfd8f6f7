package files

import (
	"errors"
	"fmt"
	"io"
	"os"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/handle"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const (
	class = "kumo.fs.File"
	// MaxRead is how many bytes one read returns at most.
	MaxRead = 16 << 20
	// newFile are the rights of a file that is made, less those that the mask of the
	// process takes away.
	newFile = 0o666
)

var (
	errMode    = errors.New("expected the mode r, w, a, r+, w+ or a+, with or without a b")
	errRegular = errors.New("it is not a regular file")
	errLong    = fmt.Errorf("what is left of it is longer than %d bytes", MaxRead)
	errSeek    = errors.New("expected where to count from, 'set', 'cur' or 'end', and a whole number")
)

// flags of a mode are KumoMTA's: unlike in C, w leaves what is in the file, and
// r+ makes a file that is not there.
func flags(mode string) (int, error) {
	switch mode {
	case "r", "rb":
		return os.O_RDONLY, nil
	case "w", "wb":
		return os.O_WRONLY | os.O_CREATE, nil
	case "a", "ab":
		return os.O_WRONLY | os.O_APPEND | os.O_CREATE, nil
	case "r+", "r+b", "rb+":
		return os.O_RDWR | os.O_CREATE, nil
	case "w+", "w+b", "wb+":
		return os.O_RDWR | os.O_TRUNC | os.O_CREATE, nil
	case "a+", "a+b", "ab+":
		return os.O_RDWR | os.O_APPEND | os.O_CREATE, nil
	}
	return 0, errMode
}

// openRegular refuses what may block for ever, such as pipes.
func openRegular(path string, flag int) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, errRegular
	}
	return os.OpenFile(path, flag, newFile)
}

// file is an open file as a script sees it.
type file struct {
	file   *os.File
	handle *handle.Handle
}

func (s *Files) open(class *spec.Class) spec.Function {
	return spec.Function{
		Name: "open",
		Params: []spec.Param{
			{Name: "path", Type: "string", Doc: "the file"},
			{Name: "mode", Type: "string?", Doc: "r to read (the default), w to write, a to append, r+ and a+ for both; w+ for both, and empties the file. All but r make a file that is not there. A b changes nothing"},
		},
		Results: []spec.Result{{Type: class.Name, Doc: "the open file"}},
		Doc: "Opens a file. As in KumoMTA, w does not empty it. It raises when the file cannot be opened or is no regular file. " +
			"A state has 64 open at most: one more closes the oldest.",
		Call: func(e *spec.Env, L *lua.LState) int {
			path := L.CheckString(1)
			flag, err := flags(L.OptString(2, "r"))
			if err != nil {
				return raise(L, "open", path, err)
			}
			f, err := call.Await(call.Context(L), s.slots, func() (*os.File, error) { return openRegular(path, flag) }, discard)
			if err != nil {
				return raise(L, "open", path, err)
			}
			h, err := s.handles.Add(L, f)
			if err != nil {
				return raise(L, "open", path, err)
			}
			L.Push(object.New(e, L, class, &file{file: f, handle: h}))
			return 1
		},
	}
}

// discard closes a file that was opened too late.
func discard(f *os.File) { _ = f.Close() }

func (s *Files) fileClass() *spec.Class {
	return &spec.Class{
		Name: class,
		Doc:  "An open file.",
		Methods: []spec.Function{
			{Name: "read", Params: []spec.Param{{Name: "size", Type: "integer?", Doc: "how many bytes at most; absent means all that is left"}},
				Results: []spec.Result{{Type: "string", Doc: "the bytes; empty at the end"}},
				Doc:     "Reads. It raises when more than 16 MiB would be returned.", Call: s.read},
			{Name: "write", Params: []spec.Param{{Name: "bytes", Type: "string", Doc: "what to write"}}, Doc: "Writes, with nothing kept back.", Call: s.write},
			{Name: "seek", Params: []spec.Param{{Name: "whence", Type: "string?", Doc: "'set' from the beginning, 'cur' (the default), 'end'"}, {Name: "offset", Type: "integer?", Doc: "in bytes; 0"}},
				Results: []spec.Result{{Type: "integer", Doc: "the position from the beginning"}}, Doc: "Moves the position.", Call: s.seek},
			{Name: "flush", Doc: "Does nothing but raise when the file is closed: writes are not kept back.", Call: s.flush},
			{Name: "close", Doc: "Closes the file. Doing it twice does nothing.", Call: s.close},
		},
	}
}

// do runs a method of a file and raises its error.
func do[T any](s *Files, L *lua.LState, method string, work func(f *os.File) (T, error)) T {
	f := object.Self[*file](L, class+":"+method)
	result, err := call.Await(call.Context(L), s.slots, func() (T, error) { return work(f.file) }, nil)
	if err != nil {
		if !f.handle.Open() {
			err = os.ErrClosed
		}
		call.Raise(L, class+":"+method, about(f.file.Name(), err))
	}
	return result
}

func (s *Files) read(_ *spec.Env, L *lua.LState) int {
	size := -1
	if n := L.Get(2); n != lua.LNil {
		count := L.CheckNumber(2)
		if count < 0 || count > MaxRead || count != lua.LNumber(int(count)) {
			L.RaiseError("%s:read: expected a whole number from 0 to %d, got %s", class, MaxRead, n)
		}
		size = int(count)
	}
	L.Push(lua.LString(do(s, L, "read", func(f *os.File) ([]byte, error) { return read(f, size) })))
	return 1
}

// read reads once, up to size bytes, or all when that is -1.
func read(f *os.File, size int) ([]byte, error) {
	if size < 0 {
		all, err := io.ReadAll(io.LimitReader(f, MaxRead+1))
		if err == nil && len(all) > MaxRead {
			return nil, errLong
		}
		return all, err
	}
	buffer := make([]byte, size)
	n, err := f.Read(buffer)
	if isEnd(err) {
		err = nil
	}
	return buffer[:n], err
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) }

func (s *Files) write(_ *spec.Env, L *lua.LState) int {
	text := L.CheckString(2)
	do(s, L, "write", func(f *os.File) (int, error) { return f.WriteString(text) })
	return 0
}

func (s *Files) seek(_ *spec.Env, L *lua.LState) int {
	offset, whence, err := position(L)
	if err != nil {
		return call.Raise(L, class+":seek", err)
	}
	L.Push(lua.LNumber(do(s, L, "seek", func(f *os.File) (int64, error) { return f.Seek(offset, whence) })))
	return 1
}

// position reads the arguments of seek, which may come in either order.
func position(L *lua.LState) (offset int64, whence int, err error) {
	whence = io.SeekCurrent
	for i := 2; i <= L.GetTop(); i++ {
		switch v := L.Get(i).(type) {
		case lua.LNumber:
			if offset = int64(v); lua.LNumber(offset) != v {
				return 0, 0, errSeek
			}
		case lua.LString:
			switch v {
			case "set":
				whence = io.SeekStart
			case "cur":
				whence = io.SeekCurrent
			case "end":
				whence = io.SeekEnd
			default:
				return 0, 0, errSeek
			}
		default:
			return 0, 0, errSeek
		}
	}
	return offset, whence, nil
}

func (s *Files) flush(_ *spec.Env, L *lua.LState) int {
	if f := object.Self[*file](L, class+":flush"); !f.handle.Open() {
		return call.Raise(L, class+":flush", about(f.file.Name(), os.ErrClosed))
	}
	return 0
}

func (s *Files) close(_ *spec.Env, L *lua.LState) int {
	f := object.Self[*file](L, class+":close")
	if err := f.handle.Close(L); err != nil {
		return call.Raise(L, class+":close", about(f.file.Name(), err))
	}
	return 0
}
