package limit

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// mostOffenders is how many clients are remembered, and how many users: of more,
// those that have been silent longest are forgotten, bans included.
const mostOffenders = 1 << 13

// Offender is who logs in: a client as Client has it, or a user's name. One of the
// two is set.
type Offender struct {
	Client netip.Prefix
	User   string
}

func (o Offender) String() string {
	switch {
	case o.User != "":
		return o.User
	case o.Client.IsSingleIP():
		return o.Client.Addr().String()
	}
	return o.Client.String()
}

// Ban is an offender whose logins are refused.
type Ban struct {
	Offender
	Failures     int // logins that had failed
	Since, Until time.Time
}

// BanTerms say when an offender is banned: once Failures logins have failed Within
// a time, and For how long. All are positive.
type BanTerms struct {
	Failures    int
	Within, For time.Duration
}

// Bans remembers logins that failed, and bans those who have failed too often. The
// logins of who is banned are not counted, so that a ban ends. Its methods may be
// called from any goroutine.
type Bans struct {
	mu       sync.Mutex
	clients  *simplelru.LRU[Offender, *offences]
	users    *simplelru.LRU[Offender, *offences]
	begun    uint64
	took     [8]time.Duration // the last logins that failed
	measured int
}

// offences are what is known of one offender.
type offences struct {
	first    time.Time // failure of those that count
	failures int
	ban      Ban // zero: there was none
}

// NewBans bans nobody yet.
func NewBans() *Bans {
	list := func() *simplelru.LRU[Offender, *offences] {
		l, err := simplelru.NewLRU[Offender, *offences](mostOffenders, nil)
		if err != nil {
			panic(err) // the size is not positive
		}
		return l
	}
	return &Bans{clients: list(), users: list()}
}

func (b *Bans) list(who Offender) *simplelru.LRU[Offender, *offences] {
	if who.User != "" {
		return b.users
	}
	return b.clients
}

// Fail counts a login that has failed, and says whether it is that which has the
// offender banned.
func (b *Bans) Fail(who Offender, t BanTerms, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.list(who)
	known, ok := list.Get(who)
	if !ok {
		known = &offences{}
		list.Add(who, known)
	}
	if now.Before(known.ban.Until) {
		return false // it was on its way when the ban began
	}
	if known.failures == 0 || now.Sub(known.first) > t.Within {
		known.first, known.failures = now, 0
	}
	if known.failures++; known.failures < t.Failures {
		return false
	}
	known.ban = Ban{Offender: who, Failures: known.failures, Since: now, Until: now.Add(t.For)}
	known.failures = 0
	b.begun++
	return true
}

// Banned says whether the logins of who are refused.
func (b *Bans) Banned(who Offender, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.list(who).Get(who)
	return ok && now.Before(known.ban.Until)
}

// Lift ends the ban of an offender and forgets its failures. False: there is none.
func (b *Bans) Lift(who Offender, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.list(who).Peek(who)
	if !ok || !now.Before(known.ban.Until) {
		return false
	}
	b.list(who).Remove(who)
	return true
}

// All are the bans in force, the first to end first.
func (b *Bans) All(now time.Time) []Ban {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Ban
	for _, known := range slices.Concat(b.clients.Values(), b.users.Values()) {
		if now.Before(known.ban.Until) {
			all = append(all, known.ban)
		}
	}
	slices.SortFunc(all, func(x, y Ban) int {
		return cmp.Or(x.Until.Compare(y.Until), cmp.Compare(x.String(), y.String()))
	})
	return all
}

// Kept is what goes over to another process: bans, and how long the answer to a login
// took that failed.
type Kept struct {
	Bans []KeptBan
	Took []time.Duration
}

// KeptBan is a ban on its way. The user's name is whatever bytes a client has sent, and
// goes over as such.
type KeptBan struct {
	Ban
	User []byte
}

// Keep is what is to be restored elsewhere. Failures of who is not banned yet are not
// part of it.
func (b *Bans) Keep(now time.Time) Kept {
	var k Kept
	for _, one := range b.All(now) {
		k.Bans = append(k.Bans, KeptBan{one, []byte(one.User)})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k.Took = slices.Clone(b.took[:min(b.measured, len(b.took))])
	return k
}

// Restore takes over what another process has kept. Bans go on for the time that is
// left of them, whatever becomes of the clock; they do not count as begun, and those
// that are over, or of nobody, are left out.
func (b *Bans) Restore(k Kept, now time.Time) (restored int) {
	for _, d := range k.Took {
		b.Took(max(d, 0))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, kept := range k.Bans {
		one := kept.Ban
		one.User = string(kept.User)
		left := one.Until.Sub(now)
		if left <= 0 || one.Offender == (Offender{}) {
			continue
		}
		one.Since, one.Until = now.Add(one.Since.Sub(now)), now.Add(left)
		b.list(one.Offender).Add(one.Offender, &offences{ban: one})
		restored++
	}
	return restored
}

// Begun is how many bans there have been.
func (b *Bans) Begun() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
}

// Took notes how long the answer to a login took that failed.
func (b *Bans) Took(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.took[b.measured%len(b.took)] = d
	b.measured++
}

// Takes is how long such an answer takes: as long as one of the last did, for whoever
// is to be answered like those.
func (b *Bans) Takes() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.measured == 0 {
		return 0
	}
	return b.took[rand.IntN(min(b.measured, len(b.took)))]
}
