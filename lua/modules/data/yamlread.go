package data

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/troupe-proxy/troupe/lua/value"
)

// yamlReader makes plain Go of a tree of nodes. The library could, but compares
// each key of a mapping with all others, and lets aliases grow a few lines into
// gigabytes.
type yamlReader struct {
	open  map[*yaml.Node]bool // the nodes around the one being read
	count int
}

func (r *yamlReader) read(n *yaml.Node) (any, error) {
	refuse := func(err error) (any, error) { return nil, &textError{line: n.Line, column: n.Column, err: err} }
	switch r.count++; {
	case r.count > value.MaxValues:
		return refuse(errTooMany)
	case r.open[n]:
		return refuse(errOwnAlias)
	case len(r.open) > 2*value.MaxDepth: // an alias takes a step besides what it stands for
		return refuse(errTooDeep)
	}
	r.open[n] = true
	defer delete(r.open, n)
	switch n.Kind {
	case yaml.DocumentNode:
		return r.read(n.Content[0])
	case yaml.AliasNode:
		return r.read(n.Alias)
	case yaml.SequenceNode:
		return r.sequence(n)
	case yaml.MappingNode:
		return r.mapping(n)
	}
	return scalar(n)
}

// scalar leaves dates the text that they are written as.
func scalar(n *yaml.Node) (v any, err error) {
	if n.ShortTag() == "!!timestamp" {
		return n.Value, nil
	}
	if err := n.Decode(&v); err != nil {
		// The error of the library shows the value.
		return nil, &textError{line: n.Line, column: n.Column, err: fmt.Errorf("not a value of type %s", n.ShortTag())}
	}
	return v, nil
}

func (r *yamlReader) sequence(n *yaml.Node) (any, error) {
	list := make([]any, len(n.Content))
	for i, element := range n.Content {
		var err error
		if list[i], err = r.read(element); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// mapping reads keys as text. What is merged into it (<<) gives way to its own keys.
func (r *yamlReader) mapping(n *yaml.Node) (any, error) {
	fields := make(map[string]any, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, element := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, element)
			continue
		}
		name, err := r.key(key)
		if err != nil {
			return nil, err
		}
		if _, taken := fields[name]; taken {
			return nil, &textError{line: key.Line, column: key.Column, err: errDoubleKey}
		}
		if fields[name], err = r.read(element); err != nil {
			return nil, err
		}
	}
	for _, m := range merged {
		if err := r.merge(fields, m); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

func (r *yamlReader) key(n *yaml.Node) (string, error) {
	v, err := r.read(n)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case nil:
		return "null", nil
	case string:
		return v, nil
	case []any, map[string]any:
		return "", &textError{line: n.Line, column: n.Column, err: errKeyKind}
	}
	return fmt.Sprint(v), nil
}

// merge adds the fields of a mapping, or of each of a sequence of mappings, unless
// they are there.
func (r *yamlReader) merge(fields map[string]any, n *yaml.Node) error {
	v, err := r.read(n)
	if err != nil {
		return err
	}
	sources, isList := v.([]any)
	if !isList {
		sources = []any{v}
	}
	for _, source := range sources {
		more, ok := source.(map[string]any)
		if !ok {
			return &textError{line: n.Line, column: n.Column, err: errMergeKind}
		}
		for name, element := range more {
			if _, taken := fields[name]; !taken {
				fields[name] = element
			}
		}
	}
	return nil
}
