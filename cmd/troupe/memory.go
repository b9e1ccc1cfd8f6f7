package main

import (
	"io/fs"
	"log/slog"

	"github.com/troupe-proxy/troupe/internal/memory"
)

// ownLimit is a variable of the environment with which the Go runtime is told its
// limit at its start.
const ownLimit = "GOMEMLIMIT"

// limitMemory has the Go runtime stay below nine tenths of what the control group
// of this process may have; the rest is for what the kernel keeps for its sockets
// and pipes. Whoever has set GOMEMLIMIT has decided otherwise. It gives what the
// control group may have; 0: any amount.
func limitMemory(root fs.FS, lookup func(string) (string, bool), set func(int64) int64, log *slog.Logger) int64 {
	group, limited := memory.CgroupLimit(root)
	own, _ := lookup(ownLimit)
	switch {
	case own != "":
		log.Info("the memory limit is that of "+ownLimit, slog.String(ownLimit, own))
	case limited:
		set(group.Bytes / 10 * 9)
		log.Info("the memory limit is nine tenths of the control group's", slog.Int64("bytes", group.Bytes/10*9),
			slog.Int64("group", group.Bytes), slog.String("file", group.File))
	default:
		log.Info("there is no memory limit: no client is shed for want of memory")
	}
	return group.Bytes
}
