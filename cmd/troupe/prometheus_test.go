package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPromtool has promtool look at the live figures. What it says must be
// about families of the list, which gives the reason for each.
func TestPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skipf("promtool is not installed: %v", err)
	}
	allowed := promtoolAllowed(t)
	d := startPolicy(t, onePolicy)
	echo := newEcho(t)
	c, _ := connect(t, d.socks(), echo.address) // so that destinations have a series too
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	_, live := d.get("/metrics")

	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(live)
	out, err := check.CombinedOutput()
	said := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
	if err != nil && len(said) == 0 {
		t.Errorf("promtool: %v", err)
	}
	for _, line := range said {
		if name, _, _ := strings.Cut(line, " "); !allowed[name] {
			t.Errorf("promtool: %s", line)
		}
	}
}

// promtoolAllowed reads the names off the list, one a line before its reason.
func promtoolAllowed(t *testing.T) map[string]bool {
	t.Helper()
	list, err := os.ReadFile("testdata/promtool-allowed.txt")
	must(t, err)
	allowed := make(map[string]bool)
	for line := range strings.Lines(string(list)) {
		name, reason, _ := strings.Cut(line, "#")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if strings.TrimSpace(reason) == "" {
			t.Errorf("%s is allowed for no reason", name)
		}
		allowed[name] = true
	}
	return allowed
}

// TestPrometheus has a real Prometheus scrape the daemon: an alert on sessions
// must be able to tell none from no answer.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skipf("prometheus is not installed: %v", err)
	}
	d := startPolicy(t, onePolicy)
	p := startPrometheus(t, binary, d.http())
	query := fmt.Sprintf(`proxy_active_connections{listener=%q}`, d.socks())
	await(t, query+" is 0", func() bool { return p.query(query) == "0" })

	echo := newEcho(t)
	c, _ := connect(t, d.socks(), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	await(t, query+" is 1 with a session", func() bool { return p.query(query) == "1" })
}

// prometheus is a running Prometheus that scrapes its targets each second.
type prometheus struct{ address string }

func startPrometheus(t *testing.T, binary, target string) *prometheus {
	t.Helper()
	return startPrometheusBy(t, binary, "", target)
}

// startPrometheusBy starts one with a file of rules, unless that is empty.
func startPrometheusBy(t *testing.T, binary, rules string, targets ...string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	list, err := json.Marshal(targets)
	must(t, err)
	text := fmt.Sprintf("global: {scrape_interval: 1s}\n"+
		"scrape_configs: [{job_name: troupe, static_configs: [{targets: %s}]}]\n", list)
	if rules != "" {
		text += fmt.Sprintf("rule_files: [%q]\n", rules)
	}
	must(t, os.WriteFile(config, []byte(text), 0o600))
	p := &prometheus{address: freeAddress(t)} // it cannot tell which port 0 became

	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "--config.file", config, "--storage.tsdb.path", filepath.Join(dir, "data"),
		"--web.listen-address", p.address, "--log.level", "warn")
	cmd.SysProcAttr = diesWithParent()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed: it has nothing to save
		if t.Failed() {
			t.Logf("prometheus said:\n%s", said.String())
		}
	})
	return p
}

// sample is one series in the answer to a query.
type sample struct {
	Metric map[string]string
	Value  [2]any // time and text
}

// query gives the only value that answers a query, or "" while there is none.
func (p *prometheus) query(query string) string {
	all := p.ask(query)
	if len(all) != 1 {
		return ""
	}
	value, _ := all[0].Value[1].(string)
	return value
}

// ask gives the answer to a query, or none while there is none.
func (p *prometheus) ask(query string) []sample {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + p.address + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return nil // it is not up yet
	}
	defer resp.Body.Close()
	var answer struct{ Data struct{ Result []sample } }
	body, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(body, &answer) != nil {
		return nil
	}
	return answer.Data.Result
}

// freeAddress is an address on which nobody listens at the moment, and which no
// port 0 and no outgoing connection becomes before it is taken: systems choose
// those from 32,768 on.
func freeAddress(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.N(20000)))
		if err == nil {
			must(t, l.Close())
			return l.Addr().String()
		}
	}
}
