package actors

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/troupe-proxy/troupe/internal/supervise"
)

// Memory tells how much memory is held, such as memory.Meter of internal/memory.
type Memory interface {
	// Read says how many bytes are held that are no garbage, as far as that is known,
	// and how many may be; 0: any number.
	Read() (held, limit uint64)
	// Renew has the next Read know what is garbage by now. It may take as long as a
	// collection.
	Renew()
}

const (
	// pressureLook is how often the memory is looked at. At 50,000 clients in a second
	// some 10 MiB are taken meanwhile.
	pressureLook = 100 * time.Millisecond
	// pressureRenew is after what time under pressure garbage is looked for: while
	// clients are turned away little is allocated, and the runtime would see no
	// reason for two minutes.
	pressureRenew = 2 * time.Second
	// pressureBegins and pressureEnds are hundredths of the limit. Beyond the first
	// the runtime would spend its time on looking for garbage; it is over at less, so
	// that it does not begin anew with each session.
	pressureBegins, pressureEnds = 95, 90
)

// pressed is what want of memory comes to; nothing in it changes.
type pressed struct {
	since time.Time
	why   string
}

// pressure watches the memory. While there is too little, new clients are turned
// away, on all listeners, so that there is enough for the sessions that there are.
// Its one goroutine is the System's; what it finds may be read by any.
type pressure struct {
	memory Memory
	slots  *slots
	live   *live
	log    *slog.Logger
	now    *atomic.Pointer[pressed] // the ledger's; nil: there is none
	held   *atomic.Uint64           // for the figures

	renewed time.Time // while there is pressure
	idlers  time.Time // are not looked for before, since there were none
	said    sparing   // the log's lines
	shed    sparing   // and those about sessions
	told    bool      // the log has told of the pressure that there is
}

// run looks until stopped is closed.
func (p *pressure) run(stopped <-chan struct{}) {
	ticker := time.NewTicker(pressureLook)
	defer ticker.Stop()
	for {
		select {
		case <-stopped:
			return
		case now := <-ticker.C:
			supervise.Contain(p.log, func() { p.tend(now) })
		}
	}
}

// tend looks, and ends sessions where that is allowed: for memory only once it has not
// helped that new clients were turned away.
func (p *pressure) tend(now time.Time) {
	switch {
	case p.look(now):
		p.shedIdle(now, fewestForMemory, shareForMemory)
	case p.slots.wanted():
		p.shedIdle(now, fewestForSlots, shareForSlots)
	}
}

// look says whether pressure was judged anew and goes on, so that more has to be done
// about it than to turn clients away.
func (p *pressure) look(now time.Time) (judged bool) {
	held, limit := p.memory.Read()
	if p.now.Load() == nil {
		if over(held, limit, pressureBegins) { // some of it may be garbage by now
			held, limit = p.renew(now)
		}
		p.held.Store(held)
		if !over(held, limit, pressureBegins) {
			return false
		}
		p.begin(now, held, limit)
		return false
	}
	if now.Sub(p.renewed) >= pressureRenew {
		held, limit = p.renew(now)
		judged = true
	}
	p.held.Store(held)
	if !over(held, limit, pressureEnds) {
		p.end(held, limit)
		return false
	}
	return judged
}

func (p *pressure) renew(now time.Time) (held, limit uint64) {
	p.renewed = now
	p.memory.Renew()
	return p.memory.Read()
}

// over says whether more is held than so many hundredths of the limit.
func over(held, limit uint64, hundredths uint64) bool {
	return limit > 0 && held >= limit/100*hundredths
}

func (p *pressure) begin(now time.Time, held, limit uint64) {
	p.now.Store(&pressed{now, fmt.Sprintf("memory is short: %d of %d bytes are held, clients are turned away", held, limit)})
	if _, due := p.said.due(now); due {
		p.told = true
		p.log.Warn("memory is short, clients are turned away until some is free", slog.Uint64("held", held), slog.Uint64("limit", limit))
	}
}

// end has the log say no more often that it is over than that it began.
func (p *pressure) end(held, limit uint64) {
	p.now.Store(nil)
	if p.told {
		p.told = false
		p.log.Info("there is memory again, clients are served", slog.Uint64("held", held), slog.Uint64("limit", limit))
	}
}
