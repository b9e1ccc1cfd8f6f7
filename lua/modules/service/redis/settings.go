package redis

import (
	"errors"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
)

const (
	defaultPoolSize = 10               // KumoMTA's, as are the next two
	defaultConnect  = 30 * time.Second // to reach the server
	defaultWait     = 30 * time.Second // for a connection of the pool
	defaultResponse = 30 * time.Second // KumoMTA has no limit; its queries can hang
	maxPoolSize     = 1000
	resp2           = 2 // KumoMTA's: a map is a flat list there
)

// errURL does not repeat the address: a password may stand in it.
var errURL = errors.New("expected an address such as redis://host:6379/0, rediss://host or unix:///path")

// settings are those of redis.open. Equal settings share one client.
type settings struct {
	nodes              string // one a line
	cluster, replicas  bool
	username, password string
	poolSize           int
	connect            time.Duration
	wait               time.Duration
	response           time.Duration
}

func readSettings(L *lua.LState) settings {
	o := call.Table(L, 1, open, "node", "cluster", "read_from_replicas", "username", "password", "pool_size",
		"connect_timeout", "recycle_timeout", "wait_timeout", "response_timeout")
	nodes := o.Strings("node")
	if len(nodes) == 0 {
		o.Fail("node", "expected an address or a list of addresses")
	}
	o.Duration("recycle_timeout", 0) // connections are looked at before use, which waits for nothing
	s := settings{
		nodes:    strings.Join(nodes, "\n"),
		cluster:  len(nodes) > 1,
		replicas: o.Bool("read_from_replicas"),
		username: o.String("username"),
		password: o.String("password"),
		poolSize: o.Int("pool_size", 1, maxPoolSize, defaultPoolSize),
		connect:  o.Duration("connect_timeout", defaultConnect),
		wait:     o.Duration("wait_timeout", defaultWait),
		response: o.Duration("response_timeout", defaultResponse),
	}
	if o.Has("cluster") {
		s.cluster = o.Bool("cluster")
	}
	if !s.cluster && len(nodes) > 1 {
		o.Fail("node", "expected one address unless cluster is true, got %d", len(nodes))
	}
	return s
}

// client makes the client. It connects when it is first used.
func (s settings) client() (goredis.UniversalClient, error) {
	var addresses []string
	var first *goredis.Options
	for node := range strings.SplitSeq(s.nodes, "\n") {
		parsed, err := parse(node)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, parsed.Addr)
		if first == nil {
			first = parsed
		}
	}
	s.into(first)
	if !s.cluster {
		return goredis.NewClient(first), nil
	}
	return goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: addresses, ReadOnly: s.replicas,
		Username: first.Username, Password: first.Password, TLSConfig: first.TLSConfig,
		Protocol: first.Protocol, MaxRetries: first.MaxRetries, PoolSize: first.PoolSize, // per node
		DialTimeout: first.DialTimeout, DialerRetries: first.DialerRetries, PoolTimeout: first.PoolTimeout,
		ReadTimeout: first.ReadTimeout, WriteTimeout: first.WriteTimeout,
		ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: first.MaintNotificationsConfig,
	}), nil
}

// parse reads the address of a node. The scheme redis+unix is the Rust client's.
func parse(node string) (*goredis.Options, error) {
	if rest, ok := strings.CutPrefix(node, "redis+unix:"); ok {
		node = "unix:" + rest
	}
	o, err := goredis.ParseURL(node)
	if err != nil {
		return nil, errURL
	}
	if !strings.Contains(node, "protocol=") {
		o.Protocol = resp2
	}
	return o, nil
}

// into sets what the address does not say. A command is sent once: to send it
// again when an answer is lost would count twice what it counts.
func (s settings) into(o *goredis.Options) {
	if o.Username == "" {
		o.Username = s.username
	}
	if o.Password == "" {
		o.Password = s.password
	}
	o.PoolSize = s.poolSize
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialTimeout, o.PoolTimeout = s.connect, s.wait
	o.ReadTimeout, o.WriteTimeout = s.response, s.response
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true // one command less with each connection
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
