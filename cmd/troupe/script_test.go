package main

import (
	"errors"
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the stories of the command line. What starts and stays is
// told by Go tests instead, since it needs clients.
//
// Beside testscript's own commands there are:
//
//	exits CODE PROGRAM ARGS...  run it; it must end with the code, and unready
//	occupy NAME                 set NAME to an address on which somebody listens
//	reserve NAME                set NAME to an address that is free
//	available ADDRESS           fail unless one can listen on it
//	answers PATH                wait until somebody listens on the Unix socket
func TestScripts(t *testing.T) {
	t.Parallel()
	// A daemon that ought to have refused to start would stay for ever. The scripts
	// wait for their turn beside the other tests, which may take minutes.
	deadline, ok := t.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Hour)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Deadline:            deadline.Add(-patience),
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, quickExit)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     scriptExits,
			"occupy":    scriptOccupy,
			"reserve":   scriptReserve,
			"available": scriptAvailable,
			"answers":   scriptAnswers,
		},
	})
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("got exit code %d; want %d", got, want)
	}
	// Whoever waits for this line must not take a failed start for a good one.
	if s := ts.ReadFile("stderr"); want != 0 && strings.Contains(s, "initialization complete") {
		ts.Fatalf("a start that failed says that it is complete")
	}
}

func scriptOccupy(ts *testscript.TestScript, _ bool, args []string) {
	l := scriptListen(ts, "127.0.0.1:0")
	ts.Defer(func() { ts.Check(l.Close()) })
	ts.Setenv(args[0], l.Addr().String())
}

func scriptReserve(ts *testscript.TestScript, _ bool, args []string) {
	address := "127.0.0.1:0"
	if runtime.GOOS == "linux" {
		address = "127.0.0.9:0" // where no other test is given the port meanwhile
	}
	l := scriptListen(ts, address)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

func scriptAvailable(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(scriptListen(ts, args[0]).Close())
}

func scriptListen(ts *testscript.TestScript, address string) net.Listener {
	l, err := net.Listen("tcp", address)
	ts.Check(err)
	return l
}

func scriptAnswers(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); ; <-tick.C {
		c, err := net.Dial("unix", args[0])
		if err == nil {
			ts.Check(c.Close())
			return
		}
		if time.Now().After(limit) {
			ts.Fatalf("nobody listens: %v", err)
		}
	}
}
