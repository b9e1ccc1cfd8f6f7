package main

import (
	"log/slog"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/history"
	"github.com/troupe-proxy/troupe/web"
	"github.com/troupe-proxy/troupe/web/pages"
)

// newHistory keeps what the listeners count, for the pages for people. It is empty
// until its Run is called.
func newHistory(m *actors.Metrics, log *slog.Logger) *history.History {
	return history.New(func() ([]history.Figure, error) { return pages.Figures(m.Gatherer()) }, log)
}

// operator is what the pages for people show besides what the API has.
func (s *service) operator() web.Operator {
	return web.Operator{
		History:    s.history.Samples,
		LastReload: s.lastReload,
		LogFilter:  func() string { return s.logs.Filter().String() },
	}
}

// lastReload has the file of the policy even if it was never read again.
func (s *service) lastReload() pages.Reload {
	last := pages.Reload{}
	if r := s.reloads.Load(); r != nil {
		if noted := r.last.Load(); noted != nil {
			last = *noted
		}
	}
	last.Policy = s.source.flags.proxyConfig
	return last
}

// note keeps how a reload has ended.
func (r *reloader) note(result actors.ReloadResult, err error) {
	last := pages.Reload{At: time.Now(), Result: result.String()}
	if err != nil {
		last.Problem = err.Error()
	}
	r.last.Store(&last)
}
