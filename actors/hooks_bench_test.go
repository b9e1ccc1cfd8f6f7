package actors

import (
	"log/slog"
	"net/netip"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/internal/transport"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// quietConn is a Conn of which only the address is asked.
type quietConn struct{ transport.Conn }

func (quietConn) Local() netip.AddrPort { return ourSide }

// BenchmarkAsk is a question about credentials from a connection's turn to the
// message with its answer: the goroutine, the pool, and a handler that compares
// strings.
func BenchmarkAsk(b *testing.B) {
	hooks := NewHooks(load(b, `kumo.on('proxy_server_auth_rfc1929', function(user, password)
		return user == 'alice' and password == 'secret' end)`, policy.Options{}))
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	defer system.Shutdown()
	answers := make(chan *answered)
	props := actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*answered); ok {
			answers <- m
		}
	}, actor.WithDispatcher(actor.NewSynchronizedDispatcher(throughput)))
	c := &connection{
		machine: machine{limits: &limits{}},
		shared:  &shared{hooks: hooks, root: system.Root},
		conn:    quietConn{}, record: &record{client: ourSide},
		self: system.Root.Spawn(props),
	}
	q := &question{topic: aboutCredentials, credentials: socks5.Credentials{User: "alice", Password: "secret"}}
	b.ReportAllocs()
	for b.Loop() {
		c.ask(q)
		if m := <-answers; m.answer.err != nil {
			b.Fatal(m.answer.err)
		}
	}
	c.cancelAsk()
}
