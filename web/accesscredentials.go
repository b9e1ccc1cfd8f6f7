package web

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/troupe-proxy/troupe/internal/access"
)

// What is answered to an Authorization header that cannot be read. The texts are
// KumoMTA's.
const (
	malformedHeader   = "Malformed Authorization header"
	unsupportedHeader = "Malformed or unsupported Authorization header"
)

// credentialsOf reads the Authorization header: Basic, RFC 7617, or Bearer, RFC
// 6750 section 2.1. Several could be read as either, and are not read.
func credentialsOf(r *http.Request) (c access.Credentials, given bool, problem string) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return c, false, ""
	}
	if len(values) > 1 || strings.ContainsFunc(values[0], func(b rune) bool { return b < ' ' || b > '~' }) {
		return c, true, malformedHeader
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		text, err := base64.StdEncoding.Strict().DecodeString(rest)
		if err != nil || len(text) == 0 || !utf8.Valid(text) {
			return c, true, unsupportedHeader
		}
		c.Context = access.HTTPBasicAuth
		c.User, c.Password, c.HasPassword = strings.Cut(string(text), ":")
	case strings.EqualFold(scheme, "Bearer") && rest != "" && !strings.Contains(rest, " "):
		c.Context, c.Token = access.BearerToken, rest
	default:
		return c, true, unsupportedHeader
	}
	return c, true, ""
}
