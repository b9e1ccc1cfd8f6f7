// Command troupe-release writes what a release says about a binary, from what the
// Go linker has noted in it: its bill of materials as CycloneDX, and the licences of
// the modules that it consists of.
//
//	troupe-release sbom BINARY       CycloneDX 1.5 as JSON
//	troupe-release licences BINARY   the texts, out of the module cache
//
// Both go to standard output, and are the same bytes for the same binary. It
// downloads nothing and belongs to no running daemon.
package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
)

var errUsage = errors.New("usage: troupe-release sbom|licences BINARY")

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return errUsage
	}
	info, err := buildinfo.ReadFile(args[1])
	if err != nil {
		return fmt.Errorf("%s: expected a program built by Go: %w", args[1], err)
	}
	switch args[0] {
	case "sbom":
		return writeSBOM(out, info)
	case "licences":
		return writeLicences(out, info)
	}
	return errUsage
}
