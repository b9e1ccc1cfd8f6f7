// Package glob finds files by patterns: * and ? stand for parts of a name, [a-z]
// for one of these letters, ** for any directories, {a,b} for either, braces inside
// of braces too. A name that begins with a dot is hidden from a pattern that does
// not, and ** does not lead into links, which may lead in a circle.
//
// The patterns come from policies; what a search costs is bounded, since /** walks
// the whole machine. It keeps nothing: kumo.fs.glob and kumo.set_config_monitor_globs
// remember what they found, or asked for.
package glob

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// What a pattern and a search may cost.
const (
	MaxBytes   = 4096    // of a pattern
	MaxChoices = 256     // that its braces stand for
	MaxVisited = 200_000 // files and directories that a search looks at
)

var (
	// ErrPattern is the error of a text that is no pattern.
	ErrPattern = errors.New("it is no pattern")
	// ErrChoices is the error of braces that stand for too much.
	ErrChoices = fmt.Errorf("its braces stand for more than %d patterns", MaxChoices)
	// ErrVisited is the error of a search that was given up.
	ErrVisited = fmt.Errorf("it leads to more than %d files", MaxVisited)
)

// Pattern is a pattern that was checked. It may be used from any goroutine.
type Pattern struct {
	choices []choice
}

// choice is a pattern without braces.
type choice struct {
	root  string   // of a whole path; empty: below whatever the search begins at
	parts []string // one at least
}

// Parse reads a pattern. It fails with ErrPattern or ErrChoices.
func Parse(text string) (*Pattern, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrPattern, MaxBytes)
	}
	texts, err := choicesOf(text)
	if err != nil {
		return nil, err
	}
	p := &Pattern{choices: make([]choice, 0, len(texts))}
	for _, text := range texts {
		c, err := choiceOf(text)
		if err != nil {
			return nil, err
		}
		p.choices = append(p.choices, c)
	}
	return p, nil
}

func choiceOf(text string) (choice, error) {
	var c choice
	if filepath.IsAbs(text) {
		c.root = filepath.VolumeName(text) + string(filepath.Separator)
		text = text[len(c.root):]
	}
	for part := range strings.SplitSeq(filepath.ToSlash(text), "/") {
		if part == "" || part == "." {
			continue
		}
		if _, err := filepath.Match(part, ""); err != nil {
			return c, fmt.Errorf("%w: %q: %w", ErrPattern, part, err)
		}
		c.parts = append(c.parts, part)
	}
	if len(c.parts) == 0 {
		return c, fmt.Errorf("%w: it names nothing", ErrPattern)
	}
	return c, nil
}

// choicesOf writes out the braces of a pattern, those inside of others too.
func choicesOf(pattern string) ([]string, error) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		if strings.Contains(pattern, "}") {
			return nil, fmt.Errorf("%w: a brace is closed that was not opened", ErrPattern)
		}
		return []string{pattern}, nil
	}
	options, after, ok := braces(pattern[open+1:])
	if !ok {
		return nil, fmt.Errorf("%w: a brace is not closed", ErrPattern)
	}
	var all []string
	for _, option := range options {
		more, err := choicesOf(pattern[:open] + option + after)
		if err != nil {
			return nil, err
		}
		if all = append(all, more...); len(all) > MaxChoices {
			return nil, ErrChoices
		}
	}
	return all, nil
}

// braces splits what stands behind an opening brace at its commas, up to the
// brace that closes it.
func braces(text string) (options []string, after string, ok bool) {
	depth, begin := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return append(options, text[begin:i]), text[i+1:], true
			}
			depth--
		case ',':
			if depth == 0 {
				options = append(options, text[begin:i])
				begin = i + 1
			}
		}
	}
	return nil, "", false
}
