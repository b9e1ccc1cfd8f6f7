package redis

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// MaxReply is the length of the longest reply, in bytes.
	MaxReply = 16 << 20
	maxDepth = 32 // of lists in lists
)

var (
	errLong      = fmt.Errorf("the reply is longer than %d bytes", MaxReply)
	errMalformed = errors.New("the reply is not RESP")
)

// serverError is an error that the server answered.
type serverError string

func (e serverError) Error() string { return string(e) }

// moved says that a cluster keeps the key elsewhere for now.
func (e serverError) moved() bool {
	return strings.HasPrefix(string(e), "MOVED ") || strings.HasPrefix(string(e), "ASK ") || strings.HasPrefix(string(e), "TRYAGAIN ")
}

// newServerError leaves out the arguments that a server repeats.
func newServerError(text string) serverError {
	text, _, _ = strings.Cut(text, ", with args beginning with")
	return serverError(text)
}

// replyBuffer takes the bytes of one reply, and no more than MaxReply. It has no
// ReadFrom, which io.Copy would use instead of Write.
type replyBuffer struct{ all []byte }

func (b *replyBuffer) Write(p []byte) (int, error) {
	if len(b.all)+len(p) > MaxReply {
		return 0, errLong
	}
	b.all = append(b.all, p...)
	return len(p), nil
}

// parseReply reads a reply in RESP2 or RESP3 as plain Go: the status OK is true,
// as in KumoMTA; other statuses are strings like data; a map is a map; an error
// inside a list is its text. The error is a serverError, or says that the reply
// is malformed. https://redis.io/docs/latest/develop/reference/protocol-spec/
func parseReply(reply []byte) (any, error) {
	p := parser{rest: reply}
	v, err := p.value(0)
	if err == nil && len(p.rest) > 0 {
		return nil, errMalformed
	}
	if failed, ok := v.(serverError); ok && err == nil {
		return nil, failed
	}
	return v, err
}

type parser struct{ rest []byte }

// line takes a line off, without its end.
func (p *parser) line() (string, bool) {
	line, rest, ok := bytes.Cut(p.rest, []byte("\r\n"))
	p.rest = rest
	return string(line), ok && len(line) > 0
}

func (p *parser) value(depth int) (any, error) {
	line, ok := p.line()
	if !ok || depth > maxDepth {
		return nil, errMalformed
	}
	kind, text := line[0], line[1:]
	switch kind {
	case '+':
		if text == "OK" {
			return true, nil
		}
		return text, nil
	case '-':
		return nested(newServerError(text), depth), nil
	case '_':
		return nil, nil
	case '#':
		return text == "t", nil
	case '(':
		return text, nil
	case ':':
		return number(strconv.ParseInt(text, 10, 64))
	case ',':
		return number(strconv.ParseFloat(text, 64))
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < -1 || n > MaxReply:
		return nil, errMalformed
	case n == -1:
		return nil, nil
	}
	return p.sized(kind, n, depth)
}

// sized reads the kinds that say how much follows.
func (p *parser) sized(kind byte, n, depth int) (any, error) {
	switch kind {
	case '$', '=', '!':
		return p.bulk(kind, n, depth)
	case '*', '~', '>':
		return p.list(n, depth)
	case '%':
		return p.dictionary(n, depth)
	case '|': // attributes: remarks about the reply behind them
		if _, err := p.dictionary(n, depth); err != nil {
			return nil, err
		}
		return p.value(depth + 1)
	}
	return nil, errMalformed
}

func (p *parser) bulk(kind byte, n, depth int) (any, error) {
	if len(p.rest) < n+2 || string(p.rest[n:n+2]) != "\r\n" {
		return nil, errMalformed
	}
	text := string(p.rest[:n])
	p.rest = p.rest[n+2:]
	switch {
	case kind == '!':
		return nested(newServerError(text), depth), nil
	case kind == '=' && n >= 4: // "txt:" or "mkd:" comes first
		return text[4:], nil
	}
	return text, nil
}

func (p *parser) list(n, depth int) (any, error) {
	all := make([]any, 0, min(n, len(p.rest))) // each takes a byte at least
	for range n {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (p *parser) dictionary(n, depth int) (any, error) {
	all := map[string]any{}
	for range n {
		k, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		all[fmt.Sprint(k)] = v
	}
	return all, nil
}

// nested is an error as the reply itself, or its text inside a list.
func nested(e serverError, depth int) any {
	if depth > 0 {
		return string(e)
	}
	return e
}

func number[T any](n T, err error) (any, error) {
	if err != nil {
		return nil, errMalformed
	}
	return n, nil
}
