package transport

import (
	"bytes"
	"time"
)

// bannerMost is how much of an upstream's first line is told: a reply line of SMTP
// has no more, its CR LF included, RFC 5321 section 4.5.3.1.5.
const bannerMost = 512

// Banner is the first line that the upstream sent in a relay which asked for it
// by Traffic.Banner; the client was sent the same bytes at the same time. It comes
// once: when the line is complete, when it turns out to be longer than is told,
// or when the upstream's stream or the session has ended.
type Banner struct {
	// Line is how it begins, without the line's end: at most 512 bytes. They are as
	// the upstream sent them, which may be anything.
	Line string
	// Whole: its newline came within them. If not and Line is empty, the upstream has
	// sent nothing.
	Whole bool
	// After is how long after the connect that was, as precisely as the transport
	// reads its clock.
	After time.Duration
}

func (Banner) event() {}

// look is a look at what an upstream sends first, until the line is complete.
type look struct {
	since int64 // when the upstream was connected
	text  []byte
}

// see looks at bytes that came at a moment of the clock which since is of. done:
// they complete the banner.
func (l *look) see(p []byte, now int64) (b Banner, done bool) {
	p = p[:min(len(p), bannerMost-len(l.text))]
	end := bytes.IndexByte(p, '\n')
	if end < 0 && len(l.text)+len(p) < bannerMost {
		l.text = append(l.text, p...)
		return Banner{}, false
	}
	if end >= 0 {
		p = p[:end]
	}
	if len(l.text) > 0 { // else it came in one piece, and no copy is needed but the last
		p = append(l.text, p...)
	}
	if end >= 0 {
		p = bytes.TrimSuffix(p, []byte{'\r'})
	}
	return Banner{Line: string(p), Whole: end >= 0, After: l.after(now)}, true
}

// broken is the banner if no more comes.
func (l *look) broken(now int64) Banner { return Banner{Line: string(l.text), After: l.after(now)} }

func (l *look) after(now int64) time.Duration { return time.Duration(max(now-l.since, 0)) }
