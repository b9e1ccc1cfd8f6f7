package main

import (
	"context"
	"net/netip"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// bind judges the source that the client asks for. A hook that fails does not make
// a BIND fail, since an MTA would suspend the address; the CONNECT fails for it.
func (e *explainer) bind(ctx context.Context) error {
	e.source = e.asked.source
	if !e.source.IsValid() {
		return nil
	}
	if e.hooks.Has(policy.EventRequest) {
		d, err := e.hooks.Request(ctx, policy.RequestInfo{Source: e.source, Auth: e.who}, e.meta())
		switch {
		case err != nil:
			e.unheard = err
			row(e.out, "bind", "%s: the policy failed, which the CONNECT answers for: %v", e.source, err)
		default:
			if err := e.decided("bind", e.source.String(), d); err != nil {
				return err
			}
		}
	}
	v := e.set.Source(e.source)
	row(e.out, "bind", "%s: %s", e.source, v)
	if !v.Allowed {
		return e.refuse(v.Reason.Reply())
	}
	e.noteUnplumbed(e.source)
	return nil
}

// noteUnplumbed says that a source is not on the host where this runs, which may
// be another one than that of the daemon.
func (e *explainer) noteUnplumbed(source netip.Addr) {
	if !source.IsUnspecified() && !e.host.Local(source) {
		row(e.out, "note", "%s is not an address of this host, where the answer would be %02x", source, byte(socks5.GeneralFailure))
	}
}

// decided follows what the hook for requests has said.
func (e *explainer) decided(about, what string, d policy.Decision) error {
	if d.Deny {
		why := ""
		if d.Why != "" {
			why = ": " + d.Why
		}
		row(e.out, about, "%s: denied by %s%s", what, policy.EventRequest, why)
		return e.refuse(socks5.NotAllowed)
	}
	text := "passed by " + policy.EventRequest
	if d.Source.IsValid() {
		e.source = d.Source
		text += ", source " + d.Source.String()
	}
	if d.Destination.IsValid() {
		e.asked.host, e.asked.port = d.Destination.Addr().String(), d.Destination.Port()
		text += ", destination " + d.Destination.String()
	}
	row(e.out, about, "%s: %s", what, text)
	return nil
}

// request asks the hook about the CONNECT, and judges what it is sent from.
func (e *explainer) request(ctx context.Context) error {
	if e.unheard != nil {
		return e.failed("connect", e.unheard, socks5.GeneralFailure)
	}
	group := e.group()
	if group != "" {
		row(e.out, "group", "%s: %s", e.asked.target(), group)
	}
	if e.hooks.Has(policy.EventRequest) {
		d, err := e.hooks.Request(ctx, policy.RequestInfo{
			Connect: true, Host: e.asked.host, Port: e.asked.port, Group: group, Source: e.source, Auth: e.who,
		}, e.meta())
		if err != nil {
			return e.failed("connect", err, socks5.GeneralFailure)
		}
		if err := e.decided("connect", e.asked.target(), d); err != nil {
			return err
		}
	}
	v := e.set.Unbound()
	if e.source.IsValid() {
		v = e.set.Source(e.source)
	}
	if !v.Allowed {
		row(e.out, "source", "%s", v)
		return e.refuse(v.Reason.Reply())
	}
	if e.source.IsValid() && e.source != e.asked.source {
		row(e.out, "source", "%s: %s", e.source, v)
		e.noteUnplumbed(e.source)
	}
	return nil
}

// group is that of the destination, as far as it says that itself.
func (e *explainer) group() string {
	if a, err := netip.ParseAddr(e.asked.host); err == nil {
		return e.groups.Title(e.groups.Address(a))
	}
	return e.groups.Title(e.groups.Name(e.asked.host))
}

// dial judges each address of the destination.
func (e *explainer) dial(ctx context.Context) error {
	addrs, err := e.addresses(ctx)
	if err != nil {
		return err
	}
	family := egress.FamilyOf(e.source)
	chosen, chooses := e.set.Chooses()
	if chooses = chooses && (!e.source.IsValid() || e.source.IsUnspecified()); chooses {
		family = chosen
	}
	result, dialled := egress.FamilyMismatch, 0
	for _, a := range addrs {
		to := netip.AddrPortFrom(a, e.asked.port)
		v := e.set.Destination(e.client, to)
		switch {
		case !v.Allowed:
			result = egress.Denied
			row(e.out, "address", "%s: %s", to, v)
		case family != egress.Any && family != egress.FamilyOf(a):
			row(e.out, "address", "%s: %s, but out of reach: the source is of %s", to, v, family)
		default:
			row(e.out, "address", "%s: %s, from %s", to, v, e.from(chooses, a))
			dialled++
		}
	}
	if dialled == 0 {
		return e.refuse(result.Reply())
	}
	if e.listener.Forward {
		row(e.out, "answer", "dialled")
	} else {
		row(e.out, "answer", "dialled; %02x when it connects", byte(socks5.Succeeded))
	}
	return nil
}

// from is the source for an address, for a person.
func (e *explainer) from(chooses bool, to netip.Addr) string {
	switch {
	case chooses:
		source, _ := e.set.Choose(e.client, to, nil)
		if e.listener.Rules.SourceChoice == rules.RoundRobin {
			return source.String() + " or another, by turns"
		}
		return source.String()
	case e.source.IsValid() && !e.source.IsUnspecified():
		return e.source.String()
	}
	return "the address that the routes of the host choose"
}

// addresses are those of the destination, once it is known that it may be looked
// up.
func (e *explainer) addresses(ctx context.Context) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(e.asked.host); err == nil {
		return []netip.Addr{a}, nil
	}
	if e.listener.Forward {
		row(e.out, "name", "%s: a PROXY header has addresses alone", e.asked.target())
		return nil, e.refuse(socks5.AddressNotSupported)
	}
	v := e.set.Name(e.asked.port)
	row(e.out, "name", "%s: %s", e.asked.target(), v)
	if !v.Allowed {
		return nil, e.refuse(v.Reason.Reply())
	}
	ctx, cancel := context.WithTimeout(ctx, e.listener.ConnectTimeout)
	defer cancel()
	var all []netip.Addr
	var failed error
	egress.Resolve(ctx, e.resolver, e.asked.host, egress.Any, func(found []netip.Addr, _ bool, err error) {
		all = append(all, found...)
		failed = err
	})
	if failed != nil {
		result := egress.Classify(failed)
		row(e.out, "name", "%s: %s", e.asked.host, result)
		return nil, e.refuse(result.Reply())
	}
	return all, nil
}
