package web

import (
	"net/netip"
	"time"
)

// Source is a sending address as it is. What is not known is zero.
type Source struct {
	Address  netip.Addr
	Known    bool   // the policy names it, or a small network that it is in
	Plumbed  string // yes, no, unknown or freebind
	State    string // serving, paused or draining
	Since    time.Time
	Until    time.Time // zero: until it is resumed
	Reason   string
	By       string
	Sessions int64
	Dials    map[string]uint64 // by result; all results are there
	// Connected of the dials that were Tried have connected. Others ended before
	// they could tell.
	Connected, Tried uint64
	Greetings        Greetings
	LastSuccess      time.Time
	RefusalText      string
	RefusalAt        time.Time
	RefusalFrom      netip.AddrPort
	PortsUsed        float64 // 0 to 1
	// Trouble is how much somebody had better look at it.
	Trouble int64
}

// Greetings are how upstreams answered, by the first digit of what they said.
type Greetings struct {
	Positive  uint64 `json:"2xx" required:"true"`
	Transient uint64 `json:"4xx" required:"true"`
	Permanent uint64 `json:"5xx" required:"true"`
	None      uint64 `json:"none" required:"true" description:"They said nothing, or something else."`
}

// SourceChange is what is to be decided about the sources of a network.
type SourceChange struct {
	Network netip.Prefix
	State   string        // paused, draining or serving
	For     time.Duration // 0: until they are resumed
	Reason  string
	By      string
}

// ChangedSources is what that came to.
type ChangedSources struct {
	Network  string     `json:"network" required:"true"`
	State    string     `json:"state" required:"true" enum:"serving,paused,draining"`
	Until    *time.Time `json:"until" required:"true" nullable:"true" description:"Null: until they are resumed."`
	Sources  []string   `json:"sources" required:"true" nullable:"false" description:"Those there are in the network. What was decided counts for others too, once somebody asks for them."`
	Sessions int64      `json:"sessions" required:"true" description:"That they have. These go on."`
	Ended    int        `json:"ended" required:"true" description:"How many pauses and drains a resume has ended."`
	Kept     bool       `json:"kept" required:"true" description:"It outlives a restart. False: it holds until the next start only."`
	Note     string     `json:"note" required:"true" description:"Why it is not kept; empty if it is."`
}
