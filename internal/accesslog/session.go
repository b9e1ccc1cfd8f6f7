package accesslog

import (
	"net/netip"
	"strconv"
	"time"
)

// Session is what a line says of one session. What is zero is null in the line,
// but for the bytes and Total, which always are numbers.
type Session struct {
	// Ended is when the last socket of the session was closed.
	Ended time.Time
	// Listener is the listening address as text.
	Listener string
	// ID tells the session from all others; 16 hexadecimal digits.
	ID uint64
	// Client is where the client came from.
	Client netip.AddrPort
	// User is who the client authenticated as, or tried to.
	User string
	// Certificate is the subject of the client's certificate.
	Certificate string
	// Source is our address towards the upstream, with its port: what KumoMTA logs
	// as the address of its source_address. Of a session that reached no upstream
	// it is the source asked for.
	Source netip.AddrPort
	// Destination is the upstream. Of a session that reached none it is the
	// address asked for.
	Destination netip.AddrPort
	// Name is the domain name asked for in place of an address.
	Name string
	// Replied says that the client was answered a CONNECT, or refused a BIND, with
	// the code Reply of RFC 1928, section 6.
	Replied bool
	Reply   uint8
	// Reason and Fault say why a session failed, and End how another ended, in the
	// words of the figures; End is "probed" if the client sent nothing.
	Reason, Fault, End string
	// WaitingFor is what a session was waiting for when it failed.
	WaitingFor string
	// Probe: the client closed before its first byte.
	Probe bool
	// Up and Down are the bytes relayed from and to the client.
	Up, Down uint64
	// Times since accept, in milliseconds in the line: until the client had
	// authenticated, the upstream was connected, the client was handed the first
	// byte of the upstream, and the end.
	Auth, Connect, FirstByte, Total time.Duration
	// Group is that of the destination; empty: none.
	Group string
	// Banner is what the upstream's first line said: 2xx, 4xx, 5xx, other or none;
	// empty: nobody looked. Refusal is the line itself if it said 4xx or 5xx.
	Banner, Refusal string
}

// timeForm is RFC 3339 in UTC with milliseconds.
const timeForm = "2006-01-02T15:04:05.000Z"

// AppendLine appends the line of a session, its newline included.
func (s *Session) AppendLine(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = s.Ended.UTC().AppendFormat(b, timeForm)
	b = append(b, `","listener":`...)
	b = appendText(b, s.Listener)
	b = append(b, `,"id":"`...)
	b = appendID(b, s.ID)
	b = append(b, `","client":`...)
	b = appendAddress(b, s.Client)
	b = append(b, `,"user":`...)
	b = appendText(b, s.User)
	b = append(b, `,"certificate":`...)
	b = appendText(b, s.Certificate)
	b = append(b, `,"source":`...)
	b = appendAddress(b, s.Source)
	b = append(b, `,"destination":`...)
	b = appendAddress(b, s.Destination)
	b = append(b, `,"name":`...)
	b = appendText(b, s.Name)
	b = s.appendEnd(b)
	return s.appendFigures(b)
}

// appendEnd appends how the session ended.
func (s *Session) appendEnd(b []byte) []byte {
	b = append(b, `,"reply":`...)
	if s.Replied {
		b = strconv.AppendUint(b, uint64(s.Reply), 10)
	} else {
		b = append(b, null...)
	}
	b = append(b, `,"reason":`...)
	b = appendText(b, s.Reason)
	b = append(b, `,"fault":`...)
	b = appendText(b, s.Fault)
	b = append(b, `,"end":`...)
	b = appendText(b, s.End)
	b = append(b, `,"waiting_for":`...)
	return appendText(b, s.WaitingFor)
}

func (s *Session) appendFigures(b []byte) []byte {
	b = append(b, `,"bytes_up":`...)
	b = strconv.AppendUint(b, s.Up, 10)
	b = append(b, `,"bytes_down":`...)
	b = strconv.AppendUint(b, s.Down, 10)
	b = append(b, `,"auth_ms":`...)
	b = appendReached(b, s.Auth)
	b = append(b, `,"connect_ms":`...)
	b = appendReached(b, s.Connect)
	b = append(b, `,"first_byte_ms":`...)
	b = appendReached(b, s.FirstByte)
	b = append(b, `,"total_ms":`...)
	b = appendMillis(b, s.Total)
	b = append(b, `,"group":`...)
	b = appendText(b, s.Group)
	b = append(b, `,"banner":`...)
	b = appendText(b, s.Banner)
	b = append(b, `,"refusal":`...)
	b = appendText(b, s.Refusal)
	return append(b, "}\n"...)
}
