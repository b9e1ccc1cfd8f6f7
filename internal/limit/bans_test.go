package limit

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

var (
	client = Offender{Client: Client(netip.MustParseAddr("192.0.2.1"))}
	alice  = Offender{User: "alice"}
	terms  = BanTerms{Failures: 3, Within: time.Minute, For: 30 * time.Second}
)

func TestBans(t *testing.T) {
	b := NewBans()
	now := time.Unix(1_000_000, 0)
	fail := func(who Offender, want bool) {
		t.Helper()
		if got := b.Fail(who, terms, now); got != want {
			t.Errorf("a failure of %v: begins a ban: %v; want %v", who, got, want)
		}
	}
	banned := func(who Offender, want bool) {
		t.Helper()
		if got := b.Banned(who, now); got != want {
			t.Errorf("%v is banned: %v; want %v", who, got, want)
		}
	}
	fail(client, false)
	fail(client, false)
	banned(client, false)
	fail(client, true)
	banned(client, true)
	banned(alice, false)
	fail(client, false) // already
	if got := b.All(now); len(got) != 1 || got[0].Offender != client || got[0].Failures != 3 || !got[0].Until.Equal(now.Add(30*time.Second)) {
		t.Errorf("got %+v; want the one ban, for 30 s", got)
	}
	now = now.Add(30 * time.Second)
	banned(client, false)
	if got := b.All(now); len(got) != 0 {
		t.Errorf("got %+v; want none after its end", got)
	}
	fail(client, false) // from the beginning
	fail(client, false)
	now = now.Add(2 * time.Minute)
	fail(client, false) // the others are too long ago
	fail(client, false)
	fail(client, true)
	if got := b.Begun(); got != 2 {
		t.Errorf("%d bans have begun; want 2", got)
	}
}

func TestLift(t *testing.T) {
	b := NewBans()
	now := time.Unix(1_000_000, 0)
	if b.Lift(alice, now) {
		t.Error("a ban was lifted that is not there")
	}
	for range 3 {
		b.Fail(alice, terms, now)
	}
	if !b.Lift(alice, now) || b.Banned(alice, now) || b.Lift(alice, now) {
		t.Error("want the ban lifted, once")
	}
	if b.Fail(alice, terms, now) {
		t.Error("banned again after one failure; want them counted from the beginning")
	}
}

// TestBansAreBounded: of very many users that an attacker makes up, the last are
// remembered, and the clients are not forgotten over them.
func TestBansAreBounded(t *testing.T) {
	b := NewBans()
	now := time.Unix(1_000_000, 0)
	for range 3 {
		b.Fail(client, terms, now)
	}
	for i := range 3 * mostOffenders {
		b.Fail(Offender{User: fmt.Sprint(i)}, terms, now)
	}
	if got := b.users.Len(); got != mostOffenders {
		t.Errorf("%d users are remembered; want %d", got, mostOffenders)
	}
	if !b.Banned(client, now) {
		t.Error("the client's ban is forgotten; want it kept")
	}
}

func TestTakes(t *testing.T) {
	b := NewBans()
	if got := b.Takes(); got != 0 {
		t.Errorf("got %v of none; want 0", got)
	}
	for i := range 20 {
		b.Took(time.Duration(i) * time.Second)
	}
	for range 100 {
		if got := b.Takes(); got < 12*time.Second || got > 19*time.Second {
			t.Fatalf("got %v; want one of the last eight", got)
		}
	}
}

// TestBansGoOver: to another process, by what can be written down, for the time that
// is left and no longer.
func TestBansGoOver(t *testing.T) {
	old, now := NewBans(), time.Now()
	odd := Offender{User: "caf\xe9"} // a name is what the client has sent
	for range terms.Failures {
		old.Fail(client, terms, now.Add(-10*time.Second))
		old.Fail(odd, terms, now.Add(-10*time.Second))
		old.Fail(alice, terms, now.Add(-terms.For))
	}
	old.Took(time.Second)
	text, err := json.Marshal(old.Keep(now.Add(-5 * time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	var kept Kept
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	heir := NewBans()
	kept.Bans = append(kept.Bans, KeptBan{Ban: Ban{Until: now.Add(time.Hour)}}) // of nobody
	if got := heir.Restore(kept, now); got != 2 {
		t.Errorf("%d bans were restored; want those of the client and of the odd name, since the third is over", got)
	}
	all, end := heir.All(now), now.Add(terms.For-10*time.Second)
	all = slices.DeleteFunc(all, func(b Ban) bool { return b.Offender == odd })
	if !heir.Banned(odd, now) || len(all) != 1 || all[0].Offender != client || all[0].Failures != terms.Failures || !all[0].Until.Equal(end) || !all[0].Since.Equal(now.Add(-10*time.Second)) {
		t.Errorf("got %+v; want the one ban, until %v", all, end)
	}
	if !heir.Banned(client, end.Add(-1)) || heir.Banned(client, end) || heir.Banned(alice, now) {
		t.Error("want the client banned for what was left of its ban, and nobody else")
	}
	if got := heir.Takes(); got != time.Second {
		t.Errorf("an answer takes %v; want %v as before", got, time.Second)
	}
	if got := heir.Begun(); got != 0 {
		t.Errorf("%d bans have begun; want none, the other process counts them", got)
	}
}

func TestOffenderText(t *testing.T) {
	for want, who := range map[string]Offender{
		"192.0.2.1":       client,
		"2001:db8:1::/64": {Client: Client(netip.MustParseAddr("2001:db8:1::7"))},
		"alice":           alice,
	} {
		if got := who.String(); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}
