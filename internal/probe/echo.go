package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// MostSeen is how much is kept of what a page says, in bytes.
const MostSeen = 100

// mostHeader is how long the header of the page's answer may be, in bytes.
const mostHeader = 16 << 10

var errEmptyPage = errors.New("the page is empty")

// askWho asks a page by a dialer that has a source, and gives what it says: the address that the
// world sees. It follows no redirection and asks no HTTP proxy, either of which
// might show another one.
func askWho(ctx context.Context, dialer *net.Dialer, page *url.URL) (string, error) {
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: mostHeader}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page.String(), nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("User-Agent", "troupe")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", fmt.Errorf("echo: %w", cause(err))
	}
	defer func() { _ = response.Body.Close() }() // an error says nothing that matters
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("echo: the page answers %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, MostSeen))
	if err != nil {
		return "", fmt.Errorf("echo: %w", cause(err))
	}
	seen := strings.ToValidUTF8(strings.TrimSpace(string(body)), "?")
	if seen == "" {
		return "", fmt.Errorf("echo: %w", errEmptyPage)
	}
	return seen, nil
}
