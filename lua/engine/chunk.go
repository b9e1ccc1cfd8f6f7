package engine

import (
	"os"
	"strings"

	"github.com/troupe-proxy/troupe/lua/dialect"
	lua "github.com/yuin/gopher-lua"
)

// compile makes a chunk of Lua text. The name stands in error positions as it is.
func compile(name, source string) (*lua.FunctionProto, error) {
	return dialect.Compile(name, []byte(source))
}

// compileFile is Options.Compile when there is none.
func compileFile(path string) (*lua.FunctionProto, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return compile(path, withoutShebang(string(source)))
}

// withoutShebang drops a first line that starts with "#", as for a script that the
// shell can run, and keeps the line numbers. A byte order mark goes too.
func withoutShebang(source string) string {
	source = strings.TrimPrefix(source, "\ufeff")
	if !strings.HasPrefix(source, "#") {
		return source
	}
	end := strings.IndexByte(source, '\n')
	if end < 0 {
		return ""
	}
	return source[end:]
}

// idSize is the length to which the reference implementation cuts the name of a
// chunk in messages, with the byte that ends it (LUA_IDSIZE).
const idSize = 60

// displayName is how a chunk name given to load stands in messages: without its
// mark when it starts with "=" or "@", else as the first line of the text.
func displayName(chunkname string) string {
	switch {
	case strings.HasPrefix(chunkname, "="):
		return chunkname[1:min(len(chunkname), idSize)]
	case strings.HasPrefix(chunkname, "@"):
		if len(chunkname) <= idSize {
			return chunkname[1:]
		}
		return "..." + chunkname[len(chunkname)-(idSize-len("...")-1):]
	}
	const start, dots, end = `[string "`, "...", `"]`
	line, _, cut := strings.Cut(chunkname, "\n")
	room := idSize - len(start) - len(dots) - len(end) - 1
	if !cut && len(line) <= room {
		return start + line + end
	}
	return start + line[:min(len(line), room)] + dots + end
}
