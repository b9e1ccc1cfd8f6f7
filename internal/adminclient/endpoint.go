package adminclient

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// socketPrefix begins the endpoint of a Unix socket.
const socketPrefix = "unix:"

const endpointForm = "http://host:port, https://host:port or unix:/path"

var (
	errScheme     = errors.New("the scheme is not one of these")
	errNoHost     = errors.New("the host is missing")
	errOnlyHost   = errors.New("only a host and a port stand behind the scheme")
	errSocketPath = errors.New("the path of a socket is absolute")
	errLogin      = errors.New("a user and password do not belong there")
)

// endpoint is where a daemon is.
type endpoint struct {
	text   string // for people; nothing secret is in it
	base   string // of the URLs
	secure bool
	socket string // path; empty: TCP
}

// parseEndpoint reads what a person has written. The error does not repeat what
// may be a password.
func parseEndpoint(text string) (endpoint, error) {
	if file, ok := strings.CutPrefix(text, socketPrefix); ok {
		if !path.IsAbs(file) {
			return endpoint{}, badEndpoint(text, errSocketPath)
		}
		return endpoint{text: text, base: "http://localhost", socket: file}, nil
	}
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		return endpoint{}, fmt.Errorf("endpoint: expected %s (%w)", endpointForm, errLogin)
	case err != nil:
		return endpoint{}, badEndpoint(text, errScheme)
	case u.Scheme != "http" && u.Scheme != "https":
		return endpoint{}, badEndpoint(text, errScheme)
	case u.Hostname() == "":
		return endpoint{}, badEndpoint(text, errNoHost)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return endpoint{}, badEndpoint(text, errOnlyHost)
	}
	base := u.Scheme + "://" + u.Host
	return endpoint{text: base, base: base, secure: u.Scheme == "https"}, nil
}

func badEndpoint(text string, why error) error {
	return fmt.Errorf("endpoint: expected %s, got %q (%w)", endpointForm, text, why)
}
