package actors

import (
	"log/slog"

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

// observer logs the failures of one kind of actor.
type observer struct {
	kind Kind
	log  *slog.Logger
}

// ActorFailed implements census.Observer.
func (o observer) ActorFailed(who actor.Context, reason any, stack []byte) {
	o.log.Error("actor failed",
		slog.String("kind", o.kind.String()),
		slog.String("actor", who.Self().Id),
		slog.Any("error", supervise.Reason(reason)),
		slog.String("stack", string(stack)))
}
