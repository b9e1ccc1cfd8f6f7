package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// loadFigures is a variable of the environment: TestSurfaceUnderLoad measures if it
// is set. It needs 20,000 descriptors and a machine that does nothing else.
const loadFigures = "TROUPE_FIGURES"

const (
	loadListeners = 10
	loadSessions  = 8_000
	loadDests     = 1_000 // of each listener
)

// TestSurfaceUnderLoad measures what an operator's look at 8,000 sessions takes, and
// what a scrape costs those sessions.
func TestSurfaceUnderLoad(t *testing.T) {
	if os.Getenv(loadFigures) == "" {
		t.Skipf("%s is not set", loadFigures)
	}
	policy := strings.Replace(onePolicy, "  proxy.start_proxy_listener { listen = '127.0.0.1:0' }\n",
		strings.Repeat("  proxy.start_proxy_listener { listen = '127.0.0.1:0' }\n", loadListeners), 1)
	d := startPolicy(t, policy, "TROUPE_LOG=info,proxy_server::proxy_handler=warn")
	proxies, port := d.log.addresses("proxy listener"), everywhere(t)
	all := openMany(t, proxies, port)

	look := func(path string, most time.Duration) {
		t.Helper()
		var took []time.Duration
		var onWire, size int
		for range 30 {
			began := time.Now()
			onWire, size = d.getCompressed(path)
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		t.Logf("%s: %v at the median, %v at worst; %d bytes on the wire, %d unpacked", path, took[len(took)/2], took[len(took)-1], onWire, size)
		if took[len(took)/2] > most || onWire > 1<<20 && most > 0 {
			t.Errorf("%s: got %v and %d bytes; want at most %v and 1 MiB", path, took[len(took)/2], onWire, most)
		}
	}
	look("/api/admin/tree", 20*time.Millisecond)
	for _, page := range []string{"/", "/ui/tree", "/ui/sessions"} {
		look(page, 100*time.Millisecond)
	}
	look("/api/admin/sessions?limit=1000", 100*time.Millisecond)
	measureScrape(t, d)
	measureRelay(t, d, all[:64])
}

// openMany opens the sessions, each to an address of its own, and one more to each
// of those that are missing.
func openMany(t *testing.T, proxies []string, port uint16) (all []*net.TCPConn) {
	t.Helper()
	for i := range loadListeners * loadDests {
		c, err := open(proxies[i%loadListeners], destination(i, port))
		must(t, err)
		if len(all) == loadSessions {
			must(t, c.Close())
			continue
		}
		exchange(t, c, "echo", []byte("hello"), []byte("hello"))
		all = append(all, c)
		t.Cleanup(func() { _ = c.Close() })
	}
	return all
}

// getCompressed gives the sizes of an answer, compressed and not.
func (d *daemon) getCompressed(path string) (onWire, size int) {
	d.t.Helper()
	packed := d.fetch(path)
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	must(d.t, err)
	n, err := io.Copy(io.Discard, plain)
	must(d.t, err)
	return len(packed), int(n)
}

// fetch gives an answer as it was compressed.
func (d *daemon) fetch(path string) []byte {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+d.http()+path, nil)
	must(d.t, err)
	r.Header.Set("Accept-Encoding", "gzip")
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	must(d.t, err)
	defer answer.Body.Close()
	packed, err := io.ReadAll(answer.Body)
	must(d.t, err)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Encoding") != "gzip" {
		d.t.Fatalf("%s: got %d in %q", path, answer.StatusCode, answer.Header.Get("Content-Encoding"))
	}
	return packed
}

// measureScrape tells what a scrape of all destinations takes of the daemon, by its
// own figures.
func measureScrape(t *testing.T, d *daemon) {
	t.Helper()
	const scrapes = 30
	first := d.scrape()
	for range scrapes - 1 {
		d.getCompressed("/metrics")
	}
	last := d.scrape()
	each := func(name string) float64 { return (last.value(name) - first.value(name)) / scrapes }
	cpu, allocated := each("process_cpu_seconds_total"), each("go_memstats_alloc_bytes_total")
	t.Logf("/metrics: %.1f ms of processor time and %.2f MiB allocated", cpu*1000, allocated/(1<<20))
	if cpu > 0.025 || allocated > 8<<20 {
		t.Errorf("a scrape takes %.1f ms and %.2f MiB; want at most 25 ms and 8 MiB", cpu*1000, allocated/(1<<20))
	}
}

// measureRelay compares round trips through busy sessions, with a scrape every five
// seconds, which is three times as often as Prometheus is wont to, and without.
func measureRelay(t *testing.T, d *daemon, busy []*net.TCPConn) {
	t.Helper()
	var quiet, scraped []time.Duration
	for range 3 {
		quiet = append(quiet, roundTrips(t, busy, func() {})...)
		scraped = append(scraped, roundTrips(t, busy, func() { d.fetch("/metrics") })...)
	}
	slices.Sort(quiet)
	slices.Sort(scraped)
	at := func(all []time.Duration, share float64) time.Duration { return all[int(share*float64(len(all)-1))] }
	t.Logf("round trips of %d sessions: median %v, p99 %v; with a scrape every 5 s median %v, p99 %v",
		len(busy), at(quiet, .5), at(quiet, .99), at(scraped, .5), at(scraped, .99))
	if at(scraped, .99) > at(quiet, .99)*110/100 {
		t.Errorf("a scrape changes the p99 from %v to %v; want at most a tenth", at(quiet, .99), at(scraped, .99))
	}
}

// roundTrips are those of ten seconds. Each session sends a line, and the next once
// it has come back. scrape is called twice.
func roundTrips(t *testing.T, busy []*net.TCPConn, scrape func()) (all []time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var sessions sync.WaitGroup
	end := time.Now().Add(10 * time.Second)
	for _, c := range busy {
		must(t, c.SetDeadline(end.Add(patience)))
		sessions.Go(func() {
			line := []byte("MAIL FROM:<somebody@example.com>\r\n")
			var took []time.Duration
			for time.Now().Before(end) {
				began := time.Now()
				if _, err := c.Write(line); err != nil {
					t.Error(err)
					return
				}
				if _, err := io.ReadFull(c, line); err != nil {
					t.Error(err)
					return
				}
				took = append(took, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
		})
	}
	tick := time.NewTicker(4 * time.Second)
	defer tick.Stop()
	for range 2 {
		<-tick.C
		scrape()
	}
	sessions.Wait()
	return all
}
