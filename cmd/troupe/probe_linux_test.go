package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Of the sources of these tests, one that no host has (RFC 5737) and one that the
// receiver does not talk to.
const (
	nobodys   = "192.0.2.77"
	unwelcome = "127.0.0.19"
)

// greeter is a mail server that greets every source but the one turned away.
func greeter(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { greet(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

func greet(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	greeting := "220 mx.test ESMTP greets " + host
	if host == unwelcome {
		greeting = "554 5.7.1 blocked using lists.test"
	}
	fmt.Fprintf(c, "%s\r\n", greeting)
	if line, _ := bufio.NewReader(c).ReadString('\n'); line == "QUIT\r\n" {
		_, _ = io.WriteString(c, "221 bye\r\n")
	}
}

// probed runs troupe probe against a daemon.
func (d *daemon) probed(args ...string) (code int, stdout, stderr string) {
	d.t.Helper()
	cmd := exec.Command("troupe", append([]string{"probe", "--endpoint", "http://" + d.http()}, args...)...)
	cmd.Env = append(os.Environ(), quickExit)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); !ended {
			d.t.Fatal(err)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), complaint.String()
}

// TestProbe: of twenty sources one is not plumbed and one refused. Both are named,
// and the figures of the proxy know nothing of it.
func TestProbe(t *testing.T) {
	t.Parallel()
	names := []string{"'" + nobodys + "'"}
	for i := range 19 {
		names = append(names, fmt.Sprintf("'127.0.0.%d'", 1+i))
	}
	d := startPolicy(t, strings.Replace(onePolicy, "start_proxy_listener { ", "start_proxy_listener { allow_sources = { "+strings.Join(names, ", ")+" }, ", 1))
	to := greeter(t)
	code, table, said := d.probed("--source", "all", "--to", to)
	want := "Error: 2 of 20 sources failed: " + unwelcome + " (refused), " + nobodys + " (unplumbed)\n"
	if code != 1 || said != want || strings.Count(table, "\n") != 22 {
		t.Fatalf("got exit code %d, %q and\n%s\nwant 1, %q and 22 lines", code, said, table, want)
	}
	for _, line := range []string{"220 mx.test ESMTP greets 127.0.0.2\n", "refused: 554 5.7.1 blocked using lists.test\n", "it is no address of this host\n"} {
		if !strings.Contains(table, line) {
			t.Errorf("got\n%s\nwant a line that ends in %q", table, line)
		}
	}
	if got := d.scrape().value("proxy_source_dials_total", "source", "127.0.0.2", "result", "connected"); got != 0 {
		t.Errorf("%v dials are counted; want none", got)
	}
	if code, table, said = d.probed("--source", "127.0.0.2", "--source", "127.0.0.3", "--to", to); code != 0 || said != "" {
		t.Errorf("two that are well: got exit code %d, %q and\n%s\nwant 0", code, said, table)
	}
	if code, _, said = d.probed("--source", "127.0.0.2", "--to", "127.0.0.1"); code != 1 || !strings.Contains(said, "to: expected a host and a port") {
		t.Errorf("without a port: got exit code %d, %q; want 1 and why", code, said)
	}
}

// TestProbeSeen: the page sees the source, and one that is held back is tried, too.
func TestProbeSeen(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		io.WriteString(w, host+"\n")
	}))
	defer page.Close()
	to := greeter(t)
	if code, _, said := d.probed("--source", "all", "--to", to); code != 1 || !strings.Contains(said, "name them") {
		t.Errorf("a policy that names no source: got exit code %d, %q; want 1 and why", code, said)
	}
	d.control("POST", "sources/pause", `{"source":"127.0.0.3"}`, 200, nil)
	code, text, said := d.probed("--source", "127.0.0.3", "--to", to, "--echo", page.URL, "--json")
	var got struct {
		Sources []struct{ State, Seen, Banner, Route, Failure string }
	}
	must(t, json.Unmarshal([]byte(text), &got))
	if code != 0 || len(got.Sources) != 1 {
		t.Fatalf("got exit code %d, %s%s; want 0 and one", code, text, said)
	}
	if s := got.Sources[0]; s.State != "paused" || s.Seen != "127.0.0.3" || s.Route != "yes" || s.Failure != "" || s.Banner != "220 mx.test ESMTP greets 127.0.0.3" {
		t.Errorf("got %+v; want all of it", s)
	}
}
