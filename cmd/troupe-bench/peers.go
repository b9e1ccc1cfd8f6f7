package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

// peer is a proxy that can be started for a comparison.
type peer struct {
	name     string
	programs []string // names to look for on PATH, or a path
	socks    manner
	forward  manner // as what takes PROXY headers as requests
}

// manner is how a peer is started as what speaks one protocol. Without arguments
// it does not.
type manner struct {
	// configure gives the text of its configuration file; nil if it needs none.
	configure func(listen netip.AddrPort) string
	// arguments are its command line; file is where the configuration is.
	arguments func(listen netip.AddrPort, file string) []string
}

// listenFlag starts a proxy that takes --listen, as Troupe and KumoMTA's do.
func listenFlag(listen netip.AddrPort, _ string) []string {
	return []string{"--listen", listen.String()}
}

// peers are all that can take part, Troupe first. Each is set up as plainly as
// it goes: no authentication, all destinations, no log of sessions unless that
// is what it does by default.
func peers(troupe, self string) []peer {
	return []peer{
		{name: "troupe", programs: []string{troupe}, socks: manner{arguments: listenFlag},
			forward: manner{forwardPolicy, fileBehind("--proxy-config")}},
		{name: "io.Copy", programs: []string{self}, socks: manner{arguments: func(l netip.AddrPort, _ string) []string {
			return []string{ioCopyName, l.String()}
		}}},
		{name: "kumomta", programs: []string{"proxy-server"}, socks: manner{arguments: listenFlag}},
		{name: "microsocks", programs: []string{"microsocks"}, socks: manner{arguments: func(l netip.AddrPort, _ string) []string {
			return []string{"-i", l.Addr().String(), "-p", fmt.Sprint(l.Port())}
		}}},
		{name: "dante", programs: []string{"danted", "sockd"}, socks: manner{danteConfig, fileBehind("-f")}},
		{name: "hev", programs: []string{"hev-socks5-server"}, socks: manner{hevConfig, fileOnly}},
		{name: "3proxy", programs: []string{"3proxy"}, socks: manner{threeProxyConfig, fileOnly}},
		{name: "haproxy", programs: []string{"haproxy"}, forward: manner{haproxyConfig, fileBehind("-db", "-f")}},
	}
}

// fileBehind gives the file as the last argument, behind others.
func fileBehind(before ...string) func(netip.AddrPort, string) []string {
	return func(_ netip.AddrPort, file string) []string { return append(slices.Clone(before), file) }
}

func fileOnly(_ netip.AddrPort, file string) []string { return []string{file} }

// danteConfig: started by root it wants to be told whom to become.
func danteConfig(l netip.AddrPort) string {
	users := ""
	if os.Geteuid() == 0 {
		users = "user.privileged: root\nuser.unprivileged: nobody\n"
	}
	return fmt.Sprintf(`logoutput: /dev/null
errorlog: stderr
internal: %[1]s port = %[2]d
external: %[1]s
clientmethod: none
socksmethod: none
%[3]sclient pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
`, l.Addr(), l.Port(), users)
}

// forwardPolicy is that of Troupe with a forward listener alone.
func forwardPolicy(l netip.AddrPort) string {
	return fmt.Sprintf(`require('kumo').on('proxy_init', function()
  require('proxy').start_forward_listener { listen = '%s', allow_clients = { '127.0.0.1' } }
end)
`, l)
}

// haproxyConfig has HAProxy do what a forward listener does, as KumoMTA's manual
// has it: the header's destination is dialled, from the header's source.
func haproxyConfig(l netip.AddrPort) string {
	return fmt.Sprintf(`defaults
  mode tcp
  timeout connect 50s
  timeout client 20m
  timeout server 20m
listen forward
  bind %s accept-proxy
  source 0.0.0.0 usesrc clientip
  server destination 0.0.0.0
`, l)
}

func hevConfig(l netip.AddrPort) string {
	return fmt.Sprintf(`main:
  workers: %d
  port: %d
  listen-address: '%s'
misc:
  log-file: stderr
  log-level: error
  limit-nofile: 65535
`, runtime.NumCPU(), l.Port(), l.Addr())
}

// threeProxyConfig: its own limit is 500 sessions, fewer than are measured.
func threeProxyConfig(l netip.AddrPort) string {
	return fmt.Sprintf("maxconn 100000\nauth none\nallow *\nsocks -i%s -p%d\n", l.Addr(), l.Port())
}

// findPeers gives those that are installed, and notes those that are not.
func findPeers(troupe, self string, b *board) []peer {
	return slices.DeleteFunc(peers(troupe, self), func(p peer) bool {
		_, err := p.find()
		if err != nil {
			b.note("%s: not installed: %v", p.name, err)
		}
		return err != nil
	})
}

// find looks for the program, on PATH or where it says. The error is that of
// the first place.
func (p *peer) find() (string, error) {
	var first error
	for _, name := range p.programs {
		path, err := exec.LookPath(name)
		if err == nil {
			return filepath.Abs(path)
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

// runningPeer is a peer that listens.
type runningPeer struct {
	subject
	child *child
	dir   string
}

// start starts the peer on a free port of loopback, in a directory of its own,
// and waits until it answers. forward says whether to take PROXY headers there, or
// SOCKS; the error is errNotMeant if it cannot. The caller stops it.
func (p *peer) start(ctx context.Context, g *guard, forward bool) (*runningPeer, error) {
	m := p.socks
	if forward {
		m = p.forward
	}
	if m.arguments == nil {
		return nil, errNotMeant
	}
	program, err := p.find()
	if err != nil {
		return nil, err
	}
	listen, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "troupe-bench-")
	if err != nil {
		return nil, err
	}
	r := &runningPeer{dir: dir, subject: subject{name: p.name, addr: listen.String()}}
	if forward {
		r.addr, r.forward = "", listen.String()
	}
	file := filepath.Join(dir, "config")
	if m.configure != nil {
		err = os.WriteFile(file, []byte(m.configure(listen)), 0o600)
	}
	if err == nil {
		r.child, err = startChild(g, program, m.arguments(listen, file), dir)
	}
	if err == nil {
		r.pid = r.child.cmd.Process.Pid
		err = r.child.ready(ctx, listen.String())
	}
	if err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

func (r *runningPeer) stop() {
	if r.child != nil {
		r.child.stop()
	}
	_ = os.RemoveAll(r.dir)
}

// freePort is a port that was free a moment ago: not every peer can be given
// port 0 and asked what it got.
func freePort() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	return l.Addr().(*net.TCPAddr).AddrPort(), l.Close()
}

// buildTroupe builds Troupe into dir, as it is released, and gives the path. It
// works inside Troupe's module only.
func buildTroupe(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "troupe")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "github.com/troupe-proxy/troupe/cmd/troupe")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building troupe (or give --troupe): %w\n%s", err, out)
	}
	return path, nil
}
