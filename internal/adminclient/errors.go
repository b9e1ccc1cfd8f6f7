package adminclient

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// longestText is how many bytes of an answer an error repeats.
const longestText = 4 << 10

// UnreachableError says that there was no answer, or only a part of one.
type UnreachableError struct {
	Endpoint string
	Err      error
}

func (e *UnreachableError) Error() string {
	if errors.Is(e.Err, fs.ErrPermission) {
		return fmt.Sprintf("may not use %s: %v; root may, and who is in the group of the socket", e.Endpoint, e.Err)
	}
	return fmt.Sprintf("cannot reach %s: %v", e.Endpoint, e.Err)
}

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// StatusError says that the daemon answered, and not with yes.
type StatusError struct {
	Endpoint, Method, Path string
	Status                 int
	// Text is the body as one that a terminal can be shown.
	Text string
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %s %s: %d %s", e.Endpoint, e.Method, e.Path, e.Status, http.StatusText(e.Status))
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// plain is a body without what the daemon begins its errors with, cut when it is
// long, and without what a terminal would obey.
func plain(body []byte) string {
	cut := len(body) > longestText
	text := strings.ToValidUTF8(string(body[:min(len(body), longestText)]), "�")
	text = strings.TrimSpace(strings.TrimPrefix(text, "Error: "))
	text = strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '�'
		}
		return r
	}, text)
	if cut {
		text += "…"
	}
	return text
}

// withoutURL is the cause of a failed request: what was asked is said elsewhere.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
