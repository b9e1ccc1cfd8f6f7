package source

import (
	"container/list"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"

	"github.com/troupe-proxy/troupe/internal/egress"
)

// MostOthers is how many sources are listed that the policy does not name. Of more,
// the one goes that nobody uses and nobody has asked for for longest; if all are in
// use, the newcomer is counted under Elsewhere.
const MostOthers = 1024

// Host knows the addresses of this machine. It may be asked from any goroutine;
// addresses are canonical.
type Host interface {
	// Plumbed says whether an address can be sent from, and whether that is known.
	Plumbed(netip.Addr) (plumbed, known bool)
	// BindsAny says whether sockets can be bound to an address that is not plumbed.
	BindsAny(netip.Addr) bool
}

// Table is all sources. Its methods may be called from any goroutine; those that
// sessions call take no lock for a source that the policy names. A nil Table knows
// nothing, and holds nothing back.
type Table struct {
	host  Host // nil: nothing is known
	known atomic.Pointer[map[netip.Addr]*Source]
	holds atomic.Pointer[holds]
	free  atomic.Pointer[bart.Lite] // addresses that some listener binds unplumbed; nil: none
	// elsewhere counts for those that there was no room for.
	elsewhere *Source
	changed   atomic.Pointer[func()]
	told      atomic.Bool // changed was called, and nobody has looked since

	mu     sync.Mutex
	others map[netip.Addr]*list.Element // guarded by mu
	order  list.List                    // of them, as *Source, asked for last first; guarded by mu
}

// NewTable is one without sources. host may be nil.
func NewTable(host Host) *Table {
	t := &Table{host: host, elsewhere: &Source{}, others: make(map[netip.Addr]*list.Element)}
	t.known.Store(&map[netip.Addr]*Source{})
	return t
}

// Know lists the addresses of networks from now on, as far as these are small: see
// MostOfNetwork and MostKnown. Those listed before keep their figures; those that
// are not named any more are like any others. left are networks that are too large.
func (t *Table) Know(networks []netip.Prefix) (left []netip.Prefix) {
	all, left := expand(networks)
	t.mu.Lock()
	defer t.tell()
	defer t.mu.Unlock()
	before := *t.known.Load()
	now := make(map[netip.Addr]*Source, len(all))
	for _, one := range all {
		s := before[one.addr]
		if e := t.others[one.addr]; s == nil && e != nil {
			s = t.order.Remove(e).(*Source)
			delete(t.others, one.addr)
		}
		if s == nil {
			s = &Source{addr: one.addr}
		}
		s.single.Store(one.single)
		now[one.addr] = s
	}
	for a, s := range before {
		switch {
		case now[a] != nil:
		case t.room():
			s.single.Store(false)
			t.others[a] = t.order.PushFront(s)
		default:
			t.elsewhere.absorb(s)
		}
	}
	t.known.Store(&now)
	return left
}

// KnowFree says which addresses are bound though they need not be plumbed, by one
// listener or more, from now on.
func (t *Table) KnowFree(networks []netip.Prefix) {
	var free *bart.Lite
	for _, p := range networks {
		if free == nil {
			free = &bart.Lite{}
		}
		free.Insert(p)
	}
	t.free.Store(free)
}

// find is the source of an address, listed from now on if there is room. use is
// called before anybody may drop it again.
func (t *Table) find(a netip.Addr, use func(*Source)) *Source {
	if t == nil || !a.IsValid() || a.IsUnspecified() {
		return nil
	}
	a = a.Unmap().WithZone("")
	if s := (*t.known.Load())[a]; s != nil {
		use(s)
		return s
	}
	s, added := t.findOther(a, use)
	if added {
		t.tell()
	}
	return s
}

func (t *Table) findOther(a netip.Addr, use func(*Source)) (s *Source, added bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.others[a]
	switch {
	case e != nil:
		t.order.MoveToFront(e)
		s = e.Value.(*Source)
	case (*t.known.Load())[a] != nil: // since a moment ago
		s = (*t.known.Load())[a]
	case t.room():
		s, added = &Source{addr: a}, true
		t.others[a] = t.order.PushFront(s)
	default:
		s = t.elsewhere
	}
	use(s)
	return s, added
}

// room makes room for one more of the others, if it can. Called with the mutex held.
func (t *Table) room() bool {
	if len(t.others) < MostOthers {
		return true
	}
	for e := t.order.Back(); e != nil; e = e.Prev() {
		if s := e.Value.(*Source); s.sessions.Load() == 0 {
			t.order.Remove(e)
			delete(t.others, s.addr)
			t.elsewhere.absorb(s)
			return true
		}
	}
	return false
}

// Enter begins a session from an address. The caller owes a Leave.
func (t *Table) Enter(a netip.Addr) *Source {
	return t.find(a, func(s *Source) { s.sessions.Add(1) })
}

// Dialled counts how a dial from an address ended.
func (t *Table) Dialled(a netip.Addr, r egress.Result, now time.Time) {
	t.find(a, func(s *Source) { s.dialled(r, now) })
}

// TriedBind notes that an address was asked for, and whether a bind found it
// plumbed.
func (t *Table) TriedBind(a netip.Addr, plumbed bool, now time.Time) {
	t.find(a, func(s *Source) {
		if !s.asked.Load() {
			s.asked.Store(true)
		}
		s.triedBind(plumbed, now)
	})
}

// peek is the source of an address if it is listed, else nil.
func (t *Table) peek(a netip.Addr) *Source {
	if s := (*t.known.Load())[a]; s != nil {
		return s
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.others[a]; e != nil {
		return e.Value.(*Source)
	}
	return nil
}

// Listed are all sources, in no order.
func (t *Table) Listed() []*Source {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := *t.known.Load()
	all := make([]*Source, 0, len(known)+len(t.others))
	for _, s := range known {
		all = append(all, s)
	}
	for e := t.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*Source))
	}
	return all
}

// Known are the sources that the policy names, in no order.
func (t *Table) Known() []*Source {
	known := *t.known.Load()
	all := make([]*Source, 0, len(known))
	for _, s := range known {
		all = append(all, s)
	}
	return all
}

// Elsewhere counts for the sources that there was no room for, together.
func (t *Table) Elsewhere() *Source { return t.elsewhere }

// OnChange has f called when sources came or went, from any goroutine, and not again
// until Looked. f must not block.
func (t *Table) OnChange(f func()) {
	t.changed.Store(&f)
	t.told.Store(false)
}

// Looked says that who was told of a change is about to look.
func (t *Table) Looked() { t.told.Store(false) }

func (t *Table) tell() {
	if f := t.changed.Load(); f != nil && !t.told.Swap(true) {
		(*f)()
	}
}
