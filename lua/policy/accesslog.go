package policy

import (
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/accesslog"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

const configureAccessLog = "proxy.configure_access_log"

func accessLogFunction() spec.Function {
	return spec.Function{
		Name: "configure_access_log",
		Params: []spec.Param{{Name: "parameters", Type: "table", Doc: "path: the file, with all its directories, which are not made, or '-' for standard output; needed. " +
			"mode: its permissions as text when it is made, default '0640'. " +
			"buffer_lines: how many lines may wait for the disk before lines are lost, default 16384. " +
			"probes: true has a line also for clients that close before their first byte, default false."}},
		Doc: "Has a line of JSON written for each session that ends, as soon as the policy is in force. Only in proxy_init, and once. " +
			"SIGUSR1 has the file opened anew after it was renamed. Raises all that is wrong with the parameters.",
		Call: within((*state).configureAccessLog),
	}
}

// configureAccessLog is proxy.configure_access_log. It opens nothing: the log begins
// when the policy is in force.
func (s *state) configureAccessLog(L *lua.LState) int {
	switch {
	case s.event == "":
		s.refuse(L, configureAccessLog, "called at the top level of the policy; move it into kumo.on('"+proxyInit+"', function() ... end)")
	case s.loading == nil || s.event != proxyInit:
		s.refuse(L, configureAccessLog, "called in the "+s.event+" handler; the access log is configured in proxy_init alone")
	case s.loading.accessLogAt.Line != 0:
		s.refuse(L, configureAccessLog, "called a second time, after "+s.loading.accessLogAt.String()+"; there is one access log")
	}
	table, ok := L.Get(1).(*lua.LTable)
	if !ok {
		s.refuse(L, configureAccessLog, "expected a table of parameters, got "+describe(L.Get(1)))
	}
	d := s.decoder(s.caller(L), configureAccessLog)
	c := d.accessLog(table)
	if errs := d.errors(); errs != nil {
		s.raise(L, errs)
	}
	s.loading.accessLogAt = d.at
	s.program.hooks.accessLog = &c
	return 0
}

func (d *decoder) accessLog(t *lua.LTable) accesslog.Config {
	c := accesslog.Default()
	d.table("", t, []field{
		{name: "path", required: true, read: logPathInto(&c.Path)},
		{name: "mode", read: logModeInto(&c.Mode)},
		{name: "buffer_lines", read: wholeInto(&c.BufferLines, 1, accesslog.MostBufferLines)},
		{name: "probes", read: boolInto(&c.Probes)},
	})
	return c
}

// logPathInto reads a path that does not depend on where the daemon was started.
func logPathInto(p *string) reader {
	const form = "the path of a file, beginning with /, such as '/var/log/troupe/access.log', or '-' for standard output"
	return func(d *decoder, key string, v lua.LValue) {
		s, ok := v.(lua.LString)
		path := string(s)
		switch {
		case !ok:
			d.expected(key, form, v, "")
		case path == accesslog.Stdout:
			*p = path
		case !filepath.IsAbs(path) || strings.HasSuffix(path, "/") || strings.ContainsRune(path, 0):
			d.expected(key, form, v, "")
		default:
			*p = filepath.Clean(path)
		}
	}
}

// logModeInto reads permissions as chmod(1) writes them. A number would be taken for
// a decimal one by Lua, whatever its zeros.
func logModeInto(p *fs.FileMode) reader {
	const form = "permissions as text such as '0640', of which the owner may read and write, nobody execute and not everybody write"
	return func(d *decoder, key string, v lua.LValue) {
		s, ok := v.(lua.LString)
		if !ok {
			d.expected(key, form, v, "")
			return
		}
		bits, err := strconv.ParseUint(string(s), 8, 12)
		if err != nil || !accesslog.AllowedMode(fs.FileMode(bits)) {
			d.expected(key, form, v, "")
			return
		}
		*p = fs.FileMode(bits)
	}
}
