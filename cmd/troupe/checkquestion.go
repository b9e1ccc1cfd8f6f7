package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// question is a request that check --explain is asked about.
type question struct {
	text   string // as it was asked
	user   string // empty: the client gives none
	client netip.AddrPort
	host   string // an address or a name
	port   uint16
	source netip.Addr // of a BIND; not valid: there is none
}

const questionForm = "user@client→destination, as in alice@10.0.0.7→mx.example.com:25 or 10.0.0.7->[2001:db8::25]:25+src=192.0.2.1"

var (
	errNoArrow     = errors.New("there is no arrow between client and destination")
	errNoClient    = errors.New("the client is an address, or address:port")
	errDestination = errors.New("the destination is host:port; an IPv6 address stands in brackets")
	errSource      = errors.New("the source is an address")
	errTwoSources  = errors.New("--source and +src= are the same: give one")
	errOnlyExplain = errors.New("--listener, --source and --password-stdin need --explain")
)

// questions reads what is asked; none when nothing is. given says which flags stand
// on the command line.
func (f *checkFlags) questions(given func(flag string) bool) ([]*question, error) {
	if !given("explain") {
		if given("listener") || given("source") || f.passwordStdin {
			return nil, errOnlyExplain
		}
		return nil, nil
	}
	var all []*question
	for _, text := range f.explain {
		q, err := parseQuestion(text)
		if err != nil {
			return nil, fmt.Errorf("--explain: expected %s, got %q (%w)", questionForm, text, err)
		}
		if given("source") {
			if q.source.IsValid() {
				return nil, errTwoSources
			}
			if q.source, err = parseSource(f.source); err != nil {
				return nil, fmt.Errorf("--source: expected an address such as 192.0.2.1, got %q", f.source)
			}
		}
		q.text = text
		all = append(all, q)
	}
	return all, nil
}

// parseQuestion reads the text of --explain. A user name may have an @ of its own.
func parseQuestion(text string) (*question, error) {
	who, what, found := strings.Cut(text, "→")
	if !found {
		who, what, found = strings.Cut(text, "->")
	}
	if !found {
		return nil, errNoArrow
	}
	q := &question{}
	if i := strings.LastIndexByte(who, '@'); i >= 0 {
		q.user, who = strings.TrimSpace(who[:i]), who[i+1:]
	}
	var err error
	if q.client, err = parseClient(strings.TrimSpace(who)); err != nil {
		return nil, err
	}
	to, source, bound := strings.Cut(what, "+src=")
	if bound {
		if q.source, err = parseSource(strings.TrimSpace(source)); err != nil {
			return nil, err
		}
	}
	q.host, q.port, err = parseTarget(strings.TrimSpace(to))
	return q, err
}

func parseClient(text string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPortFrom(a.Unmap(), 0), nil
	}
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return a, errNoClient
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
}

func parseSource(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, errSource
	}
	return a.Unmap(), nil
}

func parseTarget(text string) (host string, port uint16, err error) {
	host, number, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return "", 0, errDestination
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return "", 0, errDestination
	}
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.Unmap().WithZone("").String()
	}
	return host, uint16(n), nil
}

// target is the destination as one text.
func (q *question) target() string { return net.JoinHostPort(q.host, strconv.Itoa(int(q.port))) }
