package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	luaparse "github.com/yuin/gopher-lua/parse"
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
	source, failed = luaText(name, source)
	if failed != nil {
		return nil, failed
	}
	tree, err := luaparse.Parse(bytes.NewReader(source), name)
	var syntax *luaparse.Error
	switch {
	case errors.As(err, &syntax):
		return nil, syntaxError(name, source, syntax)
	case err != nil:
		return nil, fileError(name, "cannot be parsed: "+err.Error(), err)
	case tree == nil:
		// The parser drops a panic that is not an error; an empty file has a tree.
		return nil, fileError(name, "cannot be parsed", nil)
	}
	return tree, nil
}

// luaText checks that a file can be Lua, and takes away what stands before the
// text: a byte order mark, and a first line that begins with # for the shell.
func luaText(name string, source []byte) ([]byte, *Error) {
	utf16 := bytes.HasPrefix(source, []byte{0xFF, 0xFE}) || bytes.HasPrefix(source, []byte{0xFE, 0xFF})
	switch zero := bytes.IndexByte(source, 0); {
	case len(source) > largestSource:
		return nil, fileError(name, fmt.Sprintf("is larger than %d bytes", largestSource), nil)
	case bytes.HasPrefix(source, []byte("\x1bLua")):
		return nil, fileError(name, "is compiled Lua, expected Lua source text", nil)
	case utf16:
		return nil, fileError(name, "is UTF-16, expected Lua source text in UTF-8", nil)
	case zero >= 0:
		return nil, fileError(name, fmt.Sprintf("is binary (a zero byte at offset %d), expected Lua source text", zero), nil)
	}
	source = bytes.TrimPrefix(source, []byte("\xEF\xBB\xBF"))
	if bytes.HasPrefix(source, []byte("#")) {
		end := bytes.IndexByte(source, '\n')
		if end < 0 {
			end = len(source)
		}
		source = source[end:] // the newline stays, and with it the count of lines
	}
	return source, nil
}

// syntaxError words the parser's error. It shows the token, but not when that is
// a string: a policy may hold a password.
func syntaxError(name string, source []byte, e *luaparse.Error) *Error {
	at := Position{File: name, Line: e.Pos.Line}
	message := "syntax error near " + quoteKey(e.Token)
	rest := from(source, e.Pos)
	switch {
	case e.Pos.Line == luaparse.EOF:
		at.Line = bytes.Count(bytes.TrimRight(source, "\r\n"), []byte("\n")) + 1
		message = "syntax error at the end of the file: something is not closed ('end', '}', ')' or a string)"
	case e.Message == "Invalid token" && len(rest) > 0: // the lexer does not say which
		r, _ := utf8.DecodeRune(rest)
		message = "syntax error near " + quoteKey(string(r))
	case e.Message != "" && e.Message != "syntax error":
		// From the lexer too, whose token is what it has read of a string.
		message = "syntax error: " + strings.TrimSpace(e.Message)
		if e.Pos.Column == 0 {
			at.Line-- // it has read the end of the line already
		}
	case beginsString(rest):
		message = "syntax error near a string"
	}
	return &Error{Position: at, Msg: message, Err: e}
}

// from is the text that begins at a position, empty when there is no such place.
func from(source []byte, pos ast.Position) []byte {
	for line := 1; line < pos.Line; line++ {
		_, source, _ = bytes.Cut(source, []byte("\n"))
	}
	if pos.Column < 1 || pos.Column > len(source) {
		return nil
	}
	return source[pos.Column-1:]
}

func beginsString(text []byte) bool {
	for _, opening := range []string{`"`, "'", "[[", "[="} {
		if bytes.HasPrefix(text, []byte(opening)) {
			return true
		}
	}
	return false
}

// compile makes a function of a syntax tree. The compiler calls itself for each
// level of nesting, and a stack that overflows in Go ends the process.
func compile(name string, tree syntaxTree) (*lua.FunctionProto, *Error) {
	if deep := walk(tree, func(ast.PositionHolder) {}); deep != nil {
		return nil, &Error{Position: Position{File: name, Line: deep.Line()}, Msg: fmt.Sprintf("nested more than %d levels deep", deepestNesting)}
	}
	chunk, err := lua.Compile(tree, name)
	var failed *lua.CompileError
	switch {
	case errors.As(err, &failed):
		return nil, &Error{Position: Position{File: name, Line: failed.Line}, Msg: failed.Message, Err: err}
	case err != nil:
		return nil, fileError(name, "cannot be compiled: "+err.Error(), err)
	}
	return chunk, nil
}
