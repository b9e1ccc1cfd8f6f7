package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// chaos is a daemon to which something bad is done, and sessions that it must not
// concern.
type chaos struct {
	*daemon
	echo   *echo
	before footprint
	others *held
}

// startChaos starts the daemon and bystanders, who carry bytes all the while.
func startChaos(t *testing.T, policy string) *chaos {
	t.Helper()
	return chaosOf(t, startPolicy(t, policy))
}

// chaosOf is startChaos with a daemon that runs already.
func chaosOf(t *testing.T, d *daemon) *chaos {
	t.Helper()
	c := &chaos{daemon: d, echo: newEcho(t)}
	warm, _ := connect(t, c.socks(), c.echo.address)
	exchange(t, warm, "echo", []byte("hello"), []byte("hello"))
	must(t, warm.Close())
	await(t, "the first session to end", func() bool { return c.active() == 0 })
	c.before = c.footprint()
	c.others = holdSessions(t, c.socks(), c.echo, 20)
	return c
}

func (c *chaos) active() float64 {
	return c.scrape().value("proxy_active_connections", "listener", c.socks())
}

// serves fails the test where a new client is not.
func (c *chaos) serves() {
	c.t.Helper()
	conn, _ := connect(c.t, c.socks(), c.echo.address)
	exchange(c.t, conn, "echo", []byte("hello"), []byte("hello"))
	must(c.t, conn.Close())
}

// over is the end: nobody else came to harm, each client was counted once, and
// nothing is left.
func (c *chaos) over() {
	c.t.Helper()
	c.serves()
	c.others.end(c.t)
	await(c.t, "every session to end", func() bool { return c.active() == 0 })
	now := c.scrape()
	value := func(name string) float64 { return now.value(name, "listener", c.socks()) }
	accepted := value("proxy_connections_accepted_total")
	ended := value("proxy_connections_completed_total") + value("proxy_connections_failed_total") + value("proxy_connections_probed_total")
	if accepted != ended {
		c.t.Errorf("%v were accepted and %v ended; want as many", accepted, ended)
	}
	if n := now.value("proxy_session_failures_total", "listener", c.socks(), "reason", "internal", "fault", "proxy"); n != 0 {
		c.t.Errorf("%v sessions failed by our own fault; want none", n)
	}
	after := c.before
	await(c.t, fmt.Sprintf("all is given back: %+v before", c.before), func() bool {
		after = c.footprint()
		return after.files <= c.before.files+4 && after.goroutines <= c.before.goroutines+5
	})
	c.endWell()
}

// lines is how many lines of the log have the text.
func (c *chaos) lines(text string) (n int) {
	for _, line := range c.log.all() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// firstFree is the lowest descriptor that the daemon does not have.
func (c *chaos) firstFree() uint64 {
	c.t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.cmd.Process.Pid))
	must(c.t, err)
	open := make(map[int]bool)
	for _, f := range files {
		n, _ := strconv.Atoi(f.Name())
		open[n] = true
	}
	for n := 0; ; n++ {
		if !open[n] {
			return uint64(n)
		}
	}
}

// limit sets how many descriptors the daemon may have.
func (c *chaos) limit(n uint64) (was uint64) {
	c.t.Helper()
	var old unix.Rlimit
	must(c.t, unix.Prlimit(c.cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &old))
	must(c.t, unix.Prlimit(c.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: old.Max}, nil))
	return old.Cur
}

// fullChaos has the tests take as long as the claims they are about; see docs/reliability.md.
const fullChaos = "TROUPE_CHAOS"

// TestDescriptorsRunOut: again and again there is no descriptor for the next client.
// An accept loop that ends over that, as many do, would leave the port open with
// nobody behind it.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	episodes := 30
	if os.Getenv(fullChaos) != "" {
		episodes = 1000
	}
	c := startChaos(t, onePolicy)
	held := c.watchStatus()
	began := time.Now()
	missed := 0
	for done := 0; done < episodes && missed <= episodes; {
		if c.episode(held) {
			done++
		} else {
			missed++
		}
	}
	if missed > episodes {
		t.Errorf("%d clients were taken all the same; want them to wait", missed)
	}
	lines, minutes := c.lines("accepting is held back"), int(time.Since(began)/time.Minute)+1
	if lines == 0 || lines > minutes {
		t.Errorf("in %d minutes %d lines say that accepting is held back; want one a minute", minutes, lines)
	}
	t.Logf("%d episodes in %v, %d lines; %d times something else gave a descriptor back", episodes, time.Since(began), lines, missed)
	c.over()
}

// episode has no descriptor left for a client until accepting is held back, or until
// the client is taken, since something gave a descriptor back late: then it is none.
func (c *chaos) episode(held func() bool) (shortage bool) {
	c.t.Helper()
	enough := c.limit(c.firstFree())
	conn := dial(c.t, c.socks()) // it waits in the queue, and is not refused
	defer conn.Close()
	_, err := conn.Write([]byte{5, 1, 0})
	must(c.t, err)
	answers := make(chan error, 1)
	answer := make([]byte, 2)
	go func() {
		_, err := io.ReadFull(conn, answer)
		answers <- err
	}()
	await(c.t, "accepting to be held back", func() bool {
		shortage = held()
		return shortage || len(answers) > 0
	})
	c.limit(enough)
	if err := <-answers; err != nil || answer[1] != 0 {
		c.t.Fatalf("a client that waited was answered % x, error %v; want to be let in", answer, err)
	}
	return shortage
}

