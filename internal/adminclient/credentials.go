package adminclient

import (
	"errors"
	"net/http"
	"strings"
)

// Credentials are what a request shows. The zero value shows nothing. They do not
// print.
type Credentials struct {
	token          string
	user, password string
	basic          bool
}

var (
	// ErrToken says that a text is no token, RFC 6750 section 2.1.
	ErrToken = errors.New("expected a token: printable ASCII without spaces")
	// ErrLogin says that a text is no login, RFC 7617 section 2.
	ErrLogin = errors.New("expected user:password without control characters")
)

// Token reads a bearer token; white space around it is none of it. The error is
// ErrToken and does not repeat the text.
func Token(text string) (Credentials, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Credentials{}, ErrToken
	}
	return Credentials{token: text}, nil
}

// Login reads user:password. The error is ErrLogin and does not repeat the text.
func Login(text string) (Credentials, error) {
	user, password, ok := strings.Cut(text, ":")
	if !ok || user == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Credentials{}, ErrLogin
	}
	return Credentials{user: user, password: password, basic: true}, nil
}

func (c Credentials) show(r *http.Request) {
	switch {
	case c.token != "":
		r.Header.Set("Authorization", "Bearer "+c.token)
	case c.basic:
		r.SetBasicAuth(c.user, c.password)
	}
}

// String implements fmt.Stringer: it says that there are some.
func (c Credentials) String() string {
	if c.token == "" && !c.basic {
		return "(none)"
	}
	return "(hidden)"
}

// GoString implements fmt.GoStringer.
func (c Credentials) GoString() string { return c.String() }
