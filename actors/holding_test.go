package actors

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/source"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// machineOf is a machine whose addresses a test chooses.
type machineOf struct {
	gone     map[string]bool
	bindsAny bool
}

func (h *machineOf) Plumbed(a netip.Addr) (plumbed, known bool) { return !h.gone[a.String()], true }
func (h *machineOf) BindsAny(netip.Addr) bool                   { return h.bindsAny }

// heldTable has these sources paused, and those not plumbed.
func heldTable(t *testing.T, paused, gone string, change ...func(*source.Change)) *source.Table {
	t.Helper()
	h := &machineOf{gone: make(map[string]bool)}
	for _, text := range strings.Fields(gone) {
		h.gone[text] = true
	}
	table := source.NewTable(h)
	for _, text := range strings.Fields(paused) {
		c := source.Change{Network: netip.MustParsePrefix(text), Standing: source.Paused, By: "ann", Reason: "listed"}
		for _, f := range change {
			f(&c)
		}
		if _, err := table.Apply(c, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

func held(t *testing.T, spec rules.Spec, table *source.Table) *driver {
	t.Helper()
	d := ruled(t, afar, spec)
	d.m.limits.sources = table
	return d
}

// TestBindOfAHeldSource: BIND fails for what is the matter with the source, and says
// so before anything is bound.
func TestBindOfAHeldSource(t *testing.T) {
	drained := func(c *source.Change) { c.Standing = source.Draining }
	anyBind := source.NewTable(&machineOf{gone: map[string]bool{"127.0.0.2": true}, bindsAny: true})
	for name, tt := range map[string]struct {
		table *source.Table
		why   Reason
	}{
		"paused":                          {heldTable(t, "127.0.0.0/30", ""), ReasonSourcePaused},
		"draining":                        {heldTable(t, "127.0.0.2/32", "", drained), ReasonSourceDraining},
		"unplumbed, where binds tell not": {anyBind, ReasonSourceUnplumbed},
	} {
		d := held(t, rules.Spec{}, tt.table)
		d.send(bind4...)
		d.wantBinds()
		d.wantWrote(refusal(1)...)
		d.wantEnd(failed(tt.why))
		if paused := tt.why != ReasonSourceUnplumbed; paused && (d.why == nil || !strings.Contains(d.why.Error(), "by ann: listed")) {
			t.Errorf("%s: got %v; want who has paused it, and why", name, d.why)
		}
	}
	d := held(t, rules.Spec{}, heldTable(t, "127.0.0.9/32", "127.0.0.2"))
	d.send(bind4...)
	d.wantBinds("127.0.0.2:0") // the bind itself will tell
}

// TestChoiceLeavesHeldSourcesOut, of the rules' list.
func TestChoiceLeavesHeldSourcesOut(t *testing.T) {
	spec := rules.Spec{Source: networks(t, "192.0.2.50", "192.0.2.51", "192.0.2.52")}
	d := held(t, spec, heldTable(t, "192.0.2.50/32", "192.0.2.52"))
	d.send(connect4...)
	d.wantBinds("192.0.2.51:0")
	d.wantDials("192.0.2.1:25")

	d = held(t, spec, heldTable(t, "192.0.2.50/31", "192.0.2.52"))
	d.send(connect4...)
	d.wantBinds()
	d.wantDials()
	d.wantWrote(refusal(1)...)
	d.wantEnd(failed(ReasonNoSource))
}

// TestChoicePassesByWhatCannotBeBound: it was removed a moment ago.
func TestChoicePassesByWhatCannotBeBound(t *testing.T) {
	table := heldTable(t, "", "")
	d := held(t, rules.Spec{Source: networks(t, "192.0.2.50", "192.0.2.51")}, table)
	first, _ := d.m.limits.rules.Choose(afar, netip.MustParseAddr("192.0.2.1"), nil)
	d.bindErrs = map[netip.Addr]error{first: syscall.EADDRNOTAVAIL}
	table.TriedBind(first, false, d.now) // as the connection does
	d.send(connect4...)
	if len(d.binds) != 1 || d.binds[0].Addr() == first {
		t.Errorf("got %v bound; want the other one at once", d.binds)
	}
	d = held(t, rules.Spec{Source: networks(t, "192.0.2.50", "192.0.2.51")}, table)
	d.now = d.now.Add(source.BindMemory)
	d.send(connect4...)
	if len(d.binds) != 1 || d.binds[0].Addr() != first {
		t.Errorf("got %v bound; want the first one tried again", d.binds)
	}
}

// TestHandlerChoosesAHeldSource: another of the rules' list takes its place, or it
// is refused.
func TestHandlerChoosesAHeldSource(t *testing.T) {
	choice := policy.Decision{Source: netip.MustParseAddr("192.0.2.60")}
	listed := rules.Spec{Source: networks(t, "192.0.2.50")}
	for _, tt := range []struct {
		name  string
		spec  rules.Spec
		table *source.Table
		binds []string
		end   Reason
	}{
		{"it may be used", listed, heldTable(t, "", ""), []string{"192.0.2.60:0"}, ReasonNone},
		{"another is there", listed, heldTable(t, "192.0.2.60/32", ""), []string{"192.0.2.50:0"}, ReasonNone},
		{"it is not plumbed", listed, heldTable(t, "", "192.0.2.60"), []string{"192.0.2.50:0"}, ReasonNone},
		{"the other is paused too", listed, heldTable(t, "192.0.2.0/24", ""), nil, ReasonSourcePaused},
		{"no list", rules.Spec{}, heldTable(t, "192.0.2.60/32", ""), nil, ReasonSourcePaused},
	} {
		for about, request := range map[topic][]byte{aboutConnect: connect4, aboutBind: bind4} {
			d := held(t, tt.spec, tt.table)
			d.m.handlers = handlers{request: true}
			d.send(request...)
			d.answer(about, answer{decision: choice})
			var got []string
			for _, a := range d.binds {
				got = append(got, a.String())
			}
			if !slices.Equal(got, tt.binds) {
				t.Errorf("%s, topic %d: got %q bound; want %q", tt.name, about, got, tt.binds)
			}
			if tt.end != ReasonNone {
				d.wantWrote(refusal(1)...)
				d.wantEnd(failed(tt.end))
			}
		}
	}
}
