package source

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/egress"
)

func TestRefusalIsBounded(t *testing.T) {
	s := &Source{}
	s.Greeted(Transient, "451 "+strings.Repeat("\xff", 1<<20), netip.AddrPort{}, noon)
	if got := len(s.Status(noon).Refusal.Text); got > 3*MostRefusalText {
		t.Errorf("got %d bytes kept; want a bound", got)
	}
	s.Greeted(Positive, "220 hello", netip.AddrPort{}, noon)
	if st := s.Status(noon); !strings.HasPrefix(st.Refusal.Text, "451") || st.Greetings != [Classes]uint64{1, 1, 0, 0} {
		t.Errorf("got %+v; want the refusal kept", st)
	}
}

// TestBlockIsNotHidden by receivers that put mail off: for a day it is what is shown.
func TestBlockIsNotHidden(t *testing.T) {
	s := &Source{}
	for _, tt := range []struct {
		class   Class
		said    string
		hours   time.Duration
		want    string
		trouble int64 // in millions
	}{
		{Transient, "421 later", 0, "421 later", 3},
		{Permanent, "554 blocked", 1, "554 blocked", 5},
		{Transient, "421 again", 2, "554 blocked", 5},
		{Silent, "", 24, "554 blocked", 5},
		{Silent, "", 25, "421 again", 3},
		{Silent, "", 26, "421 again", 0},
		{Permanent, "550 no", 27, "550 no", 5},
		{Silent, "", 99, "550 no", 0},
	} {
		now := noon.Add(tt.hours * time.Hour)
		s.Greeted(tt.class, tt.said, netip.AddrPort{}, now)
		st := s.Status(now)
		if st.Refusal.Text != tt.want || st.Trouble(now)/1_000_000 != tt.trouble {
			t.Errorf("after %d h: got %+v, trouble %d; want %q and %d", tt.hours, st.Refusal, st.Trouble(now), tt.want, tt.trouble)
		}
	}
}

// TestRefusalsAreToldSparingly: one a minute, with how many were not.
func TestRefusalsAreToldSparingly(t *testing.T) {
	s := &Source{}
	for i, tt := range []struct {
		after  time.Duration
		class  Class
		untold uint64
		tell   bool
	}{
		{0, Positive, 0, false},
		{1 * time.Second, Permanent, 0, true},
		{2 * time.Second, Permanent, 0, false},
		{59 * time.Second, Transient, 0, false},
		{60 * time.Second, Silent, 0, false},
		{61 * time.Second, Transient, 2, true},
		{500 * time.Second, Permanent, 0, true},
	} {
		untold, tell := s.Greeted(tt.class, "", netip.AddrPort{}, noon.Add(tt.after))
		if untold != tt.untold || tell != tt.tell {
			t.Errorf("%d: got %d, %v; want %d, %v", i, untold, tell, tt.untold, tt.tell)
		}
	}
	if _, tell := (*Source)(nil).Greeted(Permanent, "554 no", netip.AddrPort{}, noon); tell {
		t.Error("got nobody's refusal told")
	}
}

// TestGreetingsAreNotLost with a source that there is no room for any more.
func TestGreetingsAreNotLost(t *testing.T) {
	table := NewTable(nil)
	s := table.Enter(addr("192.0.2.1"))
	s.Greeted(Permanent, "554 no", netip.AddrPort{}, noon)
	s.Leave()
	for i := range MostOthers {
		table.Dialled(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), egress.Connected, noon)
	}
	if got := table.Elsewhere().Status(noon).Greetings[Permanent]; got != 1 {
		t.Errorf("got %d refusals elsewhere; want that of the source that is gone", got)
	}
}
