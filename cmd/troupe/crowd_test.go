package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A crowd is clients of a process of their own. In the process of the test they would
// keep those whose round trips it measures waiting for a processor, which would say
// nothing of the proxy.

// crowd is such a process.
type crowd struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   io.Reader
	says  *bufio.Scanner
	words *strings.Builder // on stderr
}

// startCrowd sends n clients to the proxy, who do what their kind does, those who do
// it again and again at that pace. They have what others leave of the processors: those
// of other hosts would take none here.
func startCrowd(t *testing.T, kind, proxy string, n int, pace time.Duration) *crowd {
	t.Helper()
	cmd := exec.Command("nice", "-n", "19", "crowd", kind, proxy, strconv.Itoa(n), pace.String())
	cmd.SysProcAttr = diesWithParent()
	out, err := cmd.StdoutPipe()
	must(t, err)
	c := &crowd{t: t, cmd: cmd, out: out, says: bufio.NewScanner(out), words: &strings.Builder{}}
	cmd.Stderr = c.words
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	return c
}

// hear waits for what the crowd says next.
func (c *crowd) hear(what any, within time.Duration) {
	c.t.Helper()
	if pipe, ok := c.out.(interface{ SetReadDeadline(time.Time) error }); ok {
		must(c.t, pipe.SetReadDeadline(time.Now().Add(within)))
	}
	if !c.says.Scan() {
		_ = c.cmd.Process.Kill() // it may have ended
		_ = c.cmd.Wait()         // stderr is complete then
		c.t.Fatalf("the crowd said no more: %v, %v, %s", c.says.Err(), c.cmd.ProcessState, c.words)
	}
	must(c.t, json.Unmarshal(c.says.Bytes(), what))
}

// crowdMain is the program of that process: crowd KIND PROXY NUMBER PACE.
func crowdMain() {
	if err := runCrowd(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // nothing was deferred
	}
}

func runCrowd(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("got %q; want a kind, an address, a number and a pace", args)
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	pace, err := time.ParseDuration(args[3])
	if err != nil {
		return err
	}
	switch args[0] {
	case "storm":
		return comeAtOnce(args[1], n)
	case "loris":
		return comeToStay(args[1], n, pace)
	}
	return fmt.Errorf("got a crowd of %q; want storm or loris", args[0])
}

// answers is after what time those of a storm heard that they are not served.
type answers struct{ Median, Most time.Duration }

// comeAtOnce has so many clients connect as fast as they can, and tells their answers.
func comeAtOnce(proxy string, n int) error {
	took := make([]time.Duration, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	// More at once would say how this machine shares its processors among so many
	// goroutines, and of the proxy nothing.
	const atOnce = 64
	for first := range atOnce {
		all.Go(func() {
			for i := first; i < n; i += atOnce {
				took[i], errs[i] = turnedAway(proxy)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answers{percentile(took, 50), slices.Max(took)})
}

func percentile(all []time.Duration, n int) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)*n/100, len(sorted)-1)]
}

// turnedAway connects and waits for the end of the stream.
func turnedAway(proxy string) (time.Duration, error) {
	began := time.Now()
	c, err := net.Dial("tcp", proxy)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(began.Add(30 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("turned away with %w; want the end of the stream", cmp.Or(err, errServed))
	}
	return time.Since(began), nil
}

var errServed = errors.New("a byte")

// lorisMethods is how many bytes a greeting has that announces as many methods as it
// can.
const lorisMethods = 255

// comeToStay opens the connections, says how many, and has each send a byte of its
// greeting again and again, until it is cut; then it says how many were.
func comeToStay(proxy string, n int, pace time.Duration) error {
	clients := make([]net.Conn, n)
	for i := range clients {
		c, err := net.Dial("tcp", proxy)
		if err != nil {
			return err
		}
		clients[i] = c
		if _, err := c.Write([]byte{5, lorisMethods}); err != nil {
			return err
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(n); err != nil {
		return err
	}
	round := time.NewTicker(pace)
	defer round.Stop()
	for len(clients) > 0 {
		<-round.C
		var err error
		if clients, err = trickle(clients); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(n)
}

// trickle has each client send a byte and returns those who are not cut.
func trickle(clients []net.Conn) (left []net.Conn, err error) {
	for _, c := range clients {
		switch _, err := c.Write([]byte{2}); {
		case err == nil:
			left = append(left, c)
		case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
			_ = c.Close() // it is over
		default:
			return nil, err
		}
	}
	return left, nil
}
