package engine

import (
	"bufio"
	"errors"
	"io"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

func (m *machine) fileRead(L *lua.LState) int { return m.read(L, checkOpenFile(L, 1), 2) }

// read reads what the arguments from n on ask for, a line when there are none, and
// pushes the values: nil for the first that is not there.
func (m *machine) read(L *lua.LState, f *file, n int) int {
	reader, err := f.forReading()
	if err != nil {
		return pushResult(L, err, "")
	}
	top := L.GetTop()
	if n > top {
		L.Push(lua.LString("l"))
		top++
	}
	r := fileReader{machine: m, L: L, in: reader}
	for i := n; i <= top; i++ {
		value := r.readFormat(i)
		if r.err != nil {
			break
		}
		L.Push(value)
		if value == lua.LNil {
			break
		}
	}
	if err := done(L); err != nil {
		raisef(L, "%s", err.Error())
	}
	if r.err != nil {
		return pushResult(L, r.err, "")
	}
	return L.GetTop() - top
}

// fileReader is one call of read.
type fileReader struct {
	*machine
	L   *lua.LState
	in  *bufio.Reader
	err error
}

// readFormat reads by argument i: a count of bytes or a letter.
func (r *fileReader) readFormat(i int) lua.LValue {
	if _, ok := r.L.Get(i).(lua.LNumber); ok {
		return r.readBytes(checkInt(r.L, i), i)
	}
	switch format := strings.TrimPrefix(checkString(r.L, i), "*"); {
	case strings.HasPrefix(format, "n"):
		return r.readNumber()
	case strings.HasPrefix(format, "l"):
		return r.readLine(true)
	case strings.HasPrefix(format, "L"):
		return r.readLine(false)
	case strings.HasPrefix(format, "a"):
		return r.readAll()
	}
	argError(r.L, i, "invalid format")
	return lua.LNil
}

// failed keeps an error that is not the end of the file.
func (r *fileReader) failed(err error) bool {
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return r.err != nil
}

func (r *fileReader) readBytes(n int64, i int) lua.LValue {
	if n < 0 || n > int64(r.options.Memory) {
		argError(r.L, i, r.tooLong())
	}
	if n == 0 {
		_, err := r.in.Peek(1)
		if r.failed(err) || err != nil {
			return lua.LNil
		}
		return lua.LString("")
	}
	var out strings.Builder
	_, err := io.CopyN(&out, r.in, n)
	if r.failed(err) || out.Len() == 0 {
		return lua.LNil
	}
	return lua.LString(out.String())
}

func (r *fileReader) readLine(chop bool) lua.LValue {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line)+len(part) > r.options.Memory {
			r.refuseLong(r.L)
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case r.failed(err), err != nil && len(line) == 0:
			return lua.LNil
		case err == nil && chop:
			line = line[:len(line)-1]
		}
		return lua.LString(line)
	}
}

func (r *fileReader) readAll() lua.LValue {
	var out strings.Builder
	n, err := io.CopyN(&out, r.in, int64(r.options.Memory)+1)
	if n > int64(r.options.Memory) {
		r.refuseLong(r.L)
	}
	r.failed(err)
	return lua.LString(out.String())
}

// maxNumeral is the longest numeral that is read (L_MAXLENNUM).
const maxNumeral = 200

// numeral collects the characters of a numeral as long as they look like one.
type numeral struct {
	in   *bufio.Reader
	text []byte
}

// accept takes the next character when it is one of set.
func (n *numeral) accept(set string) bool {
	c, err := n.in.ReadByte()
	if err != nil {
		return false
	}
	if strings.IndexByte(set, c) < 0 || len(n.text) >= maxNumeral {
		_ = n.in.UnreadByte() // a byte has just been read
		return false
	}
	n.text = append(n.text, c)
	return true
}

func (n *numeral) digits(set string) int {
	count := 0
	for n.accept(set) {
		count++
	}
	return count
}

// readNumber reads a numeral of the language after white space.
func (r *fileReader) readNumber() lua.LValue {
	n := numeral{in: r.in}
	for n.accept(space) {
		n.text = n.text[:0]
	}
	n.accept("-+")
	set, exponent, count := "0123456789", "eE", 0
	if n.accept("0") {
		if n.accept("xX") {
			set, exponent = "0123456789abcdefABCDEF", "pP"
		} else {
			count = 1
		}
	}
	count += n.digits(set)
	if n.accept(".") {
		count += n.digits(set)
	}
	if count > 0 && n.accept(exponent) {
		n.accept("-+")
		n.digits("0123456789")
	}
	if v, ok := parseNumber(string(n.text)); ok {
		return lua.LNumber(v)
	}
	return lua.LNil
}

func (m *machine) fileLines(L *lua.LState) int {
	checkOpenFile(L, 1)
	return m.lines(L, L.Get(1).(*lua.LUserData), false)
}

// maxFormats is how many formats lines takes (MAXARGLINE).
const maxFormats = 250

// lines pushes an iterator over what the arguments from 2 on ask for. It holds on to
// the value of the file, or the collector would close that.
func (m *machine) lines(L *lua.LState, data *lua.LUserData, closeAtEnd bool) int {
	if L.GetTop()-1 > maxFormats {
		argError(L, maxFormats+2, "too many arguments")
	}
	var formats []lua.LValue
	for i := 2; i <= L.GetTop(); i++ {
		formats = append(formats, L.Get(i))
	}
	L.Push(L.NewFunction(func(L *lua.LState) int {
		f := data.Value.(*file)
		if f.closed {
			raisef(L, "file is already closed")
		}
		L.SetTop(0)
		for _, format := range formats {
			L.Push(format)
		}
		n := m.read(L, f, 1)
		if first := L.Get(L.GetTop() - n + 1); lua.LVAsBool(first) {
			return n
		}
		if n > 1 {
			raisef(L, "%s", L.Get(L.GetTop()-n+2).String())
		}
		if closeAtEnd {
			m.closeFile(L, f)
			L.Push(lua.LNil)
			return 1
		}
		return n
	}))
	return 1
}
