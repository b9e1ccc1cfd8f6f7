//go:build !manual

// Command troupe is a SOCKS5 egress proxy for mail servers.
//
// It reads flags and environment, loads the policy, opens the sockets, starts
// the tree of actors and waits for a signal. What each of these does is said
// in the packages; this one only joins them.
package main

import (
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], process{stdout: os.Stdout, stderr: os.Stderr, lookup: os.LookupEnv}))
}
