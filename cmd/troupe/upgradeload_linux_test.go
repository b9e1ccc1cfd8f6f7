package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestUpgradeUnderLoad hands over with sessions that carry bytes all the while and
// new ones that come: none is refused or lost, every byte is counted once, over both
// processes, and no counter falls from one scrape to the next. With TROUPE_SOAK set
// there are 2,000 sessions and 500 new ones each second.
func TestUpgradeUnderLoad(t *testing.T) {
	sessions, perSecond := 200, 100
	switch {
	case os.Getenv(soakTime) != "":
		sessions, perSecond = 2000, 500
	case testing.Short() || raceEnabled:
		sessions, perSecond = 60, 40
	}
	for _, tt := range []struct {
		name, listen string
		args         []string
		secure       bool
	}{
		{"reactor", anyPort, nil, false},
		{"goroutines", anyPort, []string{"--transport=goroutines"}, false},
		{"tls", anyPort + ", use_tls = true", nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			y := startDynasty(t, policyOf(tt.listen), append(tt.args, "--upgrade-timeout=2m")...)
			u := &underLoad{dynasty: y, t: t, echo: newEcho(t), secure: tt.secure}
			u.story(sessions, perSecond)
		})
	}
}

// underLoad is a daemon with its clients.
type underLoad struct {
	*dynasty
	t      *testing.T
	echo   *echo
	secure bool

	short, bytes atomic.Uint64 // sessions that came and went, and what they sent
}

// session is one that relays.
func (u *underLoad) session() (net.Conn, error) {
	raw, err := net.DialTimeout("tcp", u.socks(), patience)
	if err != nil {
		return nil, err
	}
	must(u.t, raw.SetDeadline(time.Now().Add(patience)))
	c := raw
	if u.secure {
		c = tls.Client(raw, anyCertificate())
	}
	for i, step := range [][]byte{{5, 1, 0}, append([]byte{5, 1, 0}, wireAddress(u.echo.address)...)} {
		if err := say(c, step, i > 0); err != nil {
			_ = raw.Close()
			return nil, err
		}
	}
	return c, nil
}

func (u *underLoad) story(sessions, perSecond int) {
	t, before := u.t, u.pid
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	h := &held{stop: stop, errors: make(chan error, sessions), tick: time.Duration(sessions) * 250 * time.Microsecond}
	h.open(ctx, t, sessions, func() net.Conn {
		c, err := u.session()
		must(t, err)
		return c
	})
	load, end := context.WithCancel(t.Context())
	defer end()
	var busy sync.WaitGroup
	busy.Go(func() { u.arrive(load, perSecond) })
	busy.Go(func() { u.watchCounters(load) })
	await(t, "clients come", func() bool { return u.short.Load() > uint64(perSecond) })

	done := u.upgrade()
	atUpgrade := u.short.Load()
	if done.Sessions < sessions {
		t.Errorf("got %d sessions left with the old process; want %d at least", done.Sessions, sessions)
	}
	u.wantNothingShared(before, u.pid)
	await(t, "clients come to the new process", func() bool { return u.short.Load() > atUpgrade+uint64(perSecond) })
	u.awaitOld(sessions)
	end()
	busy.Wait()
	if t.Failed() {
		t.FailNow()
	}
	h.end(t)
	await(t, "the old process ends", func() bool { return u.log.contains("the old process has ended") })
	u.awaitFigure(0, "proxy_active_connections", "listener", u.socks())
	now, all := u.scrape(), float64(uint64(sessions)+u.short.Load())
	for name, want := range map[string]float64{
		"proxy_connections_accepted_total": all, "proxy_connections_completed_total": all, "proxy_connections_failed_total": 0,
		"proxy_bytes_received_total": float64(h.bytes.Load() + u.bytes.Load()), "proxy_bytes_sent_total": float64(h.bytes.Load() + u.bytes.Load()),
	} {
		if got := now.value(name, "listener", u.socks()); got != want {
			t.Errorf("%s: got %v; want %v", name, got, want)
		}
	}
	t.Logf("%d sessions held and %d that came and went, %d of them after the hand-over; %d bytes each way",
		sessions, u.short.Load(), u.short.Load()-atUpgrade, h.bytes.Load()+u.bytes.Load())
	u.endOrderly()
}

// awaitOld waits until the old process has the sessions that are held, and no others.
func (u *underLoad) awaitOld(sessions int) {
	u.t.Helper()
	await(u.t, "the old process has the sessions from before", func() bool {
		old, _ := u.processes()
		return old == min(sessions, 1000) || sessions > 1000 // the list has a thousand at most
	})
}

// arrive has clients come, each with a session of its own in which a little is said.
func (u *underLoad) arrive(ctx context.Context, perSecond int) {
	var sessions sync.WaitGroup
	defer sessions.Wait()
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		sessions.Go(func() {
			if err := u.comeAndGo(); err != nil {
				u.t.Errorf("a session that came: %v", err)
			}
		})
	}
}

func (u *underLoad) comeAndGo() error {
	c, err := u.session()
	if err != nil {
		return err
	}
	defer c.Close()
	said := bytes.Repeat([]byte("mail"), 500)
	if _, err := c.Write(said); err != nil {
		return err
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	heard, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(heard, said) {
		return fmt.Errorf("said %d bytes and heard %d: %w", len(said), len(heard), err)
	}
	u.bytes.Add(uint64(len(said)))
	u.short.Add(1)
	return nil
}

// watchCounters scrapes all the while and compares each counter with the last time.
func (u *underLoad) watchCounters(ctx context.Context) {
	last := make(map[string]float64)
	scrapes := 0
	for ctx.Err() == nil {
		now, err := u.counters()
		if err != nil {
			u.t.Errorf("scrape %d: %v", scrapes, err)
			return
		}
		for name, was := range last {
			if got, there := now[name]; !there || got < was {
				u.t.Errorf("scrape %d: %s fell from %v to %v", scrapes, name, was, got)
			}
		}
		last = now
		scrapes++
	}
	u.t.Logf("%d scrapes", scrapes)
}

// counters are those of one scrape. A process that has just handed over asks to be
// asked again.
func (u *underLoad) counters() (map[string]float64, error) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		response, err := client.Get("http://" + u.http() + "/metrics")
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(response.Body)
		err = errors.Join(err, response.Body.Close())
		if response.StatusCode == http.StatusServiceUnavailable {
			continue
		}
		if err != nil {
			return nil, err
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		return countersOf(families), nil
	}
}

func countersOf(families map[string]*dto.MetricFamily) map[string]float64 {
	all := make(map[string]float64)
	for name, f := range families {
		for _, m := range f.GetMetric() {
			key := name + " " + fmt.Sprint(m.GetLabel())
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				all[key] = m.GetCounter().GetValue()
			case dto.MetricType_HISTOGRAM:
				all[key] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return all
}

// wantNothingShared fails if the new process has a descriptor of the old one that
// is none of its own: of the sockets of sessions above all.
func (u *underLoad) wantNothingShared(old, heir int) {
	u.t.Helper()
	of := descriptors(u.t, old)
	for _, target := range descriptors(u.t, heir) {
		if strings.HasPrefix(target, "socket:") && slices.Contains(of, target) {
			u.t.Errorf("process %d has the socket %s of process %d", heir, target, old)
		}
	}
}
