package source

import (
	"errors"
	"sync"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// addressGroups are the groups of rtnetlink(7) that are told of addresses. Routes
// are not listened to: a router has too many that come and go.
const addressGroups = 1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV6_IFADDR-1)

// drainMost bounds how many messages are taken at once.
const drainMost = 10_000

// drainWait is how long a message may be on its way that is taken with others.
const drainWait = time.Millisecond

// subscription is a netlink socket. What is said counts for nothing but that
// something was: the addresses are read whole, so that a lost message loses none.
type subscription struct {
	conn *rtnetlink.Conn
	end  sync.Once
}

func subscribe() (notices, error) {
	conn, err := rtnetlink.Dial(&netlink.Config{Groups: addressGroups})
	if err != nil {
		return nil, err
	}
	return &subscription{conn: conn}, nil
}

func (s *subscription) await() error {
	_, _, err := s.conn.Receive()
	return fatal(err)
}

func (s *subscription) drain() {
	for range drainMost {
		if s.conn.SetReadDeadline(time.Now().Add(drainWait)) != nil {
			break
		}
		if _, _, err := s.conn.Receive(); err != nil && fatal(err) != nil {
			break
		}
	}
	_ = s.conn.SetReadDeadline(time.Time{}) // should it fail, so will await
}

// fatal is an error after which nothing will be heard. Where messages were lost, or
// one was not understood, something has changed all the same.
func fatal(err error) error {
	if errors.Is(err, unix.ENOBUFS) {
		return nil
	}
	if _, broken := errors.AsType[*netlink.OpError](err); broken {
		return err
	}
	return nil
}

// close may be called again, and while another goroutine awaits.
func (s *subscription) close() {
	s.end.Do(func() { _ = s.conn.Close() }) // it was only read
}
