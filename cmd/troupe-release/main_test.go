package main

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// TestSBOM reads back what is said of a binary that consists of the modules of
// this one.
func TestSBOM(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.1",
		Main:      debug.Module{Path: "example.com/main", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.com/a", Version: "v1.2.3+incompatible", Sum: "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
			{Path: "example.com/b", Replace: &debug.Module{Path: "example.com/c", Version: "v0.1.0", Sum: "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}},
		},
		Settings: []debug.BuildSetting{{Key: "GOARCH", Value: "arm64"}, {Key: "-ldflags", Value: "-X main.secret=1"}},
	}
	var out bytes.Buffer
	if err := writeSBOM(&out, info); err != nil {
		t.Fatal(err)
	}
	var got bom
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range got.Components {
		names = append(names, c.PURL)
	}
	want := "pkg:golang/std@1.26.1 pkg:golang/example.com/a@v1.2.3%2Bincompatible pkg:golang/example.com/c@v0.1.0"
	if strings.Join(names, " ") != want {
		t.Errorf("got %s; want %s", names, want)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of nothing
	if h := got.Components[1].Hashes; len(h) != 1 || h[0].Content != empty {
		t.Errorf("got hashes %v; want %s", h, empty)
	}
	if notes := got.Metadata.Component.Notes; len(notes) != 1 || notes[0].Value != "arm64" {
		t.Errorf("got %v; want what the build was for, and no flags", notes)
	}
	info.Deps[0].Sum = "h2:?"
	if err := writeSBOM(&out, info); err == nil || !strings.Contains(err.Error(), "example.com/a") {
		t.Errorf("got %v; want the module named whose sum is none", err)
	}
}

// TestRun: this test is itself a program built by Go.
func TestRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for args, want := range map[string]string{"sbom " + self: "CycloneDX", "licences " + self: "=== Go, go1."} {
		out.Reset()
		command, path, _ := strings.Cut(args, " ")
		if err := run([]string{command, path}, &out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: error %v, %d bytes; want %q in it", command, err, out.Len(), want)
		}
	}
	for _, args := range [][]string{nil, {"sbom"}, {"bill", self}, {"sbom", "main.go"}, {"sbom", "gone"}} {
		if err := run(args, &out); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

// TestLicenceMissing: a module without a licence must not go unnoticed.
func TestLicenceMissing(t *testing.T) {
	if err := writeTexts(&bytes.Buffer{}, "example", t.TempDir()); err == nil {
		t.Error("a module without a licence was taken")
	}
}
