package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/troupe-proxy/troupe/internal/kept"
)

var (
	// ErrNoStore says that there is no directory to keep holds in.
	ErrNoStore = errors.New("there is no state directory")
	// ErrDamaged says that what is stored is not what was written.
	ErrDamaged = errors.New("the stored pauses and drains are damaged")
)

const (
	storeName    = "sources.json"
	storeVersion = 1
	largestStore = 16 << 20 // bytes; MostHolds with their reasons are less
)

// MostReason is how long the reason of a hold may be, in bytes.
const MostReason = 500

// Store keeps holds in a file of the state directory, which only the daemon's user
// may read. A nil Store keeps nothing. Its methods may be called from any goroutine.
type Store struct {
	path string
	mu   sync.Mutex // held while writing
}

// NewStore is a store in a directory, which should be there.
func NewStore(dir string) *Store { return &Store{path: filepath.Join(dir, storeName)} }

// Path is the file's.
func (s *Store) Path() string { return s.path }

// stored is the form of the file.
type stored struct {
	Version int          `json:"version"`
	Holds   []storedHold `json:"holds"`
}

type storedHold struct {
	Network  netip.Prefix `json:"network"`
	Standing string       `json:"standing"`
	Since    time.Time    `json:"since"`
	Until    time.Time    `json:"until,omitzero"`
	Reason   string       `json:"reason,omitempty"`
	By       string       `json:"by"`
}

// Save replaces what is stored by what now gives, or leaves it as it is and returns
// an error. now is asked when it is the turn of this call, so that the last of
// several at once stores the newest. The error is ErrNoStore, or that of the file
// system.
func (s *Store) Save(now func() []Hold) error {
	if s == nil {
		return ErrNoStore
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := stored{Version: storeVersion, Holds: []storedHold{}}
	for _, h := range now() {
		all.Holds = append(all.Holds, storedHold{h.Network, h.Standing.String(), h.Since, h.Until, h.Reason, h.By})
	}
	content, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return kept.Replace(s.path, content)
}

// Load gives what is stored; nothing, if there is no file. The error wraps
// ErrDamaged, or is that of the file system.
func (s *Store) Load() ([]Hold, error) {
	if s == nil {
		return nil, nil
	}
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(f, largestStore+1))
	if err != nil {
		return nil, err
	}
	list, err := parseStored(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", s.path, ErrDamaged, err)
	}
	return list, nil
}

func parseStored(content []byte) (list []Hold, err error) {
	if len(content) > largestStore {
		return nil, fmt.Errorf("it is longer than %d bytes", largestStore)
	}
	var all stored
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	if all.Version != storeVersion {
		return nil, fmt.Errorf("its version is %d, expected %d", all.Version, storeVersion)
	}
	for i, h := range all.Holds {
		standing, ok := ParseStanding(h.Standing)
		network, valid := Canonical(h.Network)
		if !ok || !valid {
			return nil, fmt.Errorf("entry %d: expected a network and serving, paused or draining, got %q and %q", i+1, h.Network, h.Standing)
		}
		list = append(list, Hold{network, standing, h.Since, h.Until, h.Reason, h.By})
	}
	return list, nil
}
