package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// patience bounds every wait of these tests; only a test that fails uses it up.
const patience = 20 * time.Second

// TestMain puts the real main into the path as the command "troupe-bench", and
// beside it a "troupe" that is the io.Copy proxy.
func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"troupe-bench": main, "troupe": standIn})
}

// standIn is started as Troupe is: with --listen and an address.
func standIn() {
	if code := run([]string{ioCopyName, os.Args[2]}, os.Stdout, os.Stderr); code != exitOK {
		panic("the stand-in for troupe failed")
	}
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

// newGuard starts a guard until the test ends.
func newGuard(t *testing.T) *guard {
	t.Helper()
	self, err := exec.LookPath("troupe-bench")
	must(t, err)
	g, err := startGuard(self)
	must(t, err)
	t.Cleanup(g.close)
	return g
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
