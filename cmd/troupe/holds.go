package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupe-proxy/troupe/internal/rules"
	sources "github.com/troupe-proxy/troupe/internal/source"
)

// openSources makes the table of the sending addresses, with what was decided about
// them in an earlier run. The store is nil without a state directory.
func (s *service) openSources(host *rules.Hosts) (*sources.Table, *sources.Store) {
	table := sources.NewTable(host)
	var store *sources.Store
	if s.keeper != nil && s.keeper.dir != "" {
		store = sources.NewStore(s.keeper.dir)
	}
	list, err := store.Load()
	if err != nil {
		s.log.Error("what was decided about sources in an earlier run is of no use: none is paused or drained", slog.Any("error", err))
		return table, store
	}
	if n := table.Restore(list, time.Now()); n > 0 {
		s.log.Info("sources are paused or drained since an earlier run; troupe source list says which", slog.Int("decisions", n))
	}
	return table, store
}

// watchAddresses has the rules and the sources know of addresses that come and go as
// they do.
func (s *service) watchAddresses(host *rules.Hosts) func(context.Context, func()) {
	return func(ctx context.Context, changed func()) {
		sources.Watch(ctx, func() {
			host.Refresh()
			changed()
		}, s.unwatched)
	}
}

// unwatched: addresses are read when somebody asks, and every second beside.
func (s *service) unwatched(err error) {
	s.log.Warn("the system does not tell when addresses come and go: they are read every second until it does", slog.Any("error", err))
}
