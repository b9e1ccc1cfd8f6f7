package aaa

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/acctlog"
	"github.com/troupe-proxy/troupe/internal/suggest"
	"github.com/troupe-proxy/troupe/lua/duration"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func (p *Process) configureLog() spec.Function {
	const name = "configure_acct_log"
	return spec.Function{
		Name: name,
		Params: []spec.Param{{Name: "parameters", Type: "table", Doc: "log_dir, which is required; max_file_size (1e9 bytes before compression), " +
			"back_pressure (128000 records), compression_level (0, zstd's own; up to 21), max_segment_duration (none), min_free_space ('10%', or bytes), " +
			"min_free_inodes ('10%', or a number), log_authz_allow, log_authz_deny, log_authn_ok, log_authn_fail (all true)"}},
		Doc: "Has logins, of SOCKS clients too, and decisions about HTTP requests written to segments acct-YYYYMMDD-HHMMSS.fraction in log_dir, " +
			"each line a JSON object, compressed by zstd; a segment is made read-only when it is finished. Nobody waits for the log: beyond back_pressure " +
			"records are dropped, and said in the daemon's log, as is a disk with less free than asked for. Once in proxy_init; the log begins when " +
			"the policy is in force. Raises what is wrong with the parameters.",
		Call: func(_ *spec.Env, L *lua.LState) int {
			t, ok := L.Get(1).(*lua.LTable)
			if !ok {
				return raise(L, name, fmt.Errorf("expected a table of parameters, got %s", L.Get(1).Type()))
			}
			c := acctlog.Default()
			err := readLog(t, &c)
			if err == nil {
				err = p.ConfigureLog(L, c)
			}
			if err != nil {
				return raise(L, name, err)
			}
			return 0
		},
	}
}

// parameter reads the value of one key.
type parameter func(v lua.LValue) error

func logParameters(c *acctlog.Config) map[string]parameter {
	return map[string]parameter{
		"log_dir":              textInto(&c.Dir),
		"max_file_size":        numberInto(&c.MaxFileSize, 1, 1<<53),
		"back_pressure":        numberInto(&c.BackPressure, 1, acctlog.MostBackPressure),
		"compression_level":    numberInto(&c.CompressionLevel, 0, 21),
		"max_segment_duration": durationInto(&c.MaxSegmentDuration),
		"min_free_space":       freeInto(&c.MinFreeSpace),
		"min_free_inodes":      freeInto(&c.MinFreeInodes),
		"log_authz_allow":      boolInto(&c.AuthzAllow),
		"log_authz_deny":       boolInto(&c.AuthzDeny),
		"log_authn_ok":         boolInto(&c.AuthnOK),
		"log_authn_fail":       boolInto(&c.AuthnFail),
	}
}

func readLog(t *lua.LTable, c *acctlog.Config) error {
	known := logParameters(c)
	names := slices.Sorted(maps.Keys(known))
	var bad []string
	t.ForEach(func(k, v lua.LValue) {
		name := k.String()
		read, ok := known[name]
		if _, isText := k.(lua.LString); !ok || !isText {
			bad = append(bad, fmt.Sprintf("unknown key %q%s", name[:min(len(name), 60)], suggest.Hint(name, names)))
		} else if err := read(v); err != nil {
			bad = append(bad, name+": "+err.Error())
		}
	})
	if t.RawGetString("log_dir") == lua.LNil {
		bad = append(bad, "missing key 'log_dir'")
	}
	if len(bad) == 0 {
		return nil
	}
	slices.Sort(bad)
	return fmt.Errorf("%s", strings.Join(bad, "; "))
}

func textInto(p *string) parameter {
	return func(v lua.LValue) error {
		text, ok := v.(lua.LString)
		if !ok || text == "" {
			return fmt.Errorf("expected the name of a directory, got %s", shown(v))
		}
		*p = string(text)
		return nil
	}
}

func numberInto[T int | int64](p *T, low, high T) parameter {
	return func(v lua.LValue) error {
		n, ok := v.(lua.LNumber)
		if !ok || n < lua.LNumber(low) || n > lua.LNumber(high) || n != lua.LNumber(T(n)) {
			return fmt.Errorf("expected a whole number between %d and %d, got %s", low, high, shown(v))
		}
		*p = T(n)
		return nil
	}
}

func durationInto(p *time.Duration) parameter {
	return func(v lua.LValue) error {
		d, err := duration.FromLua(v)
		switch {
		case err != nil:
			return err
		case d < time.Second:
			return fmt.Errorf("expected a duration of at least 1s, got %s", shown(v))
		}
		*p = d
		return nil
	}
}

func boolInto(p *bool) parameter {
	return func(v lua.LValue) error {
		b, ok := v.(lua.LBool)
		if !ok {
			return fmt.Errorf("expected true or false, got %s", shown(v))
		}
		*p = bool(b)
		return nil
	}
}

// freeInto reads a share such as '10%', or an amount.
func freeInto(p *acctlog.MinFree) parameter {
	return func(v lua.LValue) error {
		switch v := v.(type) {
		case lua.LNumber:
			if v >= 0 && v <= 1<<53 {
				*p = acctlog.MinFree{Amount: uint64(v)}
				return nil
			}
		case lua.LString:
			number, isShare := strings.CutSuffix(string(v), "%")
			if share, err := strconv.ParseFloat(strings.TrimSpace(number), 64); isShare && err == nil && share >= 0 && share <= 100 {
				*p = acctlog.MinFree{Percent: share}
				return nil
			}
		}
		return fmt.Errorf("expected a share such as '10%%' or a number, got %s", shown(v))
	}
}

// shown is a value in a message; none of these is secret.
func shown(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return strconv.Quote(string(v[:min(len(v), 60)]))
	case lua.LNumber:
		return v.String()
	}
	return v.Type().String()
}