// watchStatus asks whether the daemon says that a listener does not accept, over a
// connection that it has already.
func (c *chaos) watchStatus() (held func() bool) {
	transport := &http.Transport{}
	c.t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Timeout: patience, Transport: transport}
	held = func() bool {
		resp, err := client.Get("http://" + c.http() + "/proxy/status")
		must(c.t, err)
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		must(c.t, err)
		return resp.StatusCode == http.StatusServiceUnavailable
	}
	if held() {
		c.t.Fatal("the daemon does not accept from the start")
	}
	return held
}

// TestNoDescriptorsForLong: who has waited for 2 s is taken with the descriptor
// that is kept for that and closed, so that it can go elsewhere; and the status
// says so afterwards, when it can be asked.
func TestNoDescriptorsForLong(t *testing.T) {
	t.Parallel()
	c := startChaos(t, onePolicy)
	enough := c.limit(c.firstFree())
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() { wantClosed(t, c.socks()) })
	}
	waiting.Wait()
	c.limit(enough)
	c.awaitFigure(20, "proxy_session_failures_total", "listener", c.socks(), "reason", "no_resources", "fault", "proxy")
	c.over()
}

// wantClosed is a client that is let in and closed without a word.
func wantClosed(t *testing.T, proxy string) {
	c, err := net.Dial("tcp", proxy)
	if err != nil {
		t.Errorf("a client was refused: %v", err)
		return
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	if n, err := c.Read(make([]byte, 1)); n > 0 || os.IsTimeout(err) {
		t.Errorf("got %d bytes, %v; want to be closed", n, err)
	}
}

// TestClientsThatReset: thousands who connect and reset at once, before they are
// accepted or after.
func TestClientsThatReset(t *testing.T) {
	t.Parallel()
	c := startChaos(t, onePolicy)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 300 {
				conn, err := net.Dial("tcp", c.socks())
				if err != nil {
					t.Errorf("a client was refused: %v", err)
					return
				}
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close() // by a reset
			}
		})
	}
	workers.Wait()
	c.over()
}

// TestStoppedForAWhile: the process stands still, as with a host that is moved, and
// goes on: nobody is the worse for it.
func TestStoppedForAWhile(t *testing.T) {
	t.Parallel()
	c := startChaos(t, onePolicy)
	c.signal(syscall.SIGSTOP)
	var waiting []net.Conn
	for range 50 {
		conn := dial(t, c.socks())
		_, err := conn.Write([]byte{5, 1, 0})
		must(t, err)
		waiting = append(waiting, conn)
	}
	<-time.After(3 * time.Second)
	c.signal(syscall.SIGCONT)
	for _, conn := range waiting {
		exchange(t, conn, "greeting", nil, []byte{5, 0})
		must(t, conn.Close())
	}
	c.over()
}

// misbehaving is an upstream that does something to each connection.
func misbehaving(t *testing.T, do func(*net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				do(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // its only purpose is to end the loop
		all.Wait()
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// TestUpstreamsThatMisbehave: what an upstream does to its sessions it does to no
// other.
func TestUpstreamsThatMisbehave(t *testing.T) {
	read := func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 100)) }
	reset := func(c *net.TCPConn) { _ = c.SetLinger(0) }
	for name, do := range map[string]func(*net.TCPConn){
		"never answers":       func(c *net.TCPConn) { read(c); read(c) },
		"resets at once":      reset,
		"resets its client":   func(c *net.TCPConn) { read(c); reset(c) },
		"resets what it says": func(c *net.TCPConn) { _, _ = c.Write([]byte("220 mx\r\n")); read(c); reset(c) },
		"ends at once":        func(*net.TCPConn) {},
		"ends one way":        func(c *net.TCPConn) { _ = c.CloseWrite(); read(c); read(c) },
		"floods":              func(c *net.TCPConn) { flood(c) },
		"a byte at a time": func(c *net.TCPConn) {
			for range 10 {
				_, _ = c.Write([]byte("2"))
				<-time.After(time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startChaos(t, onePolicy)
			upstream := misbehaving(t, do)
			var sessions []net.Conn
			for range 100 {
				s := dial(t, c.socks())
				exchange(t, s, "greeting", []byte{5, 1, 0}, []byte{5, 0})
				// One that resets at once may do so before it counts as connected.
				exchange(t, s, "CONNECT", append([]byte{5, 1, 0}, wireAddress(upstream)...), []byte{5})
				_, _ = s.Write([]byte("EHLO\r\n"))
				sessions = append(sessions, s)
			}
			for _, s := range sessions {
				must(t, s.Close())
			}
			c.over()
		})
	}
}

// flood writes until nobody takes any more.
func flood(c *net.TCPConn) {
	_ = c.SetDeadline(time.Now().Add(patience))
	for p := make([]byte, 64<<10); ; {
		if _, err := c.Write(p); err != nil {
			return
		}
	}
}
