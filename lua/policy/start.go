package policy

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// starter is one of the listener functions. It opens nothing: it checks the
// parameters and keeps them for the Policy.
func starter(function string, keep func(*load, *decoder, *lua.LTable)) func(*state, *lua.LState) int {
	return func(s *state, L *lua.LState) int {
		switch {
		case s.event == "":
			s.refuse(L, function, "called at the top level of the policy; move it into kumo.on('"+proxyInit+"', function() ... end)")
		case s.loading == nil || s.event != proxyInit:
			s.refuse(L, function, "called in the "+s.event+" handler; listeners are started in proxy_init alone")
		}
		table, ok := L.Get(1).(*lua.LTable)
		if !ok {
			s.refuse(L, function, "expected a table of parameters, got "+describe(L.Get(1)))
		}
		d := s.decoder(s.caller(L), function)
		keep(s.loading, d, table)
		if errs := d.errors(); errs != nil {
			s.raise(L, errs)
		}
		return 0
	}
}

func (s *state) decoder(at Position, function string) *decoder {
	return &decoder{
		at:       at,
		function: function,
		loader:   s.program.hooks.loader(),
		places: func() literal {
			return s.program.chunks.literal(at, function[strings.LastIndexByte(function, '.')+1:])
		},
	}
}

func (l *load) startListener(d *decoder, t *lua.LTable) {
	listener := d.listener(t)
	if l.taken.claim(d, "listen", listener.Listen) {
		l.policy.Listeners = append(l.policy.Listeners, listener)
	}
}

func (l *load) startForward(d *decoder, t *lua.LTable) {
	listener := d.forward(t)
	if l.taken.claim(d, "listen", listener.Listen) {
		l.policy.Listeners = append(l.policy.Listeners, listener)
	}
}

func (l *load) startHTTP(d *decoder, t *lua.LTable) {
	listener := d.http(t)
	if l.taken.claim(d, "listen", listener.Listen) {
		l.policy.HTTP = append(l.policy.HTTP, listener)
	}
}

// addresses has who listens on what, so that the second to ask is told of the
// first instead of "address already in use".
type addresses map[string]claim

type claim struct {
	function string
	at       Position
}

// claim takes an address for the call that was decoded, and says whether the
// call had no mistake at all: a policy may catch the error and go on, and what
// was refused must not be there then. With port 0 the kernel gives each its own.
func (a addresses) claim(d *decoder, key, listen string) bool {
	address, fixed, err := canonicalListen(listen)
	switch first, taken := a[address]; {
	case !taken || err != nil || !fixed:
	case first.at.Line == 0:
		d.fail(key, "%s is given twice", quote(listen))
	default:
		d.fail(key, "%s is already taken by %s at %s", quote(listen), first.function, first.at)
	}
	if len(d.list) > 0 {
		return false
	}
	a[address] = claim{function: d.function, at: d.at}
	return true
}
