package egress

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// MaxAttempts is how many addresses of one destination are tried.
	MaxAttempts = 16
	// AttemptDelay is how long an attempt has to itself before the next one is
	// started beside it: the Connection Attempt Delay of RFC 8305 section 5.
	AttemptDelay = 250 * time.Millisecond
)

// Race holds the addresses of one destination and says which to try next, as
// RFC 8305 sections 4 to 6 have it. It has no clock and does not dial. The
// owner asks Next for an address and dials it, and asks again once that attempt
// failed or Delay has passed, whichever is first, until one connects or Done.
//
// Families alternate, IPv6 first; within a family the order is the resolver's.
// It is used by one goroutine at a time.
type Race struct {
	port   uint16
	family Family

	resolved bool // no more addresses will come
	foreign  bool // an address was left out for its family
	last     Family
	started  int    // attempts handed out; at most MaxAttempts
	inFlight uint16 // one bit per attempt
	failed   bool   // verdict is that of an attempt, or of an address that was denied
	verdict  Result

	ipv6, ipv4 queue
	// few is where the queues begin, so that an IP destination and most names
	// cost no allocation but the Race.
	few [4]netip.Addr
}

// NewRace returns a Race without addresses, for a destination's port and the
// source's family; Any stands for a source that is not chosen.
func NewRace(port uint16, family Family) *Race {
	r := &Race{port: port, family: family}
	r.ipv6.addrs = r.few[0:0:2]
	r.ipv4.addrs = r.few[2:2:4]
	return r
}

// Add adds addresses; last says that no more will come. A later call merges its
// addresses among those not yet tried. Addresses are unmapped and lose their
// zone; those that are not valid, known already or of a family that the source
// cannot reach are left out.
func (r *Race) Add(addrs []netip.Addr, last bool) {
	for _, addr := range addrs {
		addr = canonical(addr)
		switch family := FamilyOf(addr); {
		case family == Any:
		case r.family != Any && family != r.family:
			r.foreign = true
		default:
			r.queue(family).add(addr)
		}
	}
	r.resolved = last
}

// Next is the next address to try now, and the number of the attempt, counted
// from 0. ok is false when there is none at the moment, or no more at all. The
// attempt is in flight until Failed.
func (r *Race) Next() (attempt int, to netip.AddrPort, ok bool) {
	if !r.waiting() {
		return 0, netip.AddrPort{}, false
	}
	family := IPv6
	if r.last != Any {
		family = r.last.other()
	}
	if r.queue(family).empty() {
		family = family.other()
	}
	attempt = r.started
	r.last = family
	r.started++
	r.inFlight |= 1 << attempt
	return attempt, netip.AddrPortFrom(r.queue(family).take(), r.port), true
}

// Delay is how long to wait for an attempt before the next is started.
func (r *Race) Delay() time.Duration { return AttemptDelay }

// Failed says how an attempt failed. An attempt that is not in flight is
// ignored, so a report that crossed with another may come twice.
func (r *Race) Failed(attempt int, res Result) {
	if attempt < 0 || attempt >= r.started || r.inFlight&(1<<attempt) == 0 {
		return
	}
	r.inFlight &^= 1 << attempt
	r.note(res)
}

// Deny says that an address of the destination was not added, because the policy
// forbids it.
func (r *Race) Deny() { r.note(Denied) }

// note keeps the most telling failure.
func (r *Race) note(res Result) {
	if !r.failed || telling(res) > telling(r.verdict) {
		r.failed, r.verdict = true, res
	}
}

// Done reports whether the race is lost: no attempt in flight, no address left,
// and none to come.
func (r *Race) Done() bool {
	return r.resolved && r.inFlight == 0 && !r.waiting()
}

// Verdict is how a lost race ended: the most telling failure of an attempt, of
// which Denied stands for addresses that were not to be tried, or
// FamilyMismatch if there were addresses but none that the source can reach, or
// NameNotFound if there were none. Before Done it is what it would be if the
// attempts in flight were forgotten.
func (r *Race) Verdict() Result {
	switch {
	case r.failed:
		return r.verdict
	case r.foreign:
		return FamilyMismatch
	}
	return NameNotFound
}

// telling ranks the failures of several attempts at one destination: the nearer
// to the destination a failure arose, the more it says. A refusal is the
// destination's own word; silence comes after what a router said; then what is
// wrong with this host, and what the policy's limits or rules forbid. NetworkUnreachable and
// FamilyMismatch come last because a host without IPv6 says them of every IPv6
// address, whatever became of the others.
func telling(res Result) int {
	order := [...]Result{
		FamilyMismatch, NetworkUnreachable,
		Denied, Limited,
		NoResources, NoPort, NotPermitted,
		TimedOut, HostUnreachable,
		Failed, Refused,
	}
	return slices.Index(order[:], res)
}

// waiting reports whether an address is left that may be tried.
func (r *Race) waiting() bool {
	return r.started < MaxAttempts && (!r.ipv6.empty() || !r.ipv4.empty())
}

// queue is where addresses of a family other than Any are.
func (r *Race) queue(f Family) *queue {
	if f == IPv6 {
		return &r.ipv6
	}
	return &r.ipv4
}

// queue holds the addresses of one family; those tried stay, to know them again.
type queue struct {
	addrs []netip.Addr
	taken int
}

// add keeps addr unless it is there already. More than MaxAttempts are of no
// use, however the families alternate.
func (q *queue) add(addr netip.Addr) {
	if len(q.addrs) < MaxAttempts && !slices.Contains(q.addrs, addr) {
		q.addrs = append(q.addrs, addr)
	}
}

func (q *queue) empty() bool { return q.taken == len(q.addrs) }

func (q *queue) take() netip.Addr {
	addr := q.addrs[q.taken]
	q.taken++
	return addr
}
