// Command troupe-bench measures SOCKS5 proxies from outside: what they deliver
// and what it costs them.
//
// It brings the clients and the servers behind the proxy, so that the proxy is
// the only other program at work; all of it is on the loopback device. It
// measures one proxy that runs (--proxy), or starts Troupe and the proxies it
// finds installed, and sets them side by side (--compare).
//
// From the request to the table:
//
//	flags.go     the command line                      → options
//	compare.go   rounds × workloads × proxies, or one  → board
//	peers.go     how each proxy is started; child.go starts and ends it, and guard.go
//	             does when this program is killed
//	workload*.go the loads; load.go runs one, sink*.go is what they talk to
//	procfs*.go   what it cost the proxy, by /proc
//	board.go     medians and ratios                    → report
//	table.go     text, Markdown, JSON
//
// It takes no figure from a proxy's own mouth, sends nothing to another host,
// and does not judge: a ratio is printed whichever way it falls.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // nothing could be measured, or Troupe failed in a workload
	exitUsage  = 2 // the command line makes no sense
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it. A signal ends what runs, children
// included, before run returns.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := newCommand(func(ctx context.Context, o *options) error { return bench(ctx, o, stdout, stderr) })
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)
	err := command.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "troupe-bench: interrupted")
		return exitFailed
	case errors.As(err, &usageError{}):
		fmt.Fprintf(stderr, "Error: %v\nTry 'troupe-bench --help'.\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "Error: %v\n", err)
	return exitFailed
}

// errSubject: the table is printed, but has a hole where it matters.
var errSubject = errors.New("not every workload could be measured; see the notes")

// bench measures what the options ask for and prints the report.
func bench(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	b := newBoard(o.selected)
	if err := o.makeRoom(b); err != nil {
		return err
	}
	measure := measureOne
	if o.compare {
		measure = compare
	}
	if err := measure(ctx, o, b, stderr); err != nil {
		return err
	}
	r := b.report(thisMachine(), o)
	if err := r.write(stdout, o.format); err != nil {
		return err
	}
	if b.failed(b.subjects[0]) {
		return errSubject
	}
	return nil
}
