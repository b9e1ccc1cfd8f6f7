package main

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// many is how many sources the host of these tests has.
const many = 400

// sourceOf is one of them by its number.
func sourceOf(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 78, byte(i / 200), byte(1 + i%200)})
}

// ipBatch has ip(8) carry lines out.
func ipBatch(t *testing.T, lines ...string) {
	t.Helper()
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip: %v: %s", err, out)
	}
}

func address(verb string, a netip.Addr) string {
	return "address " + verb + " " + a.String() + "/32 dev lo"
}

// farm is a daemon with many sources, whose state outlives it.
type farm struct {
	*story
	state string
}

func startFarm(t *testing.T) *farm {
	t.Helper()
	s := &story{t: t, other: plugIn(t), path: filepath.Join(t.TempDir(), "policy.lua")}
	var names, lines []string
	for i := range many {
		names = append(names, "'"+sourceOf(i).String()+"'")
		lines = append(lines, address("add", sourceOf(i)))
	}
	ipBatch(t, lines...)
	s.write("allow_sources = { " + strings.Join(names, ", ") + " }, deny_destinations = { '" + neighbour + ":26' }")
	f := &farm{s, t.TempDir()}
	f.up()
	return f
}

// up starts the daemon, anew if it was there before.
func (f *farm) up() {
	f.t.Helper()
	f.daemon = start(f.t, []string{"--proxy-config", f.path, "--state-dir", f.state})
}

// bind is what a BIND of a source is answered.
func (f *farm) bind(a netip.Addr) byte {
	f.t.Helper()
	code, _ := f.bindThen(a, nil)
	return code
}

// bindThen sends a CONNECT after the BIND, if there is one to be sent.
func (f *farm) bindThen(a netip.Addr, to []byte) (bound, connected byte) {
	f.t.Helper()
	c, err := f.other.dial(f.t, neighbour, f.socks())
	must(f.t, err)
	defer c.Close()
	exchange(f.t, c, "greeting", []byte(greeting), []byte(accepted))
	ask := func(command byte, address []byte) byte {
		_, err := c.Write(append([]byte{5, command, 0}, address...))
		must(f.t, err)
		reply := make([]byte, 10)
		if _, err := io.ReadFull(c, reply); err != nil {
			f.t.Fatalf("command %d: %v", command, err)
		}
		return reply[1]
	}
	if bound = ask(2, wireAddress(netip.AddrPortFrom(a, 0))); bound == 0 && to != nil {
		connected = ask(1, to)
	}
	return bound, connected
}

// listed is a source as the API has it.
type listed struct {
	Address, Plumbed, State, Reason string
}

func (f *farm) list(query string) (all []listed, total int) {
	f.t.Helper()
	var answer struct {
		Sources []listed
		Total   int
	}
	f.control("GET", "sources?limit=1000"+query, "", 200, &answer)
	return answer.Sources, answer.Total
}

// plumbed is what API and metrics say of a source, if they are of one mind.
func (f *farm) plumbed(a netip.Addr) string {
	f.t.Helper()
	all, _ := f.list("&source=" + a.String())
	if len(all) != 1 {
		f.t.Fatalf("got %v; want the one source", all)
	}
	figure := f.scrape().value("proxy_source_plumbed", "source", a.String())
	if want := map[string]float64{"yes": 1, "no": 0}[all[0].Plumbed]; figure != want {
		return fmt.Sprintf("%s, and %v in the metrics", all[0].Plumbed, figure)
	}
	return all[0].Plumbed
}

func (f *farm) awaitPlumbed(a netip.Addr, want string) {
	f.t.Helper()
	await(f.t, a.String()+" to be plumbed: "+want, func() bool { return f.plumbed(a) == want })
}

// TestSourceIsRemoved: of four hundred addresses one is taken away and given back,
// and another comes and goes all the time.
func TestSourceIsRemoved(t *testing.T) {
	t.Parallel()
	if !onNetwork(t) {
		return
	}
	f := startFarm(t)
	if all, total := f.list("&plumbed=yes"); total != many || len(all) != many {
		t.Fatalf("got %d plumbed; want %d", total, many)
	}
	gone, other := sourceOf(123), sourceOf(124)
	ipBatch(t, address("del", gone))
	f.awaitPlumbed(gone, "no")
	if first, _ := f.list(""); first[0].Address != gone.String() {
		t.Errorf("got %s first; want the one that is gone", first[0].Address)
	}
	if got := f.bind(gone); got != 1 {
		t.Errorf("BIND of what is gone is answered %d; want 1", got)
	}
	if got := f.bind(other); got != 0 {
		t.Errorf("BIND of another is answered %d; want 0", got)
	}
	ipBatch(t, address("add", gone))
	f.awaitPlumbed(gone, "yes")
	if got := f.bind(gone); got != 0 {
		t.Errorf("BIND of what is back is answered %d; want 0", got)
	}
	f.flap(gone, other)
}

// flap has an address come and go 300 times, a hundred times a second or so.
func (f *farm) flap(flapping, other netip.Addr) {
	f.t.Helper()
	done := make(chan error, 1)
	go flapAddress(flapping, done)
	for ended := false; !ended; {
		select {
		case err := <-done:
			must(f.t, err)
			ended = true
		default:
			if got := f.bind(other); got != 0 {
				f.t.Fatalf("BIND of another is answered %d while one comes and goes; want 0", got)
			}
		}
	}
	f.awaitPlumbed(flapping, "yes")
	if got := f.bind(flapping); got != 0 {
		f.t.Errorf("BIND of what has come and gone is answered %d; want 0", got)
	}
}

