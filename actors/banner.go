package actors

import (
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// mailPorts are those at which the upstream speaks first and in the clear, or may:
// SMTP and submission, the common other port for it, and implicit TLS, where there
// is nothing to be seen.
func mailPorts() []uint16 { return []uint16{25, 465, 587, 2525} }

func (c *Config) bannerPorts() []uint16 {
	if c.BannerPorts == nil {
		return mailPorts()
	}
	return c.BannerPorts
}

// BannerClass is what the first line of an upstream says, by its reply code,
// RFC 5321 section 4.2.1.
type BannerClass uint8

const (
	// BannerUnread: nobody looked, or it has not come yet.
	BannerUnread BannerClass = iota
	// BannerNone: the session ended, and the upstream had sent nothing.
	BannerNone
	// BannerOther is no reply of these classes, or not a whole line.
	BannerOther
	Banner2xx
	Banner4xx
	Banner5xx
	bannerClasses
)

var bannerNames = [bannerClasses]string{"", "none", "other", "2xx", "4xx", "5xx"}

func (c BannerClass) String() string { return bannerNames[c] }

// banner is what a record keeps of it.
type banner struct {
	class BannerClass
	after time.Duration // since the connect
	text  string        // "" for a 2xx: receivers say why they refuse, and nothing else of use
}

// readBanner judges what the transport has seen.
func readBanner(b transport.Banner) banner {
	class := bannerClass(b)
	if class == Banner2xx {
		return banner{class: class, after: b.After}
	}
	return banner{class: class, after: b.After, text: b.Line}
}

func bannerClass(b transport.Banner) BannerClass {
	line := b.Line
	switch {
	case line == "" && !b.Whole:
		return BannerNone
	case len(line) < 3 || !digit(line[1]) || !digit(line[2]) || len(line) > 3 && line[3] != ' ' && line[3] != '-':
		return BannerOther
	}
	switch line[0] {
	case '2':
		return Banner2xx
	case '4':
		return Banner4xx
	case '5':
		return Banner5xx
	}
	return BannerOther
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
