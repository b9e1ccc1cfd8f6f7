package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-proxy/troupe/actors"
)

var errServesNobody = errors.New("the policy starts no listener")

// dryRun loads the policy, reads the certificates that it names, and says what
// would be started. It opens no socket, so that it can run beside the daemon.
func dryRun(ctx context.Context, s *source, p process) error {
	l, err := s.load(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	d, err := actors.Check(l.Policy)
	if err != nil {
		return err
	}
	if d.Empty() {
		return fmt.Errorf("%s: %w", l.Name, errServesNobody)
	}
	for _, line := range d.Lines() {
		fmt.Fprintln(p.stdout, line)
	}
	return nil
}