func flapAddress(a netip.Addr, done chan<- error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 100 {
		for _, verb := range []string{"del", "add"} {
			<-tick.C
			if out, err := exec.Command("ip", strings.Fields(address(verb, a))...).CombinedOutput(); err != nil {
				done <- fmt.Errorf("ip: %w: %s", err, out)
				return
			}
		}
	}
	done <- nil
}

// troupe runs a command against the daemon.
func (d *daemon) troupe(args ...string) string {
	d.t.Helper()
	cmd := exec.Command("troupe", append(args, "--endpoint", "http://"+d.http())...)
	cmd.Env = append(os.Environ(), quickExit)
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("troupe %v: %v: %s", args, err, out)
	}
	return string(out)
}

// TestSourceIsPaused by command, until it is resumed: a reload and a restart change
// nothing about it.
func TestSourceIsPaused(t *testing.T) {
	t.Parallel()
	if !onNetwork(t) {
		return
	}
	f := startFarm(t)
	one, other := sourceOf(7), sourceOf(250)
	want := func(when string, code byte) {
		t.Helper()
		if got := f.bind(one); got != code {
			t.Errorf("%s: BIND is answered %d; want %d", when, got, code)
		}
		if got := f.bind(other); got != 0 {
			t.Errorf("%s: BIND of another is answered %d; want 0", when, got)
		}
	}
	want("before", 0)
	if said := f.troupe("source", "pause", one.String(), "--for", "2h", "--reason", "listed there"); !strings.Contains(said, "paused until") || strings.Contains(said, "next start") {
		t.Errorf("troupe said %q", said)
	}
	want("paused", 1)
	if table := f.troupe("sources"); !strings.HasPrefix(strings.Split(table, "\n")[1], one.String()+" ") || !strings.Contains(table, "listed there") {
		t.Errorf("got %.300s; want the paused one first, and why", table)
	}
	before := f.scrape().value("policy_reload_total", "result", "unchanged")
	f.signal(syscall.SIGHUP)
	f.awaitFigure(before+1, "policy_reload_total", "result", "unchanged")
	want("reloaded", 1)
	if code := f.end(syscall.SIGTERM); code != 0 {
		t.Fatalf("ended with %d", code)
	}
	f.up()
	want("restarted", 1)
	if got := f.scrape().value("proxy_source_paused", "source", one.String()); got != 1 {
		t.Errorf("proxy_source_paused is %v; want 1", got)
	}
	f.troupe("source", "resume", one.String())
	want("resumed", 0)
	f.troupe("source", "drain", "10.78.0.0/24")
	want("drained, with its network", 1)
	f.end(syscall.SIGTERM)
	f.up()
	want("restarted", 1)
}

// TestBindFailsForNothingElse: the destination may be denied, and BIND knows nothing
// of it.
func TestBindFailsForNothingElse(t *testing.T) {
	t.Parallel()
	if !onNetwork(t) {
		return
	}
	f := startFarm(t)
	bound, connected := f.bindThen(sourceOf(1), wireAddress(netip.MustParseAddrPort(neighbour+":26")))
	if bound != 0 || connected != 2 {
		t.Errorf("a denied destination: BIND is answered %d, CONNECT %d; want 0 and 2", bound, connected)
	}
	f.write("allow_sources = { '10.78.0.0/16' }, no_such_key = 1")
	before := f.scrape().value("policy_reload_total", "result", "failed")
	f.signal(syscall.SIGHUP)
	f.awaitFigure(before+1, "policy_reload_total", "result", "failed")
	if got := f.bind(sourceOf(2)); got != 0 {
		t.Errorf("a reload that failed: BIND is answered %d; want 0", got)
	}
	if got := f.bind(netip.MustParseAddr("10.79.0.1")); got != 2 {
		t.Errorf("BIND of a source that is not allowed is answered %d; want 2", got)
	}
}

// TestPauseThatCannotBeKept: it holds all the same, and who asked for it is told.
func TestPauseThatCannotBeKept(t *testing.T) {
	t.Parallel()
	if !onNetwork(t) {
		return
	}
	f := startFarm(t)
	must(t, os.RemoveAll(f.state))
	one := sourceOf(3)
	if said := f.troupe("source", "pause", one.String()); !strings.Contains(said, "it holds until the next start only") {
		t.Errorf("troupe said %q; want that it is not kept", said)
	}
	if got := f.bind(one); got != 1 {
		t.Errorf("BIND is answered %d; want 1", got)
	}
	await(t, "the log to say so", func() bool { return f.log.contains("what was decided about sources is not kept") })
	must(t, os.Mkdir(f.state, 0o700))
	if said := f.troupe("source", "drain", sourceOf(4).String()); strings.Contains(said, "next start") {
		t.Errorf("troupe said %q; want both kept, now that it can be", said)
	}
	f.end(syscall.SIGTERM)
	f.up()
	if first, second := f.bind(one), f.bind(sourceOf(4)); first != 1 || second != 1 {
		t.Errorf("restarted: BIND is answered %d and %d; want 1", first, second)
	}
}
