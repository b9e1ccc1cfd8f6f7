package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/miekg/dns"
)

const (
	defaultTimeout  = 5 * time.Second // for one try at one server
	defaultAttempts = 2
	maxDatagram     = 1232 // bytes, what passes everywhere; https://www.dnsflagday.net/2020/
)

// server is one name server.
type server struct {
	address string // with a port
	// udp and tcp say what it is asked by; with both, TCP follows when a datagram
	// was too short.
	udp, tcp bool
	// final means that "no such name" is believed without asking the next server.
	final bool
	local net.IP // what to ask from, or nil
}

// servers are asked in their order.
type servers struct {
	all       []server
	timeout   time.Duration
	attempts  int
	edns      bool
	recursion bool
}

func (s servers) records(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	var failed error
	for range s.attempts {
		for _, server := range s.all {
			answer, err := s.ask(ctx, server, name, kind)
			switch {
			case err == nil:
				return answer, nil
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case errors.Is(err, errNoName) && server.final:
				return nil, err
			}
			failed = err
		}
		if errors.Is(failed, errNoName) {
			break // the last server has heard of it
		}
	}
	return nil, failed
}

// ask asks one server once.
func (s servers) ask(ctx context.Context, from server, name string, kind uint16) ([]dns.RR, error) {
	question := new(dns.Msg).SetQuestion(name, kind)
	question.RecursionDesired = s.recursion
	if s.edns {
		question.SetEdns0(maxDatagram, false)
	}
	if !from.udp {
		return s.over(ctx, "tcp", from, question)
	}
	answer, err := s.over(ctx, "udp", from, question)
	if errors.Is(err, errTruncated) && from.tcp {
		return s.over(ctx, "tcp", from, question)
	}
	return answer, err
}

var errTruncated = errors.New("the answer does not fit a datagram")

func (s servers) over(ctx context.Context, network string, from server, question *dns.Msg) ([]dns.RR, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	client := &dns.Client{Net: network, Dialer: dialer(network, from.local), Timeout: s.timeout}
	answer, err := exchange(ctx, client, from.address, question)
	switch {
	case err != nil:
		return nil, fmt.Errorf("name server %s: %w", from.address, err)
	case answer.Truncated:
		return nil, errTruncated
	case answer.Rcode == dns.RcodeNameError:
		return nil, errNoName
	case answer.Rcode != dns.RcodeSuccess:
		return nil, fmt.Errorf("name server %s: %w: %s", from.address, errServer, dns.RcodeToString[answer.Rcode])
	}
	return answer.Answer, nil
}

// exchange closes the connection when ctx is done: the client looks at deadlines
// alone.
func exchange(ctx context.Context, client *dns.Client, address string, question *dns.Msg) (*dns.Msg, error) {
	conn, err := client.DialContext(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // nothing is left to be written
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	answer, _, err := client.ExchangeWithConnContext(ctx, question, conn)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return answer, err
}

func dialer(network string, local net.IP) *net.Dialer {
	switch {
	case local == nil:
		return &net.Dialer{}
	case network == "tcp":
		return &net.Dialer{LocalAddr: &net.TCPAddr{IP: local}}
	}
	return &net.Dialer{LocalAddr: &net.UDPAddr{IP: local}}
}
