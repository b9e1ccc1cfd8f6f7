package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

// bom is a document by https://cyclonedx.org/docs/1.5/json/. It has no serial
// number and no time: both would differ from build to build.
type bom struct {
	Format     string      `json:"bomFormat"`
	Version    string      `json:"specVersion"`
	Revision   int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string     `json:"type"`
	Name    string     `json:"name"`
	Version string     `json:"version,omitempty"`
	PURL    string     `json:"purl"`
	Hashes  []hash     `json:"hashes,omitempty"`
	Notes   []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// writeSBOM lists the modules of a binary and the Go release that built it.
func writeSBOM(out io.Writer, info *debug.BuildInfo) error {
	main := component{Type: "application", Name: info.Main.Path, Version: info.Main.Version, PURL: purl(&info.Main)}
	for _, s := range info.Settings {
		if strings.HasPrefix(s.Key, "GO") || s.Key == "CGO_ENABLED" {
			main.Notes = append(main.Notes, property{"build:" + s.Key, s.Value})
		}
	}
	b := bom{Format: "CycloneDX", Version: "1.5", Revision: 1, Metadata: metadata{main}}
	release := strings.TrimPrefix(info.GoVersion, "go")
	b.Components = append(b.Components, component{Type: "library", Name: "std", Version: release, PURL: "pkg:golang/std@" + release})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		one := component{Type: "library", Name: m.Path, Version: m.Version, PURL: purl(m)}
		sum, err := moduleHash(m.Sum)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		one.Hashes = []hash{{"SHA-256", sum}}
		b.Components = append(b.Components, one)
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(b)
}

// purl names a module by https://github.com/package-url/purl-spec.
func purl(m *debug.Module) string {
	if m.Version == "" || m.Version == "(devel)" {
		return "pkg:golang/" + m.Path
	}
	return "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
}

// moduleHash is a sum as go.sum has it, in hexadecimal.
func moduleHash(sum string) (string, error) {
	text, found := strings.CutPrefix(sum, "h1:")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil {
		return "", fmt.Errorf("expected the sum of a module, got %q", sum)
	}
	return hex.EncodeToString(raw), nil
}
