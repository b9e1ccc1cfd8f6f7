package proxyproto

import "bytes"

const (
	// v1Start begins a header of version 1, section 2.1.
	v1Start = "PROXY "
	// v2Start begins a header of version 2, section 2.2.
	v2Start = "\r\n\r\n\x00\r\nQUIT\n"
	// MaxV1 is the length in bytes of the longest line of version 1.
	MaxV1 = 107
	// MaxPayload is how many bytes may follow the 16 that every header of version 2
	// has. The protocol allows 65535; senders need some hundreds, for certificates.
	MaxPayload = 4 << 10
)

// Parse reads the header at the start of b. It returns
//
//   - n > 0 and no error: a whole header, which took n bytes;
//   - n == 0 and no error: more bytes are needed;
//   - an error, and the zero header: it is refused, whatever follows.
//
// What cannot become a header is refused at its first wrong byte of the signature.
// It allocates nothing for version 2.
func Parse(b []byte) (h Header, n int, err error) {
	switch {
	case len(b) == 0:
		return Header{}, 0, nil
	case startsLike(b, v1Start):
		h, n, err = parseV1(b)
	case startsLike(b, v2Start):
		h, n, err = parseV2(b)
	default:
		err = ErrSignature
	}
	if err != nil || n == 0 {
		return Header{}, 0, err
	}
	return h, n, nil
}

// startsLike says whether b begins with start, as far as it has come.
func startsLike(b []byte, start string) bool {
	n := min(len(b), len(start))
	return string(b[:n]) == start[:n]
}

// lineEnd is how long the line of version 1 is, with its end; 0: more is needed.
func lineEnd(b []byte) (int, error) {
	end := bytes.IndexByte(b[:min(len(b), MaxV1)], '\n')
	switch {
	case end < 0 && len(b) >= MaxV1:
		return 0, ErrTooLong
	case end < 0:
		return 0, nil
	case b[end-1] != '\r': // end > 0: the line begins with v1Start
		return 0, ErrAddress
	}
	return end + 1, nil
}
