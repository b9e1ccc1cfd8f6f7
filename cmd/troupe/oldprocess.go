package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/troupe-proxy/troupe/actors"
	"github.com/troupe-proxy/troupe/internal/handover"
	"github.com/troupe-proxy/troupe/web"
)

// askTime is how long the old process may take to answer.
const askTime = 3 * time.Second

// Topics of what the old process is asked about.
const (
	topicSessions = "sessions"
	topicEnd      = "end"
	topicDrain    = "drain"
	topicReopen   = "reopen"
)

// endQuestion has sessions ended, by their ids.
type endQuestion struct {
	IDs []uint64
	By  string
}

// drainQuestion has the sessions of a listener, or of all, end at a limit.
type drainQuestion struct {
	Listener string
	Limit    time.Duration
}

// answers are what this process says once another has its sockets.
func (s *service) answers() handover.Answers {
	return handover.Answers{Figures: s.metrics.Snapshot, Topics: map[string]func(json.RawMessage) (any, error){
		topicSessions: func(json.RawMessage) (any, error) { return collect(s.tree.Sessions()), nil },
		topicEnd: answering(func(q endQuestion) (any, error) {
			return s.tree.EndSessions(q.IDs, q.By), nil
		}),
		topicDrain: answering(func(q drainQuestion) (any, error) {
			return s.tree.LimitSessions(q.Listener, q.Limit), nil
		}),
		topicReopen: func(json.RawMessage) (any, error) {
			ctx, cancel := context.WithTimeout(context.Background(), askTime)
			defer cancel()
			return nil, s.source.options.AccessLog.Reopen(ctx)
		},
	}}
}

func collect(all iter.Seq[actors.Session]) []actors.Session {
	list := []actors.Session{}
	for one := range all {
		list = append(list, one)
	}
	return list
}

// answering reads a question.
func answering[Q any](answer func(Q) (any, error)) func(json.RawMessage) (any, error) {
	return func(body json.RawMessage) (any, error) {
		var question Q
		if err := json.Unmarshal(body, &question); err != nil {
			return nil, err
		}
		return answer(question)
	}
}

// askOld asks the old process, if there is one still. What it does not answer is
// none: an operator is not to wait for it.
func askOld[A any](s *service, topic string, question any) (answer A) {
	old := s.origin.old
	if old == nil {
		return answer
	}
	select {
	case <-old.Ended():
		return answer
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	var heard A
	if err := old.Ask(ctx, topic, question, &heard); err != nil {
		s.log.Warn("the old process does not answer", slog.String("about", topic), slog.Any("error", err))
		return answer
	}
	return heard
}

// upgrade goes on should the client not wait for it.
func (c control) upgrade(ctx context.Context, by string) (web.Upgraded, error) {
	done, err := c.service.upgrade.upgrade(context.WithoutCancel(ctx), by)
	if err == nil {
		return web.Upgraded{
			OldPID: done.old, NewPID: done.new, Sessions: done.left.WaitingForClient + done.left.WaitingForUpstream,
			WaitingForClient: done.left.WaitingForClient, WaitingForUpstream: done.left.WaitingForUpstream,
		}, nil
	}
	known := refusal(err)
	if refused := (*web.Refused)(nil); errors.As(known, &refused) {
		return web.Upgraded{}, known
	}
	c.service.log.Error("not upgraded, this process goes on", slog.String("by", by), slog.Any("error", err))
	return web.Upgraded{}, &web.Refused{Status: http.StatusUnprocessableEntity, Err: fmt.Errorf("not upgraded, nothing has changed: %w", err)}
}
