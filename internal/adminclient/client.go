// Package adminclient asks a running daemon, over the HTTP API of its
// administration: the tree, the sessions, and what can be changed.
//
// It decides nothing and prints nothing: what the daemon says comes back as a
// value and as it was written, for who wants either. It follows no redirection,
// asks no HTTP proxy, and keeps credentials out of every error.
package adminclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	dialTime = 5 * time.Second
	// answerTime is how long a request may take: a reload waits for a policy.
	answerTime = 2 * time.Minute
	// largestAnswer is in bytes. The metrics of many destinations are long.
	largestAnswer = 64 << 20
)

// ErrAuthorities says that a text has no certificate.
var ErrAuthorities = errors.New("expected certificates as PEM")

// Options say which daemon, and who asks.
type Options struct {
	// Endpoint is http://host:port, https://host:port or unix:/path; required.
	Endpoint string
	// Authorities are those, as PEM, of which one must have signed the daemon's
	// certificate. Nil: those of the system. They go with https alone.
	Authorities []byte
	Credentials Credentials
}

// Client asks one daemon. It may be used by any goroutine. Whoever made it closes
// it.
type Client struct {
	endpoint    endpoint
	credentials Credentials
	http        *http.Client
}

// New connects to nobody yet. The error is about the options.
func New(o Options) (*Client, error) {
	e, err := parseEndpoint(o.Endpoint)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTime}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTime}
	if e.socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", e.socket)
		}
	}
	if o.Authorities != nil {
		if !e.secure {
			return nil, fmt.Errorf("authorities go with https, and the endpoint is %s", e.text)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(o.Authorities) {
			return nil, ErrAuthorities
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &Client{endpoint: e, credentials: o.Credentials, http: &http.Client{
		Transport: transport, Timeout: answerTime,
		// The credentials are for this daemon and for no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close gives the connections back.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Endpoint is where the daemon is, for people.
func (c *Client) Endpoint() string { return c.endpoint.text }

// Answer is what the daemon said: as a value, and as it was written.
type Answer[T any] struct {
	Value T
	Raw   []byte
}

// call is one request.
type call struct {
	method, path string
	query        url.Values
	body         any // nil: none
}

// ask makes a call whose answer is JSON.
func ask[T any](ctx context.Context, c *Client, one call) (a Answer[T], err error) {
	if a.Raw, err = c.do(ctx, one); err != nil {
		return a, err
	}
	if err := json.Unmarshal(a.Raw, &a.Value); err != nil {
		return a, fmt.Errorf("%s: %s %s: the answer is not as expected: %w", c.endpoint.text, one.method, one.path, err)
	}
	return a, nil
}

// do makes a call and gives the body of an answer of the class 2xx.
func (c *Client) do(ctx context.Context, one call) ([]byte, error) {
	r, err := c.request(ctx, one)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: %w", c.endpoint.text, one.method, one.path, err)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, &UnreachableError{Endpoint: c.endpoint.text, Err: withoutURL(err)}
	}
	defer func() { _ = response.Body.Close() }() // an error says nothing that matters
	body, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer+1))
	switch {
	case err != nil:
		return nil, &UnreachableError{Endpoint: c.endpoint.text, Err: withoutURL(err)}
	case len(body) > largestAnswer:
		return nil, fmt.Errorf("%s: %s %s: the answer is longer than %d bytes", c.endpoint.text, one.method, one.path, largestAnswer)
	case response.StatusCode/100 != 2:
		return nil, &StatusError{
			Endpoint: c.endpoint.text, Method: one.method, Path: one.path,
			Status: response.StatusCode, Text: plain(body),
		}
	}
	return body, nil
}

func (c *Client) request(ctx context.Context, one call) (*http.Request, error) {
	target := c.endpoint.base + one.path
	if len(one.query) > 0 {
		target += "?" + one.query.Encode()
	}
	var body io.Reader
	if one.body != nil {
		text, err := json.Marshal(one.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, one.method, target, body)
	if err != nil {
		return nil, err
	}
	if one.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	c.credentials.show(r)
	return r, nil
}
