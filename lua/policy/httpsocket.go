package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// UnixPrefix begins the address of an HTTP listener on a Unix socket; the path
// stands behind it.
const UnixPrefix = "unix:"

const (
	// socketMode is that of a Unix socket of which the policy does not say it.
	socketMode fs.FileMode = 0o660
	// longestSocketPath is in bytes: what systems have room for, and then some for
	// the name under which the socket is made.
	longestSocketPath = 90

	httpAddressForm = "host:port such as '127.0.0.1:8000' or '[::1]:8000', or a Unix socket such as 'unix:/run/troupe/admin.sock'"
)

var (
	errSocketPath = errors.New("the path of a Unix socket is absolute and names a file")
	errSocketLong = fmt.Errorf("the path of a Unix socket has at most %d bytes", longestSocketPath)
)

// UnixSocket is the path of the socket that the listener has, if it is a Unix
// socket.
func (h *HTTPListener) UnixSocket() (path string, ok bool) {
	return strings.CutPrefix(h.Listen, UnixPrefix)
}

// httpAddressInto reads host:port, or unix: and a path, of which it takes the
// plain spelling.
func httpAddressInto(p *string) reader {
	return func(d *decoder, key string, v lua.LValue) {
		text, ok := v.(lua.LString)
		if !ok {
			d.expected(key, httpAddressForm, v, "")
			return
		}
		var err error
		*p = string(text)
		if file, isUnix := strings.CutPrefix(*p, UnixPrefix); isUnix {
			*p, err = UnixPrefix+path.Clean(file), checkSocketPath(file)
		} else {
			_, _, err = checkAddress(*p)
		}
		if err != nil {
			d.expected(key, httpAddressForm, v, err.Error())
		}
	}
}

func checkSocketPath(file string) error {
	switch {
	case !path.IsAbs(file), strings.HasSuffix(file, "/"), strings.ContainsRune(file, 0):
		return errSocketPath
	case len(path.Clean(file)) > longestSocketPath:
		return errSocketLong
	}
	return nil
}

// canonicalListen is a spelling of an address that is the same for the same one.
// Several listeners may have one that is not fixed: the kernel gives each its own.
func canonicalListen(listen string) (canonical string, fixed bool, err error) {
	if strings.HasPrefix(listen, UnixPrefix) {
		return listen, true, nil
	}
	canonical, port, err := checkAddress(listen)
	return canonical, port != 0, err
}

func modeInto(p *fs.FileMode) reader {
	return func(d *decoder, key string, v lua.LValue) {
		text, ok := v.(lua.LString)
		mode, err := strconv.ParseUint(string(text), 8, 32)
		if !ok || err != nil || len(text) != 4 || mode > 0o777 {
			d.expected(key, "a mode in four octal digits, '0000' to '0777'", v, "")
			return
		}
		*p = fs.FileMode(mode)
	}
}

func groupInto(p *string) reader {
	return func(d *decoder, key string, v lua.LValue) {
		text, ok := v.(lua.LString)
		if !ok || text == "" {
			d.expected(key, "the name of a group such as 'troupe', or its number as a string", v, "")
			return
		}
		*p = string(text)
	}
}

// finishSocket completes what belongs to a Unix socket alone.
func (h *HTTPListener) finishSocket(d *decoder, t *lua.LTable) {
	if _, ok := h.UnixSocket(); !ok {
		for _, key := range []string{"socket_mode", "socket_group"} {
			if t.RawGetString(key) != lua.LNil {
				d.fail(key, "only a Unix socket has one: expected it beside listen = 'unix:/run/troupe/admin.sock'")
			}
		}
		return
	}
	if h.ProxyProtocol {
		d.fail("proxy_protocol", "a Unix socket has no load balancer in front of it")
	}
	if h.UseTLS {
		d.fail("use_tls", "a Unix socket speaks no TLS: what is said there does not leave the host")
	}
	if t.RawGetString("socket_mode") == lua.LNil {
		h.SocketMode = socketMode
	}
}

func shownMode(m fs.FileMode) string { return quoted(fmt.Sprintf("%04o", m)) }
