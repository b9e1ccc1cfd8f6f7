package accesslog

import (
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	null   = "null"
	digits = "0123456789abcdef"
	// longestText is how many bytes of a text are written: names of clients are
	// shorter, but what a policy calls them may be anything.
	longestText = 1024
)

// appendText appends a string of JSON; an empty one is null. Bytes that are no
// UTF-8 become U+FFFD, control characters and the line ends of Unicode are
// escaped: a line stays one for whatever reads it.
func appendText(b []byte, text string) []byte {
	if text == "" {
		return append(b, null...)
	}
	text, isCut := cut(text)
	b = append(b, '"')
	done := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
				b = appendEscaped(append(b, text[done:i]...), rune(c))
				done = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 || isLineEnd(r) {
			b = appendEscaped(append(b, text[done:i]...), r)
			done = i + size
		}
		i += size
	}
	b = append(b, text[done:]...)
	if isCut {
		b = append(b, "…"...)
	}
	return append(b, '"')
}

// cut is a text of at most longestText bytes that ends with a whole character.
func cut(text string) (short string, isCut bool) {
	if len(text) <= longestText {
		return text, false
	}
	end := longestText
	for end > longestText-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], true
}

// isLineEnd: some readers of text take these for the end of a line.
func isLineEnd(r rune) bool { return r == 0x85 || r == 0x2028 || r == 0x2029 }

func appendEscaped(b []byte, r rune) []byte {
	if r == '"' || r == '\\' {
		return append(b, '\\', byte(r))
	}
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// appendAddress appends address and port as KumoMTA writes them. A zone says
// nothing outside this host, and could be any text.
func appendAddress(b []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return append(b, null...)
	}
	b = append(b, '"')
	b = netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()).AppendTo(b)
	return append(b, '"')
}

// appendID appends all 16 digits: identifiers are compared as text.
func appendID(b []byte, id uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[id>>shift&15])
	}
	return b
}

// appendReached appends a time that 0 means was not reached.
func appendReached(b []byte, d time.Duration) []byte {
	if d <= 0 {
		return append(b, null...)
	}
	return appendMillis(b, d)
}

// appendMillis appends milliseconds with three decimals.
func appendMillis(b []byte, d time.Duration) []byte {
	micros := max(d, 0).Microseconds()
	b = strconv.AppendInt(b, micros/1000, 10)
	rest := micros % 1000
	return append(b, '.', digits[rest/100], digits[rest/10%10], digits[rest%10])
}
