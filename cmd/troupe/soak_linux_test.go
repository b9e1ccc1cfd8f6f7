package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// soakPolicy has a hook, so that each session needs the Lua of its generation, a log
// in which each is a line, and limits short enough to be reached.
const soakPolicy = `
local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_server_request', function(request)
  if request.destination_port == 1 then return false end
end)
kumo.on('proxy_init', function()
  proxy.configure_access_log { path = %q, buffer_lines = 1000000 }
  proxy.start_proxy_listener { listen = '127.0.0.1:0', timeout = '20s', connect_timeout = '2s' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
  -- %s
end)
`

// soakGrowth is by how much the memory of the whole process may be more at one time
// than at another: what is in use at most doubles before garbage is collected.
const soakGrowth = 1.25

// TestSoak carries sessions of every kind at once for as long as $TROUPE_SOAK says,
// 2,000 of them, while one thing after the other goes wrong: policies come, good and
// bad ones, descriptors run out, acceptors are restarted, the process stands still, its
// log is taken away, and clients come who mean no good. Nobody is refused, no session is
// lost, each byte and each line of the log is there, and the memory does not grow. Only
// a client who asks to be connected while there is no descriptor is told so.
func TestSoak(t *testing.T) {
	sessions, idle := 100, 300*time.Millisecond
	if os.Getenv(soakTime) != "" {
		sessions, idle = 2000, 20*time.Second
	} else {
		t.Parallel()
	}
	s := startSoak(t, sessions, idle)
	s.load.run(t, time.Second) // all that is made once is there now
	s.awaitFigure(0, "proxy_active_connections", "listener", s.socks())
	before, heap := s.footprint(), s.collected()

	var over atomic.Bool
	var load sync.WaitGroup
	lasting := soakFor(t, 4*time.Second)
	began := time.Now()
	load.Go(func() {
		s.load.run(t, lasting)
		over.Store(true)
	})
	defer load.Wait()
	resident := make([]float64, 4) // at most, in each quarter
	for n := 0; !over.Load(); n++ {
		s.fault(n)
		s.served()
		quarter := min(int(4*time.Since(began)/lasting), 3)
		resident[quarter] = max(resident[quarter], s.scrape().value("process_resident_memory_bytes"))
	}
	load.Wait()
	if t.Failed() {
		t.FailNow()
	}
	s.awaitFigure(0, "proxy_active_connections", "listener", s.socks())
	now := s.scrape()
	s.load.wantBytes(t, now)
	all := s.load.orderly.Load() + s.load.reset.Load() + s.load.short.Load() + s.others
	s.wantCounted(now, all)
	await(t, "former policies to be closed", func() bool { return s.scrape().value("lua_count") <= keptStates })
	after := before
	await(t, fmt.Sprintf("all is given back: %+v before", before), func() bool {
		after = s.footprint()
		return after.files <= before.files+4 && after.goroutines <= before.goroutines+5
	})
	left := s.collected()
	if left > heap+registryGrowth {
		t.Errorf("the heap grew from %.0f to %.0f bytes; want it where it was", heap, left)
	}
	if lasting > 10*time.Minute && resident[3] > soakGrowth*resident[1] {
		t.Errorf("at most %.0f bytes are resident in the last quarter, %.0f in the second; want no more", resident[3], resident[1])
	}
	s.endWell()
	s.wantLines(all)
	t.Logf("%v with %v: %v, %d without a descriptor; %d other clients; before %+v and %.1f MiB of heap, after %+v and %.1f MiB; resident at most, in each quarter: %.0f MB",
		lasting, s.counts, s.load, s.load.short.Load(), s.others, before, heap/(1<<20), after, left/(1<<20), megabytes(resident))
}

func megabytes(bytes []float64) (all []float64) {
	for _, n := range bytes {
		all = append(all, n/1e6)
	}
	return all
}

// soak is a daemon under load to which things are done.
type soak struct {
	*edited
	chaos  *chaos
	load   *mixed
	held   func() bool // whether accepting is held back
	log    string      // the access log
	others int64       // clients beside the load
	counts map[string]int
}

func startSoak(t *testing.T, sessions int, idle time.Duration) *soak {
	t.Helper()
	log := filepath.Join(t.TempDir(), "access.log")
	d := startPolicy(t, fmt.Sprintf(soakPolicy, log, "first edition"), "TROUPE_LOG=info,proxy_server::proxy_handler=error")
	s := &soak{edited: &edited{d, d.policy()}, log: log, counts: make(map[string]int)}
	s.chaos = &chaos{daemon: s.daemon, echo: newEcho(t)}
	s.held = s.chaos.watchStatus()
	s.load = newMixed(t, s.socks(), sessions)
	s.load.idle, s.load.shortages = idle, true
	return s
}

// served is one more client, who has to be served.
func (s *soak) served() {
	s.t.Helper()
	s.chaos.serves()
	s.others++
}

// wantCounted fails the test unless the daemon has counted that many clients, and
// how each of them ended.
func (s *soak) wantCounted(now figures, all int64) {
	s.t.Helper()
	value := func(name string) int64 { return int64(now.value(name, "listener", s.socks())) }
	accepted := value("proxy_connections_accepted_total")
	ended := value("proxy_connections_completed_total") + value("proxy_connections_failed_total") + value("proxy_connections_probed_total")
	if accepted != all || ended != all {
		s.t.Errorf("%d were accepted, %d ended; want %d", accepted, ended, all)
	}
	for reason, want := range map[string]int64{"internal": 0, "no_resources": s.load.short.Load()} {
		if n := now.value("proxy_session_failures_total", "listener", s.socks(), "reason", reason, "fault", "proxy"); int64(n) != want {
			s.t.Errorf("%v sessions failed for reason %s; want %d", n, reason, want)
		}
	}
	if n := now.value("proxy_access_log_lines_lost_total"); n != 0 {
		s.t.Errorf("%v lines of the access log were lost; want none", n)
	}
}

// wantLines fails the test unless the access log, with what was taken away of it, has
// so many lines.
func (s *soak) wantLines(all int64) {
	s.t.Helper()
	files, err := filepath.Glob(s.log + "*")
	must(s.t, err)
	var lines int64
	for _, name := range files {
		text, err := os.ReadFile(name)
		must(s.t, err)
		lines += int64(bytes.Count(text, []byte("\n")))
	}
	if lines != all {
		s.t.Errorf("the access log has %d lines; want %d", lines, all)
	}
}
