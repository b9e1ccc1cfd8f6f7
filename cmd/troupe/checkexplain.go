package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/troupe-proxy/troupe/internal/egress"
	"github.com/troupe-proxy/troupe/internal/groups"
	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// explainer goes through a request as a connection does: the rules for clients,
// the hook for credentials, the BIND, the hook for requests, and then the rules for
// what is about to be bound and dialled. It says each step, and dials nothing.
type explainer struct {
	out      io.Writer
	hooks    *policy.Hooks
	listener *policy.Listener
	groups   *groups.Table
	set      *rules.Set
	host     rules.Host
	resolver egress.Resolver
	asked    *question
	password func() (text string, given bool, err error)

	client  netip.Addr
	prove   bool       // it comes from where nobody is served who has not authenticated
	source  netip.Addr // what it is sent from; not valid: nobody has said
	who     policy.AuthInfo
	unheard error // why the policy did not decide about the BIND
}

// explainAll answers questions about a policy that has loaded, one after the other.
// The error is errWouldRefuse if that is the answer to one of them.
func explainAll(c *cobra.Command, p *policy.Policy, all []*question, f *checkFlags) error {
	e, err := newExplainer(c, p, f)
	if err != nil {
		return err
	}
	refused := false
	for _, q := range all {
		if len(all) > 1 {
			row(e.out, "question", "%s", q.text)
		}
		err := e.explain(c.Context(), q)
		if err != nil && !errors.Is(err, errWouldRefuse) {
			return err
		}
		refused = refused || err != nil
	}
	if refused {
		return errWouldRefuse
	}
	return nil
}

// newExplainer knows all but the question.
func newExplainer(c *cobra.Command, p *policy.Policy, f *checkFlags) (*explainer, error) {
	l, err := chooseListener(p, f.listener)
	if err != nil {
		return nil, usage(err)
	}
	host, err := rules.NewHosts(rules.ReadHost, func(err error) {
		fmt.Fprintf(c.ErrOrStderr(), "not all addresses of this host are known: %v\n", err)
	})
	if err != nil {
		return nil, err
	}
	set, err := rules.Compile(&l.Rules, host)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.At, err)
	}
	var once sync.Once // standard input has one
	var text string
	var given bool
	var failed error
	password := func() (string, bool, error) {
		once.Do(func() { text, given, failed = f.password(c.InOrStdin()) })
		return text, given, failed
	}
	return &explainer{
		out: c.OutOrStdout(), hooks: p.Hooks, listener: l, groups: p.Groups, set: set, host: host, resolver: net.DefaultResolver, password: password,
	}, nil
}

// explain answers one question.
func (e *explainer) explain(ctx context.Context, q *question) error {
	one := *e // nothing of one question is known in the next
	one.asked, one.client = q, q.client.Addr().WithZone("")
	return one.run(ctx)
}

// chooseListener is the one that was named, or the only one.
func chooseListener(p *policy.Policy, named string) (*policy.Listener, error) {
	var all []string
	for i := range p.Listeners {
		l := &p.Listeners[i]
		if l.Listen == named || named == "" && len(p.Listeners) == 1 {
			return l, nil
		}
		all = append(all, l.Listen)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("--explain: %s starts no proxy listener", p.Name)
	}
	return nil, fmt.Errorf("--listener: expected one of %s, got %q", strings.Join(all, ", "), named)
}

// run goes through all steps. The error is errWouldRefuse, or why there is no
// answer.
func (e *explainer) run(ctx context.Context) error {
	row(e.out, kindOf(e.listener), "%s (%s)", e.listener.Listen, e.listener.At)
	for _, step := range []func(context.Context) error{e.connects, e.login, e.bind, e.request, e.dial} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// refuse says the answer that the client gets.
func (e *explainer) refuse(code socks5.Reply) error {
	if e.listener.Forward {
		row(e.out, "answer", "refused: reset at once")
		return errWouldRefuse
	}
	row(e.out, "answer", "refused: %02x, %s", byte(code), code)
	return errWouldRefuse
}

// failed says that a hook gave no answer, and what the client gets.
func (e *explainer) failed(about string, err error, code socks5.Reply) error {
	row(e.out, about, "the policy failed: %v", err)
	return e.refuse(code)
}

// connects judges the client's address. One from where nobody else is let in is
// served once it has authenticated.
func (e *explainer) connects(context.Context) error {
	v := e.set.Client(e.client, e.certified())
	how := v.String()
	if !v.Allowed && e.hooks.Has(policy.EventAuth) {
		if proved := e.set.Client(e.client, true); proved.Allowed {
			v, e.prove = proved, true
			how = "allowed if it gives a good password: allow_clients is not set, and it is not near this host"
		}
	}
	if e.certified() && v.Allowed {
		how += ", with a certificate that tls_client_ca vouches for"
	}
	row(e.out, "client", "%s: %s", e.client, how)
	if v.Allowed {
		return nil
	}
	row(e.out, "answer", "refused: closed without an answer")
	return errWouldRefuse
}

// certified says that a client has to show a certificate.
func (e *explainer) certified() bool { return e.listener.UseTLS && e.listener.TLSClientCA.IsSet() }

// mustLogin says whether the client is served only once it has authenticated.
func (e *explainer) mustLogin() bool { return e.listener.RequireAuth || e.prove }

// login asks the hook about the credentials, if there are any.
func (e *explainer) login(ctx context.Context) error {
	asks := e.hooks.Has(policy.EventAuth)
	switch {
	case e.listener.Forward:
		row(e.out, "login", "none: a PROXY header has no user name")
		return nil
	case e.asked.user == "" && !e.mustLogin():
		row(e.out, "login", "none: the client gives no user name, and none is required")
		return nil
	case e.asked.user == "":
		row(e.out, "login", "missing: the client gives no user name")
		row(e.out, "answer", "refused: no acceptable authentication method (ff), closed")
		return errWouldRefuse
	case !asks && !e.mustLogin():
		row(e.out, "login", "not asked for: the policy has no hook %s, and the client is served without", policy.EventAuth)
		return nil
	case !asks:
		return e.refuseLogin("nobody can be let in: the policy has no hook " + policy.EventAuth)
	}
	password, given, err := e.password()
	switch {
	case err != nil:
		return usage(err)
	case !given:
		return usage(fmt.Errorf("--explain: the hook %s needs a password: set $%s, or give --password-stdin", policy.EventAuth, passwordName))
	}
	e.who, err = e.hooks.Authenticate(ctx, e.asked.user, password, e.meta())
	switch {
	case errors.Is(err, policy.ErrRefused):
		return e.refuseLogin("refused by " + policy.EventAuth)
	case err != nil:
		return e.refuseLogin(fmt.Sprintf("the policy failed: %v", err))
	}
	row(e.out, "login", "%s: allowed by %s%s", e.asked.user, policy.EventAuth, identity(e.who))
	return nil
}

func (e *explainer) refuseLogin(why string) error {
	row(e.out, "login", "%s: %s", e.asked.user, why)
	row(e.out, "answer", "refused: authentication failed (01 01), closed")
	return errWouldRefuse
}

// identity says who a client is, as far as that is not its user name alone.
func identity(who policy.AuthInfo) string {
	text := " as " + who.User()
	if len(who.Groups) > 0 {
		text += ", groups " + strings.Join(who.Groups, ", ")
	}
	return text
}

// meta is what the hooks are told of the connection.
func (e *explainer) meta() policy.ConnMeta {
	local, err := netip.ParseAddrPort(e.listener.Listen)
	if err != nil { // a name, whose address no hook should go by
		local = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	return policy.ConnMeta{Peer: e.asked.client, Local: local}
}
