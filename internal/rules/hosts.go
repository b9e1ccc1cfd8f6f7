package rules

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"
)

// HostTTL is how old the view of this machine's addresses may be when it is
// asked: an address is known as local at most that long after it was added.
const HostTTL = time.Second

// Addresses is what was read of a machine's addresses.
type Addresses struct {
	Local    []netip.Prefix // addresses and networks that end on this machine
	Attached []netip.Prefix // subnets of its interfaces
	// Ready are the addresses and networks that a socket may be bound to and be
	// answered. Nil: that is not known on this system.
	Ready []netip.Prefix
	// BindsAny says of IPv4 and IPv6 that sockets can be bound to any address, so
	// that to have bound one proves nothing.
	BindsAny [2]bool

	own []netip.Prefix // addresses of interfaces
}

// Hosts is the Host that we run on. It reads the addresses when it is asked, so
// an idle daemon reads nothing. Who finds what it has older than half of HostTTL
// has it read anew beside, by a goroutine that ends with the reading; who finds
// it older than HostTTL waits for the reading, and so do all who ask meanwhile. It
// owns nothing that would have to be closed.
type Hosts struct {
	read   func() (Addresses, error)
	failed func(error)
	view   atomic.Pointer[view]

	mu      sync.Mutex // held while reading
	failing bool
}

// view is one reading. It is not changed once made.
type view struct {
	at              time.Time
	local, attached *bart.Lite
	ready           *bart.Lite // nil: not known
	bindsAny        [2]bool
}

var errNoAddresses = errors.New("the addresses of this host cannot be read")

// NewHosts reads the addresses for the first time; the error is that there are
// none. read is ReadHost but for tests; addresses beside an error are what could
// be read. After a later failure the last view stays in force and reading is
// tried again by HostTTL. failed is told the first failure of a row, from any
// goroutine; it must not ask again.
func NewHosts(read func() (Addresses, error), failed func(error)) (*Hosts, error) {
	h := &Hosts{read: read, failed: failed}
	h.refresh()
	if h.view.Load() == nil {
		return nil, errNoAddresses
	}
	return h, nil
}

// Local implements Host.
func (h *Hosts) Local(a netip.Addr) bool { return h.current().local.Contains(a) }

// Attached implements Host.
func (h *Hosts) Attached(a netip.Addr) bool { return h.current().attached.Contains(a) }

// Plumbed says whether an address is this machine's to send from, and whether that
// is known at all.
func (h *Hosts) Plumbed(a netip.Addr) (plumbed, known bool) {
	v := h.current()
	if v.ready == nil {
		return false, false
	}
	return v.ready.Contains(a), true
}

// BindsAny says whether a socket can be bound to an address that is not plumbed, so
// that a bind would not find out.
func (h *Hosts) BindsAny(a netip.Addr) bool {
	all := h.view.Load().bindsAny
	if a.Is4() {
		return all[0]
	}
	return all[1]
}

// Refresh reads the addresses now, for one who knows that they changed.
func (h *Hosts) Refresh() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refresh()
}

func (h *Hosts) current() *view {
	v := h.view.Load()
	switch age := time.Since(v.at); {
	case age < HostTTL/2:
		return v
	case age < HostTTL:
		h.readAhead(v)
		return v
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if v = h.view.Load(); time.Since(v.at) >= HostTTL {
		h.refresh()
	}
	return h.view.Load()
}

// readAhead starts the successor of a view, if nobody has yet.
func (h *Hosts) readAhead(v *view) {
	switch {
	case !h.mu.TryLock():
	case h.view.Load() != v:
		h.mu.Unlock()
	default:
		go h.refreshUnlock()
	}
}

// refreshUnlock is the goroutine of readAhead, which has locked.
func (h *Hosts) refreshUnlock() {
	defer h.mu.Unlock()
	h.refresh()
}

// refresh makes a new view, or keeps the old one in force until the next try.
func (h *Hosts) refresh() {
	now := time.Now()
	a, err := h.read()
	old := h.view.Load()
	if err != nil && !h.failing {
		h.failed(err)
	}
	h.failing = err != nil
	switch {
	case err == nil, old == nil && len(a.Local) > 0:
		fresh := &view{at: now, local: lite(a.Local), attached: lite(a.Attached), bindsAny: a.BindsAny}
		if a.Ready != nil {
			fresh.ready = lite(a.Ready)
		}
		h.view.Store(fresh)
	case old != nil:
		again := *old
		again.at = now
		h.view.Store(&again)
	}
}

func lite(list []netip.Prefix) *bart.Lite {
	all := &bart.Lite{}
	for _, p := range list {
		all.Insert(p)
	}
	return all
}
