//go:build !linux

package main

import "fmt"

// readUsage: there is no /proc of this form.
func readUsage(int) (usageReading, error) {
	return usageReading{}, fmt.Errorf("%w: that needs Linux", errNoUsage)
}

// raiseFileLimit leaves the limit as the runtime has set it, which raises it
// by itself; 0 is not known.
func raiseFileLimit(int) (int, error) { return 0, nil }

func kernel() string { return "" }
