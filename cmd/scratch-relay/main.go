package main

import (
	"context"
	"encoding/binary"
	"flag"
	"net/http"
	_ "net/http/pprof"
	"net/netip"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

type session struct {
	c     transport.Conn
	phase int
	t     transport.Traffic
}

var total transport.Traffic

func (s *session) Notify(e transport.Event) {
	switch e := e.(type) {
	case transport.Readable:
		for {
			p := s.c.Peek()
			switch s.phase {
			case 0:
				if len(p) < 2 || len(p) < 2+int(p[1]) {
					return
				}
				s.c.Discard(2 + int(p[1]))
				s.phase = 1
				s.c.Write([]byte{5, 0})
			case 1:
				if len(p) < 10 {
					return
				}
				ip := netip.AddrFrom4([4]byte(p[4:8]))
				port := binary.BigEndian.Uint16(p[8:10])
				cmd := p[1]
				s.c.Discard(10)
				if cmd == 2 {
					_, err := s.c.Bind(netip.AddrPortFrom(ip, port))
					if err != nil {
						s.c.Abort()
						return
					}
					s.c.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 0})
					continue
				}
				s.phase = 2
				s.c.Dial(1, netip.AddrPortFrom(ip, port))
			default:
				return
			}
		}
	case transport.Dialed:
		if e.Err != nil {
			s.c.Abort()
			return
		}
		s.c.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 0})
		s.c.Relay(&s.t, &total)
	case transport.ClientClosed:
		s.c.Abort()
	}
}

func main() {
	addr := flag.String("l", "127.0.0.1:1998", "")
	plain := flag.Bool("plain", false, "")
	prof := flag.String("pprof", "", "")
	flag.Parse()
	if *prof != "" {
		go http.ListenAndServe(*prof, nil)
	}
	n := transport.NewGoroutines(transport.Options{PlainSockets: *plain})
	l, err := n.Listen(transport.ListenConfig{Address: netip.MustParseAddrPort(*addr),
		KeepAlive: transport.KeepAlive{Enabled: true, Idle: 60 * time.Second, Interval: 10 * time.Second, Count: 3}})
	if err != nil {
		panic(err)
	}
	panic(l.Serve(context.Background(), transport.Acceptance{
		Enter: func(context.Context) error { return nil }, Leave: func() {},
		Accepted: func(c transport.Conn) { c.Start(&session{c: c}) },
		HoldBack: func(err error) { println(err.Error()) }, Shed: func(netip.AddrPort, error) {},
	}))
}
