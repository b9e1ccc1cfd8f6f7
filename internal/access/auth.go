package access

import (
	"net/netip"
	"strings"
)

// TrustedGroup is the group of those whose address is one of the listener's
// trusted_hosts.
const TrustedGroup = "kumomta:http-listener-trusted-ip"

// How an identity was vouched for.
const (
	HTTPBasicAuth    = "HttpBasicAuth"
	BearerToken      = "BearerToken"
	ProxyAuthRFC1929 = "ProxyAuthRfc1929"
)

// Contexts are all ways in which an identity may have been vouched for, as KumoMTA
// names them.
func Contexts() []string {
	return []string{
		"SmtpAuthPlainAuthentication", "SmtpAuthPlainAuthorization", HTTPBasicAuth, BearerToken,
		ProxyAuthRFC1929, "LocalSystem", "GenericAuth",
	}
}

// Identity is a name, and how it was vouched for.
type Identity struct {
	Identity string `json:"identity"`
	Context  string `json:"context"` // one of Contexts
}

// Auth is who asks. It is not changed once it is made.
type Auth struct {
	// Peer is the address that asks, not valid when it is not known. IPv4 is never
	// in its IPv6 form.
	Peer       netip.Addr
	Identities []Identity
	Groups     []string
}

// String is what the peer may see of itself: groups, which the policy gives, are
// not in it.
func (a Auth) String() string {
	text := "<Unauthenticated>"
	if len(a.Identities) > 0 {
		names := make([]string, len(a.Identities))
		for i, id := range a.Identities {
			names[i] = id.Identity
		}
		text = "id=[" + strings.Join(names, ", ") + "]"
	}
	if a.Peer.IsValid() {
		text += "@ ip=" + a.Peer.String()
	}
	return text
}

// Plain is the value as JSON and Lua have it.
func (a Auth) Plain() map[string]any {
	identities := make([]any, len(a.Identities))
	for i, id := range a.Identities {
		identities[i] = map[string]any{"identity": id.Identity, "context": id.Context}
	}
	groups := make([]any, len(a.Groups))
	for i, g := range a.Groups {
		groups[i] = g
	}
	plain := map[string]any{"peer_address": nil, "identities": identities, "groups": groups}
	if a.Peer.IsValid() {
		plain["peer_address"] = a.Peer.String()
	}
	return plain
}
