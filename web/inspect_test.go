package web

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-proxy/troupe/internal/machineinfo"
)

func TestMachineInfo(t *testing.T) {
	c := newConfig()
	got := ask(Handler(c), "GET", "/api/machine-info", trustedPeer)
	var info map[string]any
	if err := json.Unmarshal([]byte(got.body), &info); err != nil || got.status != 200 {
		t.Fatalf("got %d %q, %v; want 200 and JSON", got.status, got.body, err)
	}
	for _, key := range []string{
		"node_id", "hostname", "mac_address", "num_cores", "kernel_version", "platform", "distribution", "os_version",
		"total_memory_bytes", "container_runtime", "cpu_brand", "fingerprint", "online_since", "process_kind", "version",
	} {
		if _, there := info[key]; !there {
			t.Errorf("got no %s", key)
		}
		delete(info, key)
	}
	if len(info) > 0 {
		t.Errorf("got %v besides", info)
	}
	for _, machine := range []func() (machineinfo.Info, bool){nil, func() (machineinfo.Info, bool) { return machineinfo.Info{}, false }} {
		c.Machine = machine
		got := ask(Handler(c), "GET", "/api/machine-info", trustedPeer)
		if got.status != 503 || got.body != "Error: machine info not yet available" {
			t.Errorf("got %d %q; want 503", got.status, got.body)
		}
	}
}

func TestMemoryStats(t *testing.T) {
	got := ask(Handler(newConfig()), "GET", "/api/admin/memory/stats", trustedPeer)
	for _, want := range []string{"/memory/classes/total", "/memory/classes/heap/objects", "/gc/heap/live", "/sched/goroutines", "bytes", "spare things", "4096 bytes"} {
		if got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("got %d %q; want %q in it", got.status, got.body, want)
		}
	}
	c := newConfig()
	c.Memory = nil
	if got := ask(Handler(c), "GET", "/api/admin/memory/stats", trustedPeer); got.status != 200 || strings.Contains(got.body, "Held") {
		t.Errorf("without pools: got %d %q; want 200 and nothing held", got.status, got.body)
	}
}

// waitFor stands for what a goroutine of the daemon waits for; the secret is on
// its stack.
func waitFor(secret string, end <-chan struct{}) string { <-end; return secret }

func TestTaskDump(t *testing.T) { synctest.Test(t, testTaskDump) }

func testTaskDump(t *testing.T) {
	const secret = "correct horse battery staple"
	end := make(chan struct{})
	defer close(end)
	for range 3 {
		go waitFor(secret, end)
	}
	synctest.Wait() // until they do wait
	h := Handler(newConfig())
	for _, query := range []string{"", "?timeout=1", "?timeout=18446744073709551615", "?other=x"} {
		got := ask(h, "GET", "/api/admin/task-dump"+query, trustedPeer)
		if got.status != 200 || !strings.Contains(got.body, "web.waitFor ") || !strings.Contains(got.body, "inspect_test.go:") {
			t.Errorf("%q: got %d %.300q; want where the goroutines are", query, got.status, got.body)
		}
		if strings.Contains(got.body, secret) || strings.Contains(got.body, "0x") {
			t.Errorf("%q: got values in it: %q", query, got.body)
		}
		if !strings.Contains(got.body, "\n3 at\n") {
			t.Errorf("%q: got %.300q; want goroutines at the same place together", query, got.body)
		}
	}
	for query, want := range map[string]string{
		"?timeout=":                     "timeout: expected a whole number of seconds, got nothing",
		"?timeout=x":                    `timeout: expected a whole number of seconds, got "x"`,
		"?timeout=-1":                   `timeout: expected a whole number of seconds, got "-1"`,
		"?timeout=1.5":                  `timeout: expected a whole number of seconds, got "1.5"`,
		"?timeout=18446744073709551616": "timeout: expected a whole number",
		"?timeout=1&timeout=2":          "timeout: expected once, got it 2 times",
		"?timeout=%zz":                  "reading the query",
	} {
		got := ask(h, "GET", "/api/admin/task-dump"+query, trustedPeer)
		if got.status != 400 || !strings.HasPrefix(got.body, "Failed to deserialize query string: "+want) {
			t.Errorf("%q: got %d %q; want 400 and %q", query, got.status, got.body, want)
		}
	}
}

// A dump that is not wanted any more is cut short and says so.
func TestTaskDumpIsCutShort(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := dumpTasks(ctx); !strings.Contains(got, "cut short: ") {
		t.Errorf("got %.300q; want it cut short", got)
	}
}

// While one dump is made another waits, for as long as it may.
func TestTaskDumpsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTaskDump()
		d.turn <- struct{}{}
		began := time.Now()
		got := ask(d, "GET", "/?timeout=7", trustedPeer)
		if took := time.Since(began); got.status != 503 || took != 7*time.Second {
			t.Errorf("got %d after %v; want 503 after 7 s", got.status, took)
		}
		<-d.turn
		if got := ask(d, "GET", "/", trustedPeer); got.status != 200 {
			t.Errorf("then: got %d; want 200", got.status)
		}
	})
}

func TestMetadata(t *testing.T) {
	text, err := MetricMetadata(everything(t))
	if err != nil {
		t.Fatal(err)
	}
	var all []metricMetadata
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]metricMetadata)
	for i, m := range all {
		byName[m.Name] = m
		if i > 0 && all[i-1].Name >= m.Name {
			t.Errorf("got %s behind %s; want them sorted", m.Name, all[i-1].Name)
		}
		if m.LabelNames == nil || m.Buckets == nil {
			t.Errorf("%s: got null; want an empty list", m.Name)
		}
	}
	for name, want := range map[string]string{
		"accepted_total": `{accepted_total Clients "accepted" <here>. Clients "accepted" <here>. Counter [] [] NonPruning}`,
		"outbound_total": "{outbound_total To. To. Counter [destination listener] [] NonPruning}",
		"latency":        "{latency Seconds. Seconds. Histogram [event] [0.005 1 10] NonPruning}",
		"load":           "{load   Gauge [] [] NonPruning}",
		"pause":          "{pause Of the GC. Of the GC. Summary [] [] NonPruning}",
	} {
		if got := fmt.Sprint(byName[name]); got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
}
