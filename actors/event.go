package actors

import (
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// eventKind is what happened to a connection.
type eventKind uint8

const (
	evStart        eventKind = iota // the connection begins
	evSecured                       // the client's TLS handshake is done
	evReadable                      // the client has sent more
	evClientClosed                  // the client sends no more: err
	evBound                         // answer to doBind: addr or err
	evAnswered                      // answer to doAsk: answer
	evResolved                      // answer to doResolve: addrs, last, err; may come twice
	evDialed                        // answer to doDial: attempt n, our address addr, or err
	evExpired                       // the timer has run out
	evStop                          // the session is to be cut: reason
	evEnded                         // the sockets are closed: end
)

// event is one input of the machine. Which fields count is said at its kind.
type event struct {
	kind   eventKind
	n      int
	addr   netip.AddrPort
	addrs  []netip.Addr
	last   bool
	err    error
	reason Reason
	answer *answer
	end    transport.Ended
}

// verb is what is to be done for a connection.
type verb uint8

const (
	doWrite      verb = iota // send bytes to the client
	doTimer                  // hear evExpired at time at; zero: never
	doBind                   // bind source addr, answer evBound before anything else
	doAsk                    // ask the policy a question, answer evAnswered; it takes the place of an earlier one
	doForget                 // forget the question under way
	doWho                    // note: who the client is
	doClient                 // note: the client is at addr
	doSecure                 // make the TLS handshake, answer evSecured
	doResolve                // resolve name for family, answer evResolved
	doDial                   // attempt n: connect to addr, answer evDialed
	doCancelDial             // forget the attempts and the resolution under way
	doUpstream               // note: connected to addr, from source
	doDialResult             // note: the dial result of this CONNECT, from source, to group
	doMark                   // note: a step was reached now
	doAnswer                 // note: the reply that was written
	doRelay                  // join client and upstream
	doFinish                 // close once what was written is delivered
	doAbort                  // close at once
	doEnd                    // note: outcome; nothing follows
)

// mark is a step whose time is kept.
type mark uint8

const (
	markGreeted       mark = iota // the method was answered
	markAuthenticated             // the client is who it says
	markRequested                 // CONNECT has arrived
)

// action is one output of the machine. Which fields count is said at its verb.
type action struct {
	do       verb
	mark     mark
	group    groups.ID
	result   egress.Result
	family   egress.Family
	outcome  Outcome
	n        int
	bytes    []byte
	name     string
	addr     netip.AddrPort
	source   netip.AddrPort
	at       time.Time
	question *question
	who      *policy.AuthInfo
	err      error
}
