package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

func parseYAML(text []byte) (any, error) {
	if err := checkUTF8(text); err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := d.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, yamlError(err)
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, yamlError(err)
		}
		return nil, &textError{line: second.Line, err: errSecondText}
	}
	w := yamlReader{open: map[*yaml.Node]bool{}}
	return w.read(&document)
}

// yamlError takes the line out of an error of the library, which has it in its
// text alone.
func yamlError(err error) error {
	bad := &textError{err: errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}
	if n, _ := fmt.Sscanf(bad.err.Error(), "line %d:", &bad.line); n == 1 {
		_, rest, _ := strings.Cut(bad.err.Error(), ": ")
		bad.err = errors.New(rest)
	}
	return bad
}

// maxYAMLValues is how many values are written as YAML, for which the library
// takes eight times as long as for JSON.
const maxYAMLValues = 128 << 10

// yaml is an argument as YAML.
func (c *call) yaml(n int) string {
	var out strings.Builder
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	e.CompactSeqIndent()
	if err := e.Encode(c.plain(n, maxYAMLValues)); err != nil {
		c.bad(n, "%s", err)
	}
	if err := e.Close(); err != nil {
		c.bad(n, "%s", err)
	}
	return out.String()
}
