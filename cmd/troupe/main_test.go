package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain puts the real main into the path as the command "troupe": scripts
// and tests start it as a process of its own, as an operator does. Clients of a
// process of their own are the command "crowd".
func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"troupe": main, "crowd": crowdMain})
}

// leakChecked fails a run after which a goroutine of the tests is still there.
type leakChecked struct{ *testing.M }

func (l leakChecked) Run() int {
	code := l.M.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
