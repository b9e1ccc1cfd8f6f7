package actors

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// driver carries a machine's actions out on nothing and remembers them.
type driver struct {
	t        *testing.T
	m        machine
	now      time.Time
	pending  []byte
	wrote    []byte
	did      []verb
	dials    []netip.AddrPort
	results  []egress.Result
	names    []string
	timer    time.Time
	end      *Outcome
	bindErr  error
	bindErrs map[netip.Addr]error // of single addresses
	bound    netip.AddrPort
	binds    []netip.AddrPort
	why      error

	questions []*question
	who       *policy.AuthInfo
}

func newDriver(t *testing.T, l limits) *driver {
	t.Helper()
	if l.step == 0 {
		l.step, l.connect = time.Minute, 50*time.Second
	}
	if l.rules == nil {
		l.rules = compiled(t, rules.Spec{})
	}
	d := &driver{t: t, now: time.Unix(1_000_000, 0)}
	d.m.limits, d.m.client = &l, nearby
	d.feed(event{kind: evStart})
	return d
}

func (d *driver) send(b ...byte) {
	d.t.Helper()
	d.pending = append(d.pending, b...)
	d.feed(event{kind: evReadable})
}

func (d *driver) feed(ev event) {
	d.t.Helper()
	acts, used := d.m.handle(d.now, ev, d.pending, nil)
	d.pending = d.pending[used:]
	var bound *event // the answer to doBind comes once all is done
	for _, a := range acts {
		d.did = append(d.did, a.do)
		switch a.do {
		case doWrite:
			d.wrote = append(d.wrote, a.bytes...)
		case doTimer:
			d.timer = a.at
		case doAsk:
			d.questions = append(d.questions, a.question)
		case doWho:
			d.who = a.who
		case doBind:
			d.bound = a.addr
			d.binds = append(d.binds, a.addr)
			bound = &event{kind: evBound, addr: a.addr, err: cmp.Or(d.bindErr, d.bindErrs[a.addr.Addr()])}
		case doResolve:
			d.names = append(d.names, a.name)
		case doDial:
			d.dials = append(d.dials, a.addr)
		case doDialResult:
			d.results = append(d.results, a.result)
		case doEnd:
			d.end, d.why = &a.outcome, a.err
		}
	}
	if bound != nil {
		d.feed(*bound)
	}
}

func (d *driver) wantWrote(want ...byte) {
	d.t.Helper()
	if !slices.Equal(d.wrote, want) {
		d.t.Errorf("wrote % x; want % x", d.wrote, want)
	}
	d.wrote = nil
}

func (d *driver) wantEnd(want Outcome) {
	d.t.Helper()
	d.feed(event{kind: evEnded})
	if d.end == nil || *d.end != want {
		d.t.Errorf("ended with %+v; want %+v", d.end, want)
	}
}

func (d *driver) wantDid(want verb) {
	d.t.Helper()
	if !slices.Contains(d.did, want) {
		d.t.Errorf("did %v; want %v among it", d.did, want)
	}
}
