package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/handover"
	"github.com/troupe-proxy/troupe/internal/limit"
	sources "github.com/troupe-proxy/troupe/internal/source"
)

// decided is what has come about while a process ran, is in no file that its successor
// must have read, and holds in that one too. It goes over with the word to serve, and
// not before: the successor may have loaded its policy for long by then.
type decided struct {
	Bans  limit.Kept
	Holds []sources.Hold
}

// begin gives the successor its word, and what was decided by then.
func begin(ctx context.Context, successor *handover.Successor, h *actors.Handover) error {
	text, err := json.Marshal(decided{Bans: h.Bans(), Holds: h.Holds()})
	if err != nil {
		return err
	}
	return successor.Begin(ctx, text)
}

// inherit takes over what the old process has decided. Of one that has said nothing of
// it, what the state directory has holds.
func (s *service) inherit(c *actors.Config) {
	if s.origin.old == nil {
		return
	}
	text := s.origin.old.Decided()
	if text == nil {
		return
	}
	var d decided
	if err := json.Unmarshal(text, &d); err != nil {
		s.log.Error("the bans of the old process cannot be read, nor what it has decided about sources: what the state directory has holds",
			slog.Any("error", err))
		return
	}
	c.Bans = d.Bans
	held := c.Sources.Restore(d.Holds, time.Now())
	s.log.Info("taken over from the old process", slog.Int("bans", len(d.Bans.Bans)), slog.Int("decisions", held))
}
