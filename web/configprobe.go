package web

import (
	"net/netip"
	"net/url"
	"time"

	"github.com/troupe-proxy/troupe/internal/probe"
)

// ProbeRequest says which sources are to be tried towards what.
type ProbeRequest struct {
	// All: those that the policy names, and the others that are plumbed.
	All     bool
	Sources []netip.Addr
	Host    string
	Port    uint16
	Echo    *url.URL // nil: none
	By      string
}

// ProbedSource is what came of one.
type ProbedSource struct {
	Address     netip.Addr
	Plumbed     string // yes, no, unknown or freebind
	State       string // serving, paused or draining
	Route       string // yes, no, unknown or freebind
	Destination netip.AddrPort
	Connect     time.Duration // 0: there was no connection
	Banner      string
	PTR         []string
	Confirmed   bool
	PTRError    string
	Seen        string
	Failure     string // "": none
	Error       string
}

// What a probe may be asked for, and take.
const (
	// MostProbed is how many sources a request may name.
	MostProbed = probe.MostTargets
	// MostProbeTime is how long a probe may take. Whoever carries it out ends it by
	// then.
	MostProbeTime = probe.WholeTime
)
