package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/accesslog"
)

// reopenPatience is how long a disk may take to open the access log anew.
const reopenPatience = 10 * time.Second

// sessionLog has the sessions of the actors written to the access log.
type sessionLog struct{ log *accesslog.Log }

// Wants implements actors.SessionObserver.
func (l sessionLog) Wants() bool { return l.log.Wants() }

// SessionEnded implements actors.SessionObserver.
func (l sessionLog) SessionEnded(e *actors.EndedSession) {
	s := accesslog.Session{
		Ended: e.Ended, Listener: e.Listener, ID: e.ID, Client: e.Client, User: e.User, Certificate: e.Subject,
		Source: e.Source, Destination: e.Upstream, Name: e.Asked.Host,
		Replied: e.Replied, Reply: uint8(e.Reply), WaitingFor: e.WaitingFor.String(),
		Up: e.Up, Down: e.Down, Auth: e.Authenticated, Connect: e.Connected, FirstByte: e.FirstByte, Total: e.Total, Group: e.Group,
		Banner: e.Banner.String(), Refusal: e.Refusal(),
	}
	if !s.Destination.IsValid() {
		s.Destination = e.Asked.AddrPort()
	}
	switch e.Outcome.Class {
	case actors.Failed:
		s.Reason, s.Fault = e.Outcome.Reason.String(), e.Outcome.Reason.Fault().String()
	case actors.Completed:
		s.End = e.Outcome.End.String()
	case actors.Probed:
		s.End, s.Probe = e.Outcome.Class.String(), true
	}
	l.log.Add(&s)
}

// accessLogCounts are its figures.
func accessLogCounts(l *accesslog.Log) func() actors.AccessLogCounts {
	return func() actors.AccessLogCounts { return actors.AccessLogCounts(l.Counts()) }
}

// reopenAccessLog opens the access log anew, because a signal asks for it. The
// signals that follow do not wait for a disk.
func (s *service) reopenAccessLog(asked os.Signal) {
	s.log.Info("opening the access log anew", slog.String("signal", asked.String()))
	go s.runReopen()
}

func (s *service) runReopen() {
	askOld[any](s, topicReopen, nil)
	ctx, cancel := context.WithTimeout(context.Background(), reopenPatience)
	defer cancel()
	switch err := s.source.options.AccessLog.Reopen(ctx); {
	case errors.Is(err, accesslog.ErrNone):
		s.log.Info("there is no access log: " + err.Error())
	case err != nil:
		s.log.Error("the access log could not be opened anew, it is written where it was", slog.Any("error", err))
	}
}
