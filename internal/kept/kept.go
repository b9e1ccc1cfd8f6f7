// Package kept keeps the last policy that was served, so that a daemon whose
// policy file is broken or gone can start all the same.
//
// It stores the text of the policy and of each file that the policy required,
// under their names, in one file of the state directory, which only the daemon's
// user may read: a policy may hold passwords. It runs nothing and decides
// nothing. Its data comes from whoever has loaded a policy, and goes back to
// whoever could not.
package kept

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var (
	// ErrNone says that no policy is kept.
	ErrNone = errors.New("no policy is kept")
	// ErrDamaged says that what is kept is not what was written.
	ErrDamaged = errors.New("the kept policy is damaged")
)

// File is a file of a policy: its name as the policy was loaded by it, and its text.
type File struct {
	Name string
	Text []byte
}

// Policy is the files of a policy, the policy file itself first.
type Policy struct {
	Files []File
	// Saved is when it was kept, UTC.
	Saved time.Time
}

// Name is that of the policy file.
func (p Policy) Name() string { return p.Files[0].Name }

// Read gives the text of a file by its name; the error is fs.ErrNotExist for one
// that the policy had not read.
func (p Policy) Read(name string) ([]byte, error) {
	for _, f := range p.Files {
		if f.Name == name {
			return f.Text, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Sum is the SHA-256 of the names and texts, in lower-case hex. No two policies
// have the same.
func (p Policy) Sum() string {
	sum := sha256.New()
	add := func(text []byte) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		_, _ = sum.Write(length[:]) // a hash never fails
		_, _ = sum.Write(text)
	}
	for _, f := range p.Files {
		add([]byte(f.Name))
		add(f.Text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

const (
	fileName   = "last-policy.json"
	version    = 1
	largest    = 64 << 20 // bytes of the file
	ownersOnly = 0o700    // of the directory
)

// document is the form of the file.
type document struct {
	Version int       `json:"version"`
	Saved   time.Time `json:"saved"`
	SHA256  string    `json:"sha256"` // Policy.Sum
	Files   []entry   `json:"files"`
}

type entry struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"` // of the text, for sha256sum
	Text   []byte `json:"text"`   // in base64: a policy need not be UTF-8
}

// Store is a state directory. Its methods are called by one goroutine at a time.
type Store struct {
	dir  string
	last string // sum of what is known to be in the file
}

// Open makes the directory if it is not there, for its owner alone.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, ownersOnly); err != nil {
		return nil, err
	}
	// Left behind by a daemon that was killed as it wrote.
	if leftovers, err := filepath.Glob(filepath.Join(dir, ".*"+temporary)); err == nil {
		for _, name := range leftovers {
			_ = os.Remove(name) // it does no harm
		}
	}
	return &Store{dir: dir}, nil
}

// Path is the file's.
func (s *Store) Path() string { return filepath.Join(s.dir, fileName) }

// Keep replaces what is kept, or leaves it as it is and returns an error. Once it
// has returned, the policy outlives a crash of the machine. What is kept already
// is not written again.
func (s *Store) Keep(p Policy) error {
	sum := p.Sum()
	if sum == s.last {
		return nil
	}
	d := document{Version: version, Saved: time.Now().UTC().Truncate(time.Second), SHA256: sum}
	for _, f := range p.Files {
		text := sha256.Sum256(f.Text)
		d.Files = append(d.Files, entry{Name: f.Name, SHA256: hex.EncodeToString(text[:]), Text: f.Text})
	}
	content, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if len(content) > largest {
		return fmt.Errorf("the policy and what it requires are larger than %d bytes", largest)
	}
	if err := Replace(s.Path(), content); err != nil {
		return err
	}
	s.last = sum
	return nil
}

// Load gives what is kept. The error is ErrNone, wraps ErrDamaged, or is that of
// the file system; no text is in it.
func (s *Store) Load() (Policy, error) {
	f, err := os.Open(s.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return Policy{}, ErrNone
	}
	if err != nil {
		return Policy{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return Policy{}, err
	}
	p, err := parse(content)
	if err != nil {
		return Policy{}, fmt.Errorf("%s: %w: %w", s.Path(), ErrDamaged, err)
	}
	s.last = p.Sum()
	return p, nil
}

// parse checks that a document is whole. What encoding/json says is not passed
// on, as it may quote.
func parse(content []byte) (Policy, error) {
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		return Policy{}, errors.New("it is no JSON of the form expected")
	}
	if d.Version != version {
		return Policy{}, fmt.Errorf("its version is %d, expected %d", d.Version, version)
	}
	if len(d.Files) == 0 {
		return Policy{}, errors.New("it has no file")
	}
	p := Policy{Saved: d.Saved}
	for _, e := range d.Files {
		p.Files = append(p.Files, File{Name: e.Name, Text: e.Text})
	}
	if p.Sum() != d.SHA256 {
		return Policy{}, errors.New("the texts do not have the sum that they should have")
	}
	return p, nil
}

// Sort puts the file of a name first and the others in the order of the alphabet.
func Sort(files []File, first string) {
	slices.SortFunc(files, func(a, b File) int {
		switch {
		case a.Name == b.Name:
			return 0
		case a.Name == first:
			return -1
		case b.Name == first:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
}
