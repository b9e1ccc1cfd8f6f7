// Package handover takes a daemon over from one process to another: it starts the
// successor, passes the listening sockets on, and is the private line between the
// two until the older one has ended.
//
// It serves no client and knows no figure: what the processes tell one another is
// given to it and taken from it as JSON. The line is a socket pair that no other
// process has.
//
// # The order of things
//
//	old                                  new
//	starts the new one ──────── hello ─► has the sockets; loads the policy
//	                 ◄─── prepared ────  serves nobody yet, and may be killed
//	decides            ──────── begin ─► what was decided by then; serves clients,
//	                                     and so does the old one
//	                 ◄────── ready ────  HTTP waits, so that figures do not fall
//	serves nobody new  ───── released ─► serves HTTP
//	its sessions go on ◄────── ask ────  figures, sessions, and what is to end
//	has ended          ──────── final ─► its last figures
//
// Until begin the successor can be abandoned and nothing has changed. Should the old
// process die at any point, the new one goes on alone.
//
// A message is its length, four bytes with the highest first, and a JSON object. Who
// hears garbage, nothing for too long, or more than the longest message closes the
// line and goes on without it.
package handover

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/troupe-proxy/troupe/internal/inherit"
)

// Protocol is the version of what is said on the line. Processes that do not have
// the same one refuse each other.
const Protocol = 1

// Variable of the environment that tells a process which descriptor is its line.
const Variable = "TROUPE_HANDOVER"

const (
	// longestMessage is in bytes; the longest is a list of many sessions.
	longestMessage = 64 << 20
	// sayTime is how long the other side may take to make room for a message.
	sayTime = 5 * time.Second
	// helloTime is how long the first message may take.
	helloTime = 10 * time.Second
)

var (
	// ErrLost says that the line has ended.
	ErrLost = errors.New("the line to the other process has ended")
	// ErrRefused says that the successor would not take over.
	ErrRefused = errors.New("the new process refused")
	// ErrProtocol says that the two processes cannot talk.
	ErrProtocol = errors.New("the two binaries do not speak the same version of the hand-over")
	// ErrGarbled says that what came is no message.
	ErrGarbled = errors.New("the other process sent what is no message")
)

// Hello is what the successor is told first.
type Hello struct {
	Protocol int
	// PID and Version are the old process's.
	PID     int
	Version string
	// Sockets are the listening sockets. Their descriptors follow the line's, in
	// this order.
	Sockets []inherit.Socket
	// State is what else goes over.
	State json.RawMessage
}

// kind is what a message is.
type kind string

const (
	kindHello    kind = "hello"
	kindPrepared kind = "prepared"
	kindRefused  kind = "refused"
	kindBegin    kind = "begin"
	kindReady    kind = "ready"
	kindReleased kind = "released"
	kindReport   kind = "report"
	kindFinal    kind = "final"
	kindAsk      kind = "ask"
	kindAnswer   kind = "answer"
)

// message is what goes over the line.
type message struct {
	Kind  kind            `json:"kind"`
	ID    uint64          `json:"id,omitempty"`    // of a question, and of its answer
	Topic string          `json:"topic,omitempty"` // of a question
	Error string          `json:"error,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}
