package policy

import (
	"time"

	"github.com/troupe-proxy/troupe/lua/duration"
)

// FromFlags makes the Policy of the flags --listen (one SOCKS listener for each
// address), --timeout-seconds and --no-splice (splice is its opposite). There is
// no HTTP listener and no hook. Values are checked like those of a policy file,
// and never pass through Lua text. Name is "(command line)" and SHA256 is empty.
// The error is an Errors.
func FromFlags(listen []string, timeout time.Duration, splice bool) (*Policy, error) {
	at := Position{File: "command line"}
	p := &Policy{Name: "(command line)"}
	var errs Errors
	refuse := func(flag, message string) {
		errs = append(errs, &Error{Position: at, Function: flag, Msg: message})
	}
	if len(listen) == 0 {
		refuse("--listen", "expected at least one address")
	}
	if what := checkDuration(timeout, shortestTimeout, longestTimeout, 1); what != "" {
		refuse("--timeout-seconds", "expected "+what+", got "+duration.Format(timeout))
	}
	taken := addresses{}
	for _, address := range listen {
		d := &decoder{at: at, function: "--listen"}
		d.address("", address)
		l := defaultListener(at)
		l.Listen, l.Timeout, l.UseSplice = address, timeout, splice
		l.ConnectTimeout = min(l.ConnectTimeout, timeout)
		if taken.claim(d, "", address) {
			p.Listeners = append(p.Listeners, l)
		}
		errs = append(errs, d.errors()...)
	}
	if errs != nil {
		return nil, errs
	}
	return p, nil
}
