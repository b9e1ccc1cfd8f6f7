package policy

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	lua "github.com/yuin/gopher-lua"
)

// luaOf is a value of JSON as a policy would write it. A number may be as large as it
// likes, null is no value.
func luaOf(v any) lua.LValue {
	switch v := v.(type) {
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case json.Number:
		n, _ := strconv.ParseFloat(v.String(), 64) // out of range: it is infinite
		return lua.LNumber(n)
	case []any:
		t := &lua.LTable{}
		for _, one := range v {
			t.Append(luaOf(one))
		}
		return t
	case map[string]any:
		t := &lua.LTable{}
		for name, one := range v {
			t.RawSetString(name, luaOf(one))
		}
		return t
	}
	return lua.LNil
}

// tableOf reads an object, unless the text is none.
func tableOf(text string) (*lua.LTable, bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil || object == nil {
		return nil, false
	}
	return luaOf(object).(*lua.LTable), true
}

// tableSeeds are parameters of listeners: of each key some that are right, and some
// that are not.
var tableSeeds = []string{
	`{"listen":"127.0.0.1:0"}`,
	`{"listen":"[::1]:1080","hostname":"h","timeout":"5s","connect_timeout":3,"idle_timeout":"20m","half_close_timeout":0,"max_session":"1d","user_timeout":"15m","use_splice":false,"banner":true}`,
	`{"listen":"mta:25","timeout":1e999,"idle_timeout":-1,"user_timeout":"0.5ms","connect_timeout":"2h"}`,
	`{"listen":"127.0.0.1:0","use_tls":true,"tls_certificate":"a.pem","tls_private_key":{"key_data":"hunter2hunter2"},"tls_client_ca":{"vault_mount":"m","vault_path":"p","vault_token":"hunter2hunter2"}}`,
	`{"listen":"127.0.0.1:0","tls_private_key":{"key_data":["hunter2hunter2"]},"tls_certificate":{"event_name":"e","event_args":[1]}}`,
	`{"listen":"127.0.0.1:0","proxy_protocol":true,"proxy_protocol_from":["10.0.0.0/8","any","10.0.0.1/8",5]}`,
	`{"listen":"127.0.0.1:0","require_auth":true,"auth_cache":{"ttl":"1m","stale_if_error":"1h"},"auth_failures":{"client":5,"user":3,"within":"1m","ban":"30s"}}`,
	`{"listen":"127.0.0.1:0","tcp_keepalive":{"enabled":true,"time":"5m","interval":"30s","retries":3},"destination_series":0,"destination_idle":"15m"}`,
	`{"listen":"127.0.0.1:0","limits":{"connections":1000,"connections_per_client":5,"connections_per_user":1.5,"connections_per_source":-1,"connections_per_destination":"6","new_per_second_per_client":10},"bandwidth":{"session":"1MB","user":1000}}`,
	`{"listen":"127.0.0.1:0","allow_clients":["*"],"allow_sources":["192.0.2.0/24"],"allow_destinations":["25","*:587-2525"],"deny_destinations":["127.0.0.0/8"],"allow_local_destinations":false,"source":["192.0.2.7"],"source_choice":"random","require_source":true,"resolve_names":"ipv4"}`,
	`{"listen":"127.0.0.1:0","allow_clients":{"a":"b"},"source":{"1":1},"nested":{"deep":{"deeper":[[[]]]}}}`,
	`{"listen":"unix:/run/x.sock","socket_mode":"0660","socket_group":"adm","request_body_limit":2097152,"trusted_hosts":["127.0.0.1","any"],"allowed_hosts":["proxy.example.com"]}`,
	`{"listen":8000,"trusted_hosts":["::ffff:10.0.0.0/104"],"request_body_limit":1e300,"allowed_hosts":["http://x"]}`,
	"{\"\u0000\n\u001b[31m\":\"\u202e\",\"listen\":\"\xff\"}", `{}`,
}

// FuzzListenerTable: whatever parameters a listener is given, the answer is the same
// each time: a listener that can be served, or mistakes that say where and what, a line
// each, and no secret.
func FuzzListenerTable(f *testing.F) {
	for _, seed := range tableSeeds {
		for kind := range uint8(3) {
			f.Add(kind, seed)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		table, ok := tableOf(text)
		if !ok {
			t.Skip()
		}
		read := func() (any, Errors) {
			d := &decoder{at: Position{File: "p.lua", Line: 3}, function: "proxy.start"}
			switch kind % 3 {
			case 0:
				l := d.listener(table)
				return l, d.errors()
			case 1:
				l := d.forward(table)
				return l, d.errors()
			}
			h := d.http(table)
			return h, d.errors()
		}
		got, errs := read()
		for _, err := range errs {
			checkMistake(t, text, err)
		}
		if len(errs) == 0 {
			checkServable(t, text, got)
		}
		again, more := read()
		if !reflect.DeepEqual(got, again) || !reflect.DeepEqual(errs, more) {
			t.Errorf("%q: got %+v and %v, and then %+v and %v", text, got, errs, again, more)
		}
	})
}

func checkMistake(t *testing.T, text string, err *Error) {
	t.Helper()
	const longest = 2000 // most of it are the known keys
	if err.Position.Line == 0 || err.Function == "" || err.Msg == "" || len(err.Msg) > longest || strings.ContainsFunc(err.Msg, unicode.IsControl) {
		t.Errorf("%q: got the mistake %q; want a line that says where and what", text, err)
	}
	if strings.Contains(text, "hunter2hunter2") && strings.Contains(err.Msg, "hunter2hunter2") && strings.Contains(err.Key, "tls_") {
		t.Errorf("%q: got the mistake %q; want no secret in it", text, err)
	}
}

func checkServable(t *testing.T, text string, got any) {
	t.Helper()
	switch l := got.(type) {
	case Listener:
		inRange := l.Timeout >= time.Millisecond && l.Timeout <= time.Hour && l.ConnectTimeout > 0 && l.ConnectTimeout <= l.Timeout &&
			min(l.Relay.Idle, l.Relay.HalfClosed, l.Relay.Most, l.Relay.Unacknowledged) >= 0 && l.DestinationIdle > 0 && l.DestinationSeries >= 0 &&
			min(l.Limits.Connections, l.Limits.ConnectionsPerClient, l.Limits.ConnectionsPerUser, l.Limits.ConnectionsPerSource, l.Limits.ConnectionsPerDestination) >= 0 &&
			l.KeepAlive.Retries > 0 && min(l.KeepAlive.Time, l.KeepAlive.Interval) >= time.Second
		if _, _, err := checkAddress(l.Listen); err != nil || !inRange {
			t.Errorf("%q: took %+v, %v", text, l, err)
		}
	case HTTPListener:
		for _, p := range l.TrustedHosts {
			if p != p.Masked() || p.Addr().Is4In6() {
				t.Errorf("%q: trusts %v; want it canonical", text, p)
			}
		}
		if l.RequestBodyLimit < 1 {
			t.Errorf("%q: took %+v", text, l)
		}
	}
}
