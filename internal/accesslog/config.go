package accesslog

import "io/fs"

// Stdout is the Path of a log that goes to standard output.
const Stdout = "-"

const (
	// DefaultMode lets the group read the log, and nobody else.
	DefaultMode fs.FileMode = 0o640
	// DefaultBufferLines is some 8 MB while a disk takes nothing.
	DefaultBufferLines = 16 << 10
	// MostBufferLines bounds Config.BufferLines: a buffer is memory.
	MostBufferLines = 1 << 20
)

// Config is an access log as a policy asks for it.
type Config struct {
	// Path is the file, absolute, or Stdout. Its directory has to be there.
	Path string
	// Mode is the permission of the file when it is made; a file that is there
	// keeps its own. Only bits of 0664 are allowed, and those of 0600 needed.
	Mode fs.FileMode
	// BufferLines is how many lines may wait to be written, 1..MostBufferLines.
	BufferLines int
	// Probes: there is a line also for clients that close before their first byte,
	// as TCP health checks do.
	Probes bool
}

// Default is a log of which nothing was said; Path is missing.
func Default() Config { return Config{Mode: DefaultMode, BufferLines: DefaultBufferLines} }

// AllowedMode says whether a log may have the permission: its owner reads and
// writes it, nobody runs it, and not everybody writes it.
func AllowedMode(m fs.FileMode) bool { return m&^0o664 == 0 && m&0o600 == 0o600 }
