package actors

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupe-proxy/troupe/internal/census"
	"github.com/troupe-proxy/troupe/internal/transport"
)

// idleConn is a Conn of which nothing is asked but who spoke last.
type idleConn struct{ transport.Conn }

func (idleConn) LastByte() (transport.Side, time.Duration, bool) {
	return transport.Upstream, time.Second, true
}

// crowded is a system with n sessions and no sockets.
func crowded(n int) *System {
	s := &System{live: &live{}, root: &actor.PID{Id: "supervisor"}}
	a := &account{listener: "127.0.0.1:1080"}
	for i := range n {
		client := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(i))
		c := &connection{
			conn: idleConn{}, record: a.accept(client, time.Now(), func() {}), inbox: &census.Inbox{},
			self: &actor.PID{Id: "supervisor/listener-127.0.0.1:1080/$" + strconv.Itoa(i)},
		}
		c.shown.Store(uint32(phaseRelaying))
		s.live.sessions.Enter(c)
	}
	return s
}

// BenchmarkSessions is to look at 8,000 sessions.
func BenchmarkSessions(b *testing.B) {
	s := crowded(8000)
	for b.Loop() {
		n := 0
		for one := range s.Sessions() {
			if one.Phase == "relaying" {
				n++
			}
		}
		if n != 8000 {
			b.Fatalf("%d sessions", n)
		}
	}
}

// BenchmarkTree is a listener with 8,000 connections, of which a hundred are shown.
func BenchmarkTree(b *testing.B) {
	s := crowded(8000)
	for b.Loop() {
		q := branches{query: TreeQuery{Depth: -1, Budget: 100}, connections: s.connections()}
		n := q.grow(census.Actor{Path: "supervisor/listener-127.0.0.1:1080"}, 0)
		if len(n.Children) != 100 || n.Connections["relaying"] != 7900 {
			b.Fatalf("%d shown, %v left out", len(n.Children), n.Connections)
		}
	}
}

// BenchmarkRoll is what a session pays for being listed.
func BenchmarkRoll(b *testing.B) {
	s := crowded(8000)
	c := &connection{}
	for b.Loop() {
		s.live.sessions.Enter(c)
		s.live.sessions.Leave(c)
	}
}
