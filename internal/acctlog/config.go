package acctlog

import "time"

// MostBackPressure bounds Config.BackPressure; a queue is memory.
const MostBackPressure = 1 << 20

// Config is an accounting log as a policy asks for it.
type Config struct {
	// Dir is the directory, made if it is not there.
	Dir string
	// MaxFileSize is from how many bytes before compression on a segment is
	// finished.
	MaxFileSize int64
	// BackPressure is how many records may wait to be written.
	BackPressure int
	// CompressionLevel is that of zstd, 1..21; 0 is its default.
	CompressionLevel int
	// MaxSegmentDuration is how long a segment is written at most; 0 is no limit.
	MaxSegmentDuration time.Duration
	// MinFreeSpace and MinFreeInodes of the disk are what the daemon's log warns
	// below. Records are written all the same.
	MinFreeSpace, MinFreeInodes MinFree
	// Which records are written.
	AuthzAllow, AuthzDeny, AuthnOK, AuthnFail bool
}

// MinFree is a share of the whole in percent, or an amount.
type MinFree struct {
	Percent float64
	Amount  uint64
}

// below reports whether there is less free than asked for.
func (m MinFree) below(free, total uint64) bool {
	return free < m.Amount || float64(free) < float64(total)*m.Percent/100
}

// Default is a log of which nothing was said; Dir is missing.
func Default() Config {
	return Config{
		MaxFileSize: 1_000_000_000, BackPressure: 128_000,
		MinFreeSpace: MinFree{Percent: 10}, MinFreeInodes: MinFree{Percent: 10},
		AuthzAllow: true, AuthzDeny: true, AuthnOK: true, AuthnFail: true,
	}
}
