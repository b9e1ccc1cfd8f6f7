package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmePolicy: the policy on the first page is the minimal example, and
// runs as it stands there.
func TestReadmePolicy(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	example, err := os.ReadFile("../../lua/examples/minimal.lua")
	must(t, err)
	_, rest, _ := strings.Cut(string(readme), "```lua\n")
	policy, _, found := strings.Cut(rest, "\n```")
	if !found {
		t.Fatal("README.md has no block of Lua")
	}
	if policy != strings.TrimSpace(string(example)) {
		t.Errorf("README.md has the policy\n%s\nwant that of lua/examples/minimal.lua\n%s", policy, example)
	}

	// Its ports may be in use here.
	ports := regexp.MustCompile(`:\d+'`)
	if n := len(ports.FindAllString(policy, -1)); n != 2 {
		t.Fatalf("got %d addresses in the policy; want 2", n)
	}
	d, echo := startPolicy(t, ports.ReplaceAllString(policy, ":0'")), newEcho(t)
	c, _ := connect(t, d.socks(), echo.address)
	exchange(t, c, "echo", []byte("hello"), []byte("hello"))
	if status, _ := d.get("/metrics"); status != 200 {
		t.Errorf("/metrics: got %d; want 200", status)
	}
}
