package engine

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// difference is where a script gives something else here than in the reference
// implementation, on purpose or because gopher-lua cannot be made to.
type difference struct{ script, theirs, ours, why string }

// differences are all there are. Each row must be needed.
var differences = []difference{
	{"base_tostring.lua", "16777216.0\t", "16777216\t", "integers and floats are one type: 2^24 is whole, and prints as such"},
}

// volatile is what no two runs share.
var volatile = regexp.MustCompile(`0x[0-9a-f]{6,}`)

// TestLikeReference runs every script here and in lua5.4, and compares what they
// print and the error that ends them.
func TestLikeReference(t *testing.T) {
	reference, err := exec.LookPath("lua5.4")
	if err != nil {
		t.Skip("lua5.4 is not installed")
	}
	scripts, err := filepath.Glob("testdata/*.lua")
	if err != nil || len(scripts) < 130 {
		t.Fatalf("scripts: got %d, %v; want at least 130", len(scripts), err)
	}
	for _, path := range scripts {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".lua"), func(t *testing.T) {
			want := volatile.ReplaceAllString(runReference(t, reference, name), "0x")
			for _, d := range differences {
				if d.script != name {
					continue
				}
				if !strings.Contains(want, d.theirs) {
					t.Errorf("the difference %q (%s) is not there any more", d.theirs, d.why)
				}
				want = strings.ReplaceAll(want, d.theirs, d.ours)
			}
			got := volatile.ReplaceAllString(runScript(t, path, name), "0x")
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s\nfirst difference: %s", got, want, firstDifference(got, want))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got " + g[i] + "; want " + w[i]
		}
	}
	return "one ends early"
}

func runReference(t *testing.T, binary, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, name)
	cmd.Dir = "testdata"
	cmd.Env = []string{"TZ=UTC", "LC_ALL=C", "PATH=/usr/bin:/bin", "TROUPE_TEST=value", "TMPDIR=" + t.TempDir()}
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		message, _, _ := strings.Cut(strings.TrimPrefix(problem.String(), binary+": "), "\nstack traceback:")
		out.WriteString("ERROR " + message + "\n")
	} else {
		out.Write(problem.Bytes())
	}
	return out.String()
}

func runScript(t *testing.T, path, name string) string {
	t.Helper()
	t.Setenv("TROUPE_TEST", "value")
	t.Setenv("TMPDIR", t.TempDir())
	t.Chdir("testdata")
	var out, problem bytes.Buffer
	L := New(Options{Stdout: &out, Stderr: &problem})
	defer Close(L)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	L.SetContext(ctx)
	chunk, err := compileFile(name)
	if err != nil {
		t.Fatal(path, err)
	}
	var failure *RunError
	if _, err := Call(L, L.NewFunctionFromProto(chunk), lua.MultRet); errors.As(err, &failure) {
		out.WriteString("ERROR " + failure.Message + "\n")
	} else if err != nil {
		t.Fatal(err)
	} else {
		out.Write(problem.Bytes())
	}
	return out.String()
}
