package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"github.com/troupe-proxy/troupe/lua/dialect"
)

// largestSource bounds the policy file. Compiling needs many times its size.
const largestSource = 4 << 20

type syntaxTree = []ast.Stmt

// fileError is an error about a file as a whole.
func fileError(file, message string, cause error) *Error {
	return &Error{Position: Position{File: file}, Msg: message, Err: cause}
}

// readFile reads a policy. A device or pipe is read too, up to the limit.
func readFile(path string) ([]byte, *Error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fileError(path, "no such file", err)
	case err != nil:
		return nil, fileError(path, "cannot be read: "+reason(err), err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fileError(path, "is a directory, expected a Lua file", nil)
	}
	source, err := io.ReadAll(io.LimitReader(file, largestSource+1))
	if err != nil {
		return nil, fileError(path, "cannot be read: "+reason(err), err)
	}
	return source, nil
}

// reason is an error of the file system without the path, which stands before it.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// parse makes a syntax tree of a file's text.
func parse(name string, source []byte) (tree syntaxTree, failed *Error) {
	if failed := checkText(name, source); failed != nil {
		return nil, failed
	}
	tree, err := dialect.Parse(name, source)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	return tree, nil
}

// compile makes a function of a syntax tree.
func compile(name string, tree syntaxTree) (*lua.FunctionProto, *Error) {
	chunk, err := dialect.CompileTree(name, tree)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	return chunk, nil
}

// checkText checks that a file can be Lua.
func checkText(name string, source []byte) *Error {
	utf16 := bytes.HasPrefix(source, []byte{0xFF, 0xFE}) || bytes.HasPrefix(source, []byte{0xFE, 0xFF})
	switch zero := bytes.IndexByte(source, 0); {
	case len(source) > largestSource:
		return fileError(name, fmt.Sprintf("is larger than %d bytes", largestSource), nil)
	case bytes.HasPrefix(source, []byte("\x1bLua")):
		return fileError(name, "is compiled Lua, expected Lua source text", nil)
	case utf16:
		return fileError(name, "is UTF-16, expected Lua source text in UTF-8", nil)
	case zero >= 0:
		return fileError(name, fmt.Sprintf("is binary (a zero byte at offset %d), expected Lua source text", zero), nil)
	}
	return nil
}

// syntaxError gives the error of the language its place.
func syntaxError(name string, err error) *Error {
	syntax, ok := errors.AsType[*dialect.Error](err)
	if !ok {
		return fileError(name, err.Error(), err)
	}
	at := Position{File: name, Line: syntax.Line}
	return &Error{Position: at, Msg: strings.TrimPrefix(syntax.Error(), at.String()+": "), Err: err}
}
