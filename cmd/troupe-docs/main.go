// Command troupe-docs writes the files that are made from tables in the code: the
// documentation and the policy of the packages from those of what a policy can say,
// docs/metrics.md and the dashboard from the metrics of the daemon. It is run in the
// root of the repository after such a table has changed, and needs Go alone.
package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/troupe-proxy/troupe/internal/metricdoc"
	"github.com/troupe-proxy/troupe/lua/modules/reference"
	"github.com/troupe-proxy/troupe/lua/policy"
)

func main() {
	if err := write(".", "."); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// files are the texts by their path from the root of the repository, which is at
// source.
func files(source string) (map[string][]byte, error) {
	all, err := reference.Files(policy.Reference())
	if err != nil {
		return nil, err
	}
	families, err := metrics(source)
	if err != nil {
		return nil, err
	}
	all["docs/metrics.md"] = metricdoc.Page(families)
	all["packaging/grafana/troupe-dashboard.json"], err = metricdoc.Dashboard(families)
	return all, err
}

// metrics has the daemon itself say what it counts.
func metrics(source string) ([]metricdoc.Family, error) {
	c := exec.Command("go", "run", "./cmd/troupe", "--dump-metric-metadata")
	c.Dir, c.Stderr = source, os.Stderr
	dump, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go run ./cmd/troupe: %w", err)
	}
	return metricdoc.Parse(dump)
}

// write writes all files below a directory.
func write(source, root string) error {
	all, err := files(source)
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
