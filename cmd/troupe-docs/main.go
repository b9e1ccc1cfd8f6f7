// Command troupe-docs writes the documentation that is made from tables in the
// code: docs/policy.md, the stubs in lua/types and packaging/policy.lua. It is run
// in the root of the repository after such a table has changed, and needs nothing
// else.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/troupe-proxy/troupe/lua/modules/reference"
	"github.com/troupe-proxy/troupe/lua/policy"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// files are the texts by their path from the root of the repository.
func files() (map[string][]byte, error) {
	return reference.Files(policy.Reference())
}

// write writes all files below a directory.
func write(root string) error {
	all, err := files()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, all[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
