//go:build manual

package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/troupe-proxy/troupe/internal/manual"
)

// main, with -tags manual, writes the manual pages and the completions of the
// command line below a directory, and serves nobody. The pages have the date of
// $SOURCE_DATE_EPOCH: https://reproducible-builds.org/specs/source-date-epoch/
func main() {
	if err := writeManual(os.Args[1:], os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1) //nolint:forbidigo // nothing was deferred
	}
}

func writeManual(args []string, epoch string) error {
	if len(args) != 1 {
		return fmt.Errorf("expected the directory to write to, got %d arguments", len(args))
	}
	date := time.Now()
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH: expected seconds since 1970, got %q", epoch)
		}
		date = time.Unix(seconds, 0)
	}
	return manual.Write(newCommand(nil), args[0], date.UTC(), version)
}
