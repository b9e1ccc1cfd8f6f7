package policy

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/access"
	"github.com/troupe-proxy/troupe/internal/acctlog"
)

var (
	errLogPlace = errors.New("call it in " + proxyInit + ", and nowhere else")
	errLogTwice = errors.New("called a second time; there is one accounting log")
)

// configureLog is kumo.aaa.configure_acct_log. The log begins when the policy is in
// force.
func configureLog(L *lua.LState, c acctlog.Config) error {
	s := stateOf(L)
	h := s.program.hooks
	switch {
	case s.loading == nil || s.event != proxyInit:
		return errLogPlace
	case h.acctLog != nil:
		return errLogTwice
	}
	h.acctLog = &c
	return nil
}

// acct is the accounting log of the process; nil when there is none.
func (h *Hooks) acct() *acctlog.Log {
	if h == nil {
		return nil
	}
	return h.program.options.AcctLog
}

// Remembered tells the accounting log of a SOCKS client that was let in because
// its credentials had been good before.
func (h *Hooks) Remembered(user string, info AuthInfo, meta ConnMeta) {
	h.recordAuth(user, info, true, meta)
}

// recordAuth tells the accounting log of a SOCKS client that has tried to log in.
func (h *Hooks) recordAuth(user string, info AuthInfo, ok bool, meta ConnMeta) {
	who := access.Auth{Peer: meta.Peer.Addr().Unmap().WithZone(""), Groups: info.Groups}
	for _, id := range info.Identities {
		who.Identities = append(who.Identities, access.Identity(id))
	}
	h.acct().Authentication(acctlog.Authentication{
		Attempted: access.Identity{Identity: user, Context: proxyAuth}, Success: ok, Who: who,
	})
}
