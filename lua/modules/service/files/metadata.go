package files

import (
	"io/fs"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const writable = 0o222

func (s *Files) metadata() []spec.Function {
	path := []spec.Param{{Name: "path", Type: "string", Doc: "a file or directory"}}
	result := []spec.Result{{Type: "table", Doc: "path, is_file, is_dir, is_symlink, len, readonly and mtime; where the system has them dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, atime and ctime, which is when the file was made"}}
	return []spec.Function{
		{Name: "metadata_for_path", Params: path, Results: result, Doc: "What the system knows of a file. A link stands for what it leads to.",
			Call: func(_ *spec.Env, L *lua.LState) int { return s.describe(L, "metadata_for_path", os.Stat) }},
		{Name: "symlink_metadata_for_path", Params: path, Results: result, Doc: "What the system knows of a file, or of a link itself.",
			Call: func(_ *spec.Env, L *lua.LState) int { return s.describe(L, "symlink_metadata_for_path", os.Lstat) }},
	}
}

// description is what is known of a file. Times that are not known are zero.
type description struct {
	info          fs.FileInfo
	fields        map[string]any
	access, birth time.Time
}

func (s *Files) describe(L *lua.LState, function string, stat func(string) (fs.FileInfo, error)) int {
	path := L.CheckString(1)
	d, err := call.Await(call.Context(L), s.slots, func() (description, error) {
		info, err := stat(path)
		if err != nil {
			return description{}, err
		}
		d := description{info: info, fields: map[string]any{}}
		d.system(path)
		return d, nil
	}, nil)
	if err != nil {
		return raise(L, function, path, err)
	}
	mode := d.info.Mode()
	d.fields["path"] = path
	d.fields["is_file"] = mode.IsRegular()
	d.fields["is_dir"] = mode.IsDir()
	d.fields["is_symlink"] = mode&fs.ModeSymlink != 0
	d.fields["len"] = d.info.Size()
	d.fields["readonly"] = mode&writable == 0
	for name, t := range map[string]time.Time{"mtime": d.info.ModTime(), "atime": d.access, "ctime": d.birth} {
		if !t.IsZero() {
			d.fields[name] = s.time(L, t)
		}
	}
	L.Push(value.FromGo(L, d.fields))
	return 1
}
