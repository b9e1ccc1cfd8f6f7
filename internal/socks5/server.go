package socks5

// Server is one client's position in the exchange. The zero value awaits the
// greeting. It holds no buffer and is one byte; it may be copied, and is used
// by one goroutine at a time.
//
// The exchange is
//
//	Greeting, Choose, [Credentials, Authenticated,] Request, Request, …
//
// Requests repeat because KumoMTA sends BIND, to choose the source, and CONNECT
// after it. What a request leads to is the caller's affair.
//
// Greeting, Credentials and Request are shown the bytes received and not yet
// consumed. They return
//
//   - n > 0 and no error: a whole message, which took n bytes;
//   - n == 0 and no error: more bytes are needed;
//   - an error: the message is refused, the exchange is over, and every later
//     call fails with ErrPhase. n is the message's length where that is known
//     and 0 otherwise; the message is the zero value.
//
// A wrong first byte is refused at once. A refused message that gets a reply is
// first read whole where its length can be known, since closing a socket with
// unread bytes resets it and may take the reply away from the client.
type Server struct {
	phase phase
}

// phase says what is due next.
type phase uint8

const (
	dueGreeting phase = iota
	dueChoice         // from the caller
	dueCredentials
	dueAuthenticated // from the caller
	dueRequest
	over // a message was refused, no method was acceptable, or the caller erred
)

// Greeting parses the first message. It fails with ErrVersion or ErrNoMethods.
func (s *Server) Greeting(b []byte) (g Greeting, n int, err error) {
	if s.phase != dueGreeting {
		return Greeting{}, 0, ErrPhase
	}
	g, n, err = parseGreeting(b)
	s.advance(n, err, dueChoice)
	return g, n, err
}

// Choose says which method the caller answers the greeting with; that the
// client offered it is the caller's to see to. MethodNone leads to requests,
// MethodPassword to credentials, and any other method, MethodUnacceptable
// among them, ends the exchange. So does a call out of turn, lest a mistake
// open the door.
func (s *Server) Choose(m Method) {
	switch {
	case s.phase == dueChoice && m == MethodNone:
		s.phase = dueRequest
	case s.phase == dueChoice && m == MethodPassword:
		s.phase = dueCredentials
	default:
		s.phase = over
	}
}

// Credentials parses user name and password. It fails with ErrVersion or
// ErrEncoding. The next request is accepted after Authenticated only.
func (s *Server) Credentials(b []byte) (c Credentials, n int, err error) {
	if s.phase != dueCredentials {
		return Credentials{}, 0, ErrPhase
	}
	c, n, err = parseCredentials(b)
	s.advance(n, err, dueAuthenticated)
	return c, n, err
}

// Authenticated says that the caller accepted the credentials. A call out of
// turn ends the exchange.
func (s *Server) Authenticated() {
	if s.phase == dueAuthenticated {
		s.phase = dueRequest
	} else {
		s.phase = over
	}
}

// Request parses a request. It fails with ErrVersion, ErrCommand,
// ErrAddressType or ErrName; ErrCommand when several apply. The reserved byte
// may have any value.
func (s *Server) Request(b []byte) (r Request, n int, err error) {
	if s.phase != dueRequest {
		return Request{}, 0, ErrPhase
	}
	r, n, err = parseRequest(b)
	s.advance(n, err, dueRequest)
	return r, n, err
}

// advance moves to next if a message was whole, and ends the exchange if it
// was refused.
func (s *Server) advance(n int, err error, next phase) {
	switch {
	case err != nil:
		s.phase = over
	case n > 0:
		s.phase = next
	}
}
