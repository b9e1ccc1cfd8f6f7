package fetch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func (s *Clients) send(e *spec.Env, L *lua.LState, class *spec.Class) int {
	r := object.Self[*outgoing](L, requestName+":send")
	answer, err := s.exchange(call.Context(L), e.Log, r)
	if err != nil {
		return call.Raise(L, requestName+":send", err)
	}
	L.Push(object.New(e, L, class, answer))
	return 1
}

// exchange sends the request and reads the whole answer, so that the connection
// is free for others whatever the script does with it.
func (s *Clients) exchange(ctx context.Context, log *slog.Logger, r *outgoing) (*answer, error) {
	if r.sent {
		return nil, errSent
	}
	if r.client.closed {
		return nil, errClosed
	}
	transport, err := s.transport(r.client.like)
	if err != nil {
		return nil, err
	}
	r.sent = true
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if r.client.verbose && log != nil {
		ctx = httptrace.WithClientTrace(ctx, verbose(log))
	}
	request, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), strings.NewReader(r.body))
	if err != nil {
		return nil, errURL
	}
	request.Header = r.header
	if host := r.header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, reason(err)
	}
	return read(response)
}

// read takes an answer whose body may be too long: its status still counts.
func read(response *http.Response) (*answer, error) {
	a := &answer{status: response.StatusCode, header: response.Header, length: response.ContentLength}
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxBody+1))
	if closed := response.Body.Close(); err == nil {
		err = closed
	}
	switch {
	case err != nil:
		return nil, reason(err)
	case len(body) > MaxBody:
		a.failed = errLong
	default:
		a.body = string(body)
	}
	return a, nil
}

// reason is an error without the query of the address, in which keys may stand.
func reason(err error) error {
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// verbose says in the log what happens to connections.
func verbose(log *slog.Logger) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			log.Debug("http connection", "remote", info.Conn.RemoteAddr().String(), "reused", info.Reused)
		},
		ConnectDone: func(_, address string, err error) {
			if err != nil {
				log.Debug("http connection failed", "remote", address, "error", err)
			}
		},
	}
}
