package main

import (
	"bytes"
	"os/exec"
	"testing"
)

// schemathesisChecks leaves out two of its checks: 503 is how a health check says no,
// and not every text that the schema has is an address, a duration or a log filter.
const schemathesisChecks = "not_a_server_error,positive_data_acceptance"

// TestSchemathesis has schemathesis ask the daemon for whatever its description
// allows, and much that it does not: each answer is described, and nothing fails
// inside.
func TestSchemathesis(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("thousands of requests take their time")
	}
	program, err := exec.LookPath("schemathesis")
	if err != nil {
		t.Skipf("schemathesis is not installed: %v", err)
	}
	d := startPolicy(t, onePolicy)
	base := "http://" + d.http()
	ask := exec.CommandContext(t.Context(), program, "run", base+"/api-docs/openapi.json", "--url", base, "--no-color",
		// A hand-over would leave this daemon's successor behind; it has tests of its own.
		"--exclude-path", "/api/admin/upgrade",
		"--phases", "examples,coverage,fuzzing", "--max-examples", "25", "--exclude-checks", schemathesisChecks,
		"--suppress-health-check", "all", "--request-timeout", "60", "--generation-database", "none")
	ask.Dir = t.TempDir()
	ask.SysProcAttr = diesWithParent()
	var said bytes.Buffer
	ask.Stdout, ask.Stderr = &said, &said
	if err := ask.Run(); err != nil {
		t.Errorf("schemathesis: %v\n%s", err, said.String())
	}
	for _, bad := range []string{"could not be carried out", "panic"} {
		if d.log.contains(bad) {
			t.Errorf("the log says %q; want no fault of ours", bad)
		}
	}
}
