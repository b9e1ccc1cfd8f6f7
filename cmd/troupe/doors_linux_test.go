package main

import (
	"io"
	"syscall"
	"testing"
)

// TestActivationDrain: a daemon that drains goes on taking clients on the socket that
// the manager keeps, for as long as a session from before waits for its upstream; then
// it ends, and who comes after that is served by the next process.
func TestActivationDrain(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"auto", "goroutines"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			m, echo, server := &manager{t: t}, newEcho(t), newPatientServer(t)
			socks := m.bind("tcp", "127.0.0.1:0", "socks")
			policy := policyOf("listen = '" + socks + "'")
			first := m.start(policy, "--drain-timeout=5m", "--transport", transport)
			waits := first.greeted(server)
			_, err := waits.Write([]byte(".\r\n"))
			must(t, err)
			upstream := <-server.said

			first.stopped = true
			first.signal(syscall.SIGTERM)
			await(t, "the drain", func() bool { return first.log.contains("clients are taken until the sessions from before have ended") })
			for range 20 {
				first.session(echo.address)
			}
			idle, _ := connect(t, socks, echo.address)
			exchange(t, idle, "echo", []byte("hello"), []byte("hello"))
			if _, err := io.Copy(io.Discard, idle); err == nil {
				t.Error("an idle session was ended in good order; want a reset")
			}
			first.session(echo.address)

			_, err = upstream.Write([]byte("250 queued\r\n"))
			must(t, err)
			exchange(t, waits, "the answer to DATA", nil, []byte("250 queued\r\n"))
			must(t, waits.Close())
			must(t, upstream.Close())
			if !first.awaitExit(patience) {
				t.Fatalf("still running; it said:\n%s", first.log.text())
			}
			if code := first.cmd.ProcessState.ExitCode(); code != exitOK {
				t.Errorf("got exit code %d; want %d", code, exitOK)
			}
			late := dial(t, socks)
			_, err = late.Write([]byte(greeting))
			must(t, err)
			second := m.start(policy)
			exchange(t, late, "the greeting's answer", nil, []byte(accepted))
			must(t, late.Close())
			second.endWell()
		})
	}
}
