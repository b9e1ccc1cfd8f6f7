package suggest

import "testing"

func TestClosest(t *testing.T) {
	keys := []string{
		"listen", "hostname", "timeout", "connect_timeout", "use_splice", "use_tls", "tls_certificate",
		"tls_private_key", "require_auth", "tcp_keepalive", "destination_series", "destination_idle", "on", "version",
	}
	for word, want := range map[string]string{
		"use_slice":       "use_splice",
		"usesplice":       "use_splice",
		"USE_TLS":         "use_tls",
		"Listen":          "listen",
		"lisetn":          "listen",
		"listn":           "listen",
		"timeuot":         "timeout",
		"conect_timeout":  "connect_timeout",
		"keepalive":       "tcp_keepalive",
		"tcp_keep_alive":  "tcp_keepalive",
		"certificate":     "tls_certificate",
		"tls_private_kay": "tls_private_key",
		"require_autth":   "require_auth",
		"no":              "on",
		// A wrong hint is worse than none.
		"dns":    "",
		"zebra":  "",
		"":       "",
		"x":      "",
		"max":    "",
		"secret": "",
	} {
		if got := Closest(word, keys); got != want {
			t.Errorf("Closest(%q): got %q; want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "abc", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abd", 1},
		{"abc", "ac", 1}, {"ac", "abc", 1}, {"abcd", "abdc", 1}, {"kitten", "sitting", 3},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q): got %d; want %d", c.a, c.b, got, c.want)
		}
	}
}
