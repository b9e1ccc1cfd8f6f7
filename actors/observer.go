package actors

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/supervise"
)

// Log targets. Those of KumoMTA's proxy-server keep their names, because
// operators and their log filters know them.
const (
	targetListener = "proxy_server::mod_proxy"
	targetSession  = "proxy_server::proxy_handler"
	targetHTTP     = "kumo_server_common::http_server"
	targetActors   = "troupe::actors"
	// The library's own lines are about its workings and off by default.
	targetLibrary = "protoactor"
)

// observer logs the failures of one kind of actor, with a stack, once a minute: an
// actor that fails over and over must not drown the log. How often it failed in all
// is in the tree and in the metrics.
type observer struct {
	kind Kind
	log  *slog.Logger
	said *sparing
}

func newObserver(kind Kind, log *slog.Logger) observer { return observer{kind, log, &sparing{}} }

// ActorFailed implements census.Observer.
func (o observer) ActorFailed(who actor.Context, reason any, stack []byte) {
	unsaid, due := o.said.due(time.Now())
	if !due {
		return
	}
	o.log.Error("actor failed",
		slog.String("kind", o.kind.String()),
		slog.String("actor", who.Self().Id),
		slog.Any("error", supervise.Reason(reason)),
		slog.Int("unsaid_before", unsaid),
		slog.String("stack", string(stack)))
}
