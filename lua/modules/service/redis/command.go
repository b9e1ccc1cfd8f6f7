package redis

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/value"
)

var errNoCommand = errors.New("expected a command and its arguments")

// errChanging is about commands that change the connection they are sent on. All
// states share the connections, so that the next query would find it changed.
var errChanging = errors.New("it would change a connection that all states share; say it in redis.open, or use EVAL for a transaction")

func changesConnection(command string) bool {
	switch strings.ToUpper(command) {
	case "AUTH", "HELLO", "SELECT", "RESET", "QUIT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "MONITOR",
		"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE",
		"SYNC", "PSYNC", "READONLY", "READWRITE", "ASKING", "CLIENT":
		return true
	}
	return false
}

// arguments are those from n on, as Redis takes them: a list stands for its
// elements, a table for its keys and values, nil for nothing.
func arguments(L *lua.LState, n int) ([]any, error) {
	var all []any
	for i := n; i <= L.GetTop(); i++ {
		v, err := value.ToGo(L.Get(i))
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i-n+1, err)
		}
		all = flatten(all, v)
	}
	if len(all) == 0 {
		return nil, errNoCommand
	}
	if command, _ := all[0].(string); changesConnection(command) {
		return nil, fmt.Errorf("%s: %w", strings.ToUpper(command), errChanging)
	}
	return all, nil
}

func flatten(all []any, v any) []any {
	switch v := v.(type) {
	case nil:
		return all
	case bool:
		if v {
			return append(all, "1")
		}
		return append(all, "0")
	case int64:
		return append(all, strconv.FormatInt(v, 10))
	case float64:
		return append(all, strconv.FormatFloat(v, 'g', -1, 64))
	case []any:
		for _, element := range v {
			all = flatten(all, element)
		}
		return all
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = flatten(append(all, key), v[key])
		}
		return all
	}
	return append(all, v)
}
