package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// fault does the nth thing to the daemon.
func (s *soak) fault(n int) {
	s.t.Helper()
	faults := []struct {
		name string
		do   func(n int)
	}{
		{"reloads", s.reloads},
		{"shortages", s.runsOut},
		{"bad clients", s.badClients},
		{"restarts", s.restarts},
		{"standstills", s.standsStill},
		{"logs taken", s.takesLog},
		{"looks", s.looks},
	}
	f := faults[n%len(faults)]
	f.do(n)
	s.counts[f.name]++
}

// reloads gives it another policy, then one that is none.
func (s *soak) reloads(n int) {
	s.t.Helper()
	s.reload(fmt.Sprintf(soakPolicy, s.log, fmt.Sprintf("edition %d", n)), "ok")
	s.reload("nonsense", "failed")
	// What a later look takes for the policy has to be one.
	must(s.t, os.WriteFile(s.path, fmt.Appendf(nil, soakPolicy, s.log, fmt.Sprintf("edition %d", n)), 0o600))
}

// runsOut takes all descriptors away until a client has to wait.
func (s *soak) runsOut(int) {
	s.t.Helper()
	enough := s.chaos.limit(s.chaos.firstFree())
	conn := dial(s.t, s.socks())
	_, err := conn.Write([]byte{5, 1, 0})
	must(s.t, err)
	for tries := 0; !s.held() && tries < 20; tries++ {
		<-time.After(10 * time.Millisecond) // a session that ends may give back what is needed
	}
	s.chaos.limit(enough)
	exchange(s.t, conn, "greeting", nil, []byte{5, 0})
	must(s.t, conn.Close())
	s.others++
}

// badClients are a few of each kind that is of no use to anyone.
func (s *soak) badClients(int) {
	s.t.Helper()
	nobody := wireAddress(netip.MustParseAddrPort(freeAddress(s.t)))
	for range 5 {
		for _, said := range [][]byte{
			nil,                                // leaves after the greeting
			{9, 9, 9, 9, 9, 9, 9},              // no request
			{5, 1, 0, 3, 255, 'a'},             // half a request
			append([]byte{5, 1, 0}, nobody...), // where nobody listens
			{5, 1, 0, 1, 127, 0, 0, 1, 0, 1},   // where the policy lets nobody go
		} {
			c := dial(s.t, s.socks())
			exchange(s.t, c, "greeting", []byte{5, 1, 0}, []byte{5, 0})
			_, err := c.Write(said)
			must(s.t, err)
			if len(said) == 10 {
				exchange(s.t, c, "refusal", nil, []byte{5})
			}
			must(s.t, c.(*net.TCPConn).SetLinger(0))
			must(s.t, c.Close()) // by a reset
			s.others++
		}
	}
}

// restarts has the acceptor fail, as far as its parent can tell.
func (s *soak) restarts(int) {
	s.t.Helper()
	s.control("POST", "restart", fmt.Sprintf(`{"path":"supervisor/listener-%s/acceptor"}`, s.socks()), 200, nil)
}

// standsStill stops the process for half a second.
func (s *soak) standsStill(int) {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	<-time.After(500 * time.Millisecond)
	s.signal(syscall.SIGCONT)
}

// takesLog moves the access log away, as logrotate does.
func (s *soak) takesLog(n int) {
	s.t.Helper()
	must(s.t, os.Rename(s.log, fmt.Sprintf("%s.%d", s.log, n)))
	s.signal(syscall.SIGUSR1)
	await(s.t, "a new access log", func() bool {
		_, err := os.Stat(s.log)
		return err == nil
	})
}

// looks asks for all that an operator can see.
func (s *soak) looks(int) {
	s.t.Helper()
	for _, what := range []string{"tree", "sessions", "sources", "destinations", "bans"} {
		s.control("GET", what, "", 200, nil)
	}
	s.scrapeJSON()
}
