//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// accessLine is a line of the access log.
type accessLine struct {
	Time, Listener, ID, Client             string
	User, Certificate, Source, Destination *string
	Name, Reason, Fault, End               *string
	Reply                                  *int
	WaitingFor                             *string  `json:"waiting_for"`
	Up                                     uint64   `json:"bytes_up"`
	Down                                   uint64   `json:"bytes_down"`
	Auth                                   *float64 `json:"auth_ms"`
	Connect                                *float64 `json:"connect_ms"`
	FirstByte                              *float64 `json:"first_byte_ms"`
	Total                                  float64  `json:"total_ms"`
	Group, Banner, Refusal                 *string
}

// text is a value of a line, "null" if there is none.
func text(p *string) string {
	if p == nil {
		return "null"
	}
	return *p
}

// accessLines reads a log, whose last line has to be whole.
func accessLines(t *testing.T, path string) (all []accessLine) {
	t.Helper()
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	must(t, err)
	for line := range bytes.Lines(content) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		var one accessLine
		if err := d.Decode(&one); err != nil || !bytes.HasSuffix(line, []byte("}\n")) {
			t.Fatalf("%s: the line %q is not one: %v", path, line, err)
		}
		all = append(all, one)
	}
	return all
}

// awaitLine waits until a log has n lines, and gives the last.
func awaitLine(t *testing.T, path string, n int) accessLine {
	t.Helper()
	var all []accessLine
	await(t, fmt.Sprintf("line %d of %s", n, filepath.Base(path)), func() bool {
		all = accessLines(t, path)
		return len(all) >= n
	})
	if len(all) != n {
		t.Fatalf("%s has %d lines; want %d", path, len(all), n)
	}
	return all[n-1]
}

// logged is policyOf with an access log.
func logged(parameters string, listeners ...string) string {
	return strings.Replace(policyOf(listeners...), "kumo.on('proxy_init', function()\n",
		"kumo.on('proxy_init', function()\n  proxy.configure_access_log { "+parameters+" }\n", 1)
}

// session is a session that echoes a word, and the two ends of it as its peers
// know them: of the client, and of our source by the reply to CONNECT.
func (d *daemon) session(to netip.AddrPort) (client string, source netip.AddrPort) {
	d.t.Helper()
	c, source := connect(d.t, d.socks(), to)
	exchange(d.t, c, "echo", []byte("hello"), []byte("hello"))
	client = c.LocalAddr().String()
	must(d.t, c.Close())
	return client, source
}

// TestAccessLog: a line for each session in the file of the time, also while the
// file is renamed and the policy names another.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	dir, echo := t.TempDir(), newEcho(t)
	first, second := filepath.Join(dir, "access.log"), filepath.Join(dir, "second.log")
	e := startEdited(t, logged("path = '"+first+"'", anyPort))
	began := time.Now().Add(-time.Second)

	client, source := e.session(echo.address)
	line := awaitLine(t, first, 1)
	for key, values := range map[string][2]string{
		"listener": {line.Listener, e.socks()}, "client": {line.Client, client},
		"source": {text(line.Source), source.String()}, "destination": {text(line.Destination), echo.address.String()},
		"end": {text(line.End), "fin"}, "reason": {text(line.Reason), "null"}, "name": {text(line.Name), "null"},
		"bytes": {fmt.Sprint(line.Up, line.Down), "5 5"},
	} {
		if values[0] != values[1] {
			t.Errorf("%s is %q; want %q", key, values[0], values[1])
		}
	}
	ended, err := time.Parse(time.RFC3339, line.Time)
	if err != nil || !strings.HasSuffix(line.Time, "Z") || ended.Before(began) || ended.After(time.Now().Add(time.Second)) {
		t.Errorf("time is %q, error %v; want now, in UTC", line.Time, err)
	}
	if line.Connect == nil || line.FirstByte == nil || *line.Connect > *line.FirstByte || *line.FirstByte > line.Total {
		t.Errorf("connect %v, first byte %v, total %v; want them in order", line.Connect, line.FirstByte, line.Total)
	}
	if info, err := os.Stat(first); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("got %v, error %v; want the mode 0640", info, err)
	}

	// As logrotate does. What is open goes on.
	open, _ := connect(t, e.socks(), echo.address)
	must(t, os.Rename(first, first+".1"))
	e.signal(syscall.SIGUSR1)
	await(t, "the new file", func() bool { _, err := os.Stat(first); return err == nil })
	exchange(t, open, "echo on the old session", []byte("hello"), []byte("hello"))
	must(t, open.Close())
	awaitLine(t, first, 1)
	awaitLine(t, first+".1", 1)
	if got := e.scrape().value("policy_reload_total", "result", "ok"); got != 0 {
		t.Errorf("the signal has reloaded the policy %v times", got)
	}

	e.reload(logged("path = '"+second+"', mode = '0600', probes = true", anyPort), "ok")
	e.session(echo.address)
	awaitLine(t, second, 1)
	must(t, dial(t, e.socks()).Close())
	if probe := awaitLine(t, second, 2); text(probe.End) != "probed" {
		t.Errorf("the end of a probe is %q", text(probe.End))
	}
	e.reload(policyOf(anyPort), "ok")
	e.session(echo.address)
	e.signal(syscall.SIGUSR1)
	await(t, "there is no log", func() bool { return e.log.contains("there is no access log") })
	e.awaitFigure(4, "proxy_connections_completed_total", "listener", e.socks())
	e.endWell()
	awaitLine(t, first, 1)
	awaitLine(t, second, 2)
}

// TestAccessLogAtTheEnd: the sessions that the shutdown cuts are in it.
func TestAccessLogAtTheEnd(t *testing.T) {
	t.Parallel()
	path, echo := filepath.Join(t.TempDir(), "access.log"), newEcho(t)
	d := startPolicy(t, logged("path = '"+path+"'", anyPort))
	for range 10 {
		connect(t, d.socks(), echo.address)
	}
	d.endWell()
	for _, line := range append(accessLines(t, path), awaitLine(t, path, 10)) {
		if text(line.Reason) != "shutdown" || text(line.Fault) != "proxy" {
			t.Errorf("got reason %q, fault %q; want shutdown, proxy", text(line.Reason), text(line.Fault))
		}
	}
}

// TestAccessLogFull: a disk without room costs lines, and no session.
func TestAccessLogFull(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	echo := newEcho(t)
	d := startPolicy(t, logged("path = '/dev/full', buffer_lines = 5", anyPort))
	for range 20 {
		d.session(echo.address)
	}
	d.awaitFigure(15, "proxy_access_log_lines_lost_total")
	await(t, "a failure", func() bool { return d.scrape().value("proxy_access_log_write_failures_total") > 0 })
	figures := d.scrape()
	if written := figures.value("proxy_access_log_lines_total"); written != 0 {
		t.Errorf("%v lines are said to be written", written)
	}
	if worked := figures.value("proxy_connections_completed_total", "listener", d.socks()); worked != 20 {
		t.Errorf("%v sessions worked; want 20", worked)
	}
	d.signal(syscall.SIGUSR1)
	d.session(echo.address)
	d.endWell()
	for _, want := range []string{"no space left on device", "lines of the access log were lost"} {
		if !d.log.contains(want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}
