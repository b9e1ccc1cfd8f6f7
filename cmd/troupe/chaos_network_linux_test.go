package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// chaosPolicy reaches both networks, and waits for no upstream for long.
const chaosPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0', timeout = '10s', connect_timeout = '2s',
    allow_destinations = { '127.0.0.0/8', '10.77.0.0/16' } }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
`

// startNetworkChaos has its bystanders on the loopback, and another host on a cable.
func startNetworkChaos(t *testing.T) (*chaos, *otherHost) {
	t.Helper()
	host := plugIn(t)
	if err := host.ip("link set lo up"); err != nil {
		t.Skip(err)
	}
	return startChaos(t, chaosPolicy), host
}

// answer is the reply to a request, of which only the code matters.
func answer(t *testing.T, c net.Conn, message []byte) byte {
	t.Helper()
	_, err := c.Write(message)
	must(t, err)
	head := make([]byte, 10)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatalf("the reply to % x: %v", message, err)
	}
	return head[1]
}

func bindTo(source string) []byte {
	return append([]byte{5, 2, 0}, wireAddress(netip.AddrPortFrom(netip.MustParseAddr(source), 0))...)
}

// TestSourceRemovedWhileInUse: an address is taken from the host under a session.
// Nothing else suffers, the next BIND says so, and with the address the session
// comes back too.
func TestSourceRemovedWhileInUse(t *testing.T) {
	if !onNetwork(t) {
		return
	}
	const source = "10.77.0.5"
	c, host := startNetworkChaos(t)
	must(t, host.ip("address add "+source+"/32 dev cable"))
	echo := host.echo(t)
	session, from := kumodConnect(t, c.socks(), netip.MustParseAddr(source), echo.address)
	if from.Addr() != netip.MustParseAddr(source) {
		t.Fatalf("the source is %v; want %s", from, source)
	}
	exchange(t, session, "echo", []byte("hello"), []byte("hello"))

	must(t, host.ip("address del "+source+"/32 dev cable"))
	_, err := session.Write([]byte("into the dark"))
	must(t, err)
	refused := dial(t, c.socks())
	exchange(t, refused, "greeting", []byte{5, 1, 0}, []byte{5, 0})
	if code := answer(t, refused, bindTo(source)); code != 1 {
		t.Errorf("BIND to an address that is gone: got %d; want 1", code)
	}
	must(t, refused.Close())
	c.serves()

	must(t, host.ip("address add "+source+"/32 dev cable"))
	exchange(t, session, "echo of what was under way", nil, []byte("into the dark"))
	must(t, session.Close())
	again, _ := kumodConnect(t, c.socks(), netip.MustParseAddr(source), echo.address)
	exchange(t, again, "echo", []byte("hello"), []byte("hello"))
	must(t, again.Close())
	c.over()
}

// TestCableCut: the upstreams are gone without a word. Sessions with them end when
// their clients do, dials within the limit, and with the cable all is as before.
func TestCableCut(t *testing.T) {
	if !onNetwork(t) {
		return
	}
	c, host := startNetworkChaos(t)
	echo := host.echo(t)
	var sessions []net.Conn
	for range 50 {
		s, _ := connect(t, c.socks(), echo.address)
		exchange(t, s, "echo", []byte("hello"), []byte("hello"))
		sessions = append(sessions, s)
	}
	must(t, host.on(func() error { return host.ip("link set cable down") }))
	var dials []net.Conn
	for range 20 {
		d := dial(t, c.socks())
		exchange(t, d, "greeting", []byte{5, 1, 0}, []byte{5, 0})
		_, err := d.Write(append([]byte{5, 1, 0}, wireAddress(echo.address)...))
		must(t, err)
		dials = append(dials, d)
	}
	for _, s := range sessions {
		_, err := s.Write([]byte("is anybody there"))
		must(t, err)
		must(t, s.(*net.TCPConn).SetLinger(0))
		must(t, s.Close()) // by a reset: nobody would answer a FIN
	}
	for _, d := range dials {
		if code := answer(t, d, nil); code < 3 || code > 6 {
			t.Errorf("CONNECT to nobody: got %d; want that it cannot be reached", code)
		}
		must(t, d.Close())
	}
	c.serves()
	must(t, host.on(func() error { return host.ip("link set cable up") }))
	await(t, "the upstream is reached again", func() bool {
		d := dial(t, c.socks())
		defer d.Close()
		exchange(t, d, "greeting", []byte{5, 1, 0}, []byte{5, 0})
		return answer(t, d, append([]byte{5, 1, 0}, wireAddress(echo.address)...)) == 0
	})
	c.over()
}

// redisPolicy asks Redis who may log in.
const redisPolicy = `
local kumo = require 'kumo'
local proxy = require 'proxy'
local redis = require 'redis'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:0' }
  proxy.start_http_listener { listen = '127.0.0.1:0' }
end)
kumo.on('proxy_server_auth_rfc1929', function(user, password)
  local server = redis.open { node = 'redis://%s/', response_timeout = 2, connect_timeout = 2 }
  return server:query('GET', user) == password
end)
`

// TestRedisLost: while the backend of a hook is away, those who need it are told
// that it is a fault of ours, those who don't are served, and with it all is as
// before.
func TestRedisLost(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	server := runRedis(t, address)
	redisSays(t, address, "SET mta secret")
	c := startChaos(t, fmt.Sprintf(redisPolicy, address))
	login := func() (auth, reply byte) {
		conn := dial(t, c.socks())
		defer conn.Close()
		exchange(t, conn, "greeting", []byte{5, 1, 2}, []byte{5, 2})
		_, err := conn.Write([]byte("\x01\x03mta\x06secret"))
		must(t, err)
		two := make([]byte, 2)
		_, err = io.ReadFull(conn, two)
		must(t, err)
		if two[1] != 0 {
			return two[1], 0
		}
		return 0, answer(t, conn, append([]byte{5, 1, 0}, wireAddress(c.echo.address)...))
	}
	if auth, reply := login(); auth != 0 || reply != 0 {
		t.Fatalf("got %d and %d; want to be let in", auth, reply)
	}
	must(t, server.Process.Signal(syscall.SIGKILL))
	_ = server.Wait()
	for range 20 {
		// The login itself is not refused: it is not the password that is wrong.
		if auth, reply := login(); auth == 0 && reply == 0 {
			t.Error("was let in without Redis")
		}
	}
	runRedis(t, address)
	redisSays(t, address, "SET mta secret")
	await(t, "to be let in again", func() bool { auth, reply := login(); return auth == 0 && reply == 0 })
	c.over()
}

// runRedis runs a redis-server until the test ends, if it does not before.
func runRedis(t *testing.T, address string) *exec.Cmd {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	_, port, _ := net.SplitHostPort(address)
	server := exec.Command(binary, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--appendonly", "no")
	server.SysProcAttr = diesWithParent()
	must(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill() // the test may have done so
		_ = server.Wait()
	})
	await(t, "redis-server", func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return server
}

func redisSays(t *testing.T, address, command string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(c, command+"\r\n")
	must(t, err)
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || line != "+OK\r\n" {
		t.Fatalf("%s: got %q, %v; want OK", command, line, err)
	}
}
