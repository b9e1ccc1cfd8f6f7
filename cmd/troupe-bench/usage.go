package main

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// usageReading is what a proxy's processes have used and hold.
type usageReading struct {
	processor time.Duration // user and system, children that have ended included
	resident  int64         // bytes
	files     int           // open descriptors
}

// errNoUsage: there is no process id, or no /proc to read.
var errNoUsage = errors.New("what the proxy uses cannot be read")

// usage reads what the proxy's processes have used. It is errNoUsage where
// that is not to be known.
func (p *subject) usage() (usageReading, error) {
	if p.pid == 0 {
		return usageReading{}, fmt.Errorf("%w: its process id is not known", errNoUsage)
	}
	return readUsage(p.pid)
}

const (
	ownFiles   = 2    // of a session in this program: its client's and its server's
	spareFiles = 1024 // for all else
)

// makeRoom raises the limit on open files to what sessions held open need, for
// this process and those it starts, and lowers the counts if that is refused.
func (o *options) makeRoom(b *board) error {
	if !slices.ContainsFunc(o.selected, func(w workload) bool { return w.holds }) {
		o.sizes.idle = countPair{} // nothing to make room for
	}
	limit, err := raiseFileLimit(ownFiles*max(o.sizes.idle.high, o.sizes.clients, o.sizes.trippers) + spareFiles)
	if err != nil {
		return fmt.Errorf("RLIMIT_NOFILE: %w", err)
	}
	if limit == 0 {
		return nil // no such limit here
	}
	o.sizes.files = limit
	if fits := o.sizes.idle.capped((limit - spareFiles) / ownFiles); fits != o.sizes.idle {
		b.note("idle: %s sessions instead of %s, since RLIMIT_NOFILE is %d and cannot be raised",
			&fits, &o.sizes.idle, limit)
		o.sizes.idle = fits
	}
	return nil
}
