package actors

import (
	"log/slog"
	"time"

	"github.com/troupe-proxy/troupe/internal/source"
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

// greeting is the class as sources are told it.
func (c BannerClass) greeting() source.Class {
	switch c {
	case Banner2xx:
		return source.Positive
	case Banner4xx:
		return source.Transient
	case Banner5xx:
		return source.Permanent
	}
	return source.Silent
}

// refusalOf is a first line of the class if that refuses.
func refusalOf(c BannerClass, line string) string {
	if c == Banner4xx || c == Banner5xx {
		return line
	}
	return ""
}

// heard takes the upstream's first line. Receivers announce a block there, so the
// log has a line about a refusal, though few about one source.
func (c *connection) heard(b transport.Banner, now time.Time) {
	said := readBanner(b)
	r := c.record
	c.countBanner(said.class)
	untold, tell := r.heard(said, now)
	if !tell {
		return
	}
	c.shared.log.Info("an upstream refuses a source", slog.String("source", r.source.Addr().String()),
		slog.String("destination", r.upstream.String()), slog.String("said", said.text), slog.Uint64("untold", untold))
}

// heard notes the upstream's first line, in the record and for the source. It says
// what Source.Greeted does.
func (r *record) heard(b banner, now time.Time) (untold uint64, tell bool) {
	r.mu.Lock()
	r.banner = b
	r.mu.Unlock()
	return r.origin.Greeted(b.class.greeting(), b.text, r.upstream, now)
}

// unheard counts a session that has ended with nobody there to be told of the line:
// its actor was stopped.
func (r *record) unheard(now time.Time) {
	r.mu.Lock()
	class := r.banner.class
	r.mu.Unlock()
	if r.traffic.Banner && class == BannerUnread {
		r.origin.Greeted(source.Silent, "", r.upstream, now)
	}
}

// unheard does the same for the group and for what is told of the session.
func (c *connection) unheard() {
	r := c.record
	if !r.traffic.Banner || r.banner.class != BannerUnread {
		return
	}
	c.countBanner(BannerNone)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.banner.class = BannerNone
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
