package redis

import (
	"context"
	"fmt"
	"log/slog"

	goredis "github.com/redis/go-redis/v9"
)

// RouteLog sends to log, at level debug, what the Redis library otherwise writes
// to standard error in a form of its own. The library has one log for the whole
// program: call this once, before any client is made. What it says comes as the
// error of a query too.
func RouteLog(log *slog.Logger) { goredis.SetLogger(libraryLog{log}) }

type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, "redis library", "message", fmt.Sprintf(format, args...))
}
