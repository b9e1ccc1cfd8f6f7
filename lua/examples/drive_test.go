package examples_test

import (
	"bufio"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver of the database that a test makes

	"github.com/troupe-proxy/troupe/internal/rules"
	"github.com/troupe-proxy/troupe/lua/examples"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// loadWith loads an example in which one text, such as a path, is another.
func loadWith(t *testing.T, name, old, text string) *policy.Policy {
	t.Helper()
	source, err := examples.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), old); n != 1 {
		t.Fatalf("%s has %q %d times; want it once", name, old, n)
	}
	p, err := policy.LoadSource(t.Context(), name, []byte(strings.Replace(string(source), old, text, 1)), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// digest is what stands in the place of a password.
func digest(salt, password string) string {
	sum := sha256.Sum256([]byte(salt + password))
	return hex.EncodeToString(sum[:])
}

var meta = policy.ConnMeta{Peer: netip.MustParseAddrPort("10.0.0.7:4711"), Local: netip.MustParseAddrPort("10.0.0.5:1080")}

// wantLogins: mta1 is let in with its password and its groups, and nobody else is.
func wantLogins(t *testing.T, p *policy.Policy) {
	t.Helper()
	who, err := p.Hooks.Authenticate(t.Context(), "mta1", "correct horse", meta)
	if err != nil || who.User() != "mta1" || !slices.Equal(who.Groups, []string{"bulk", "slow"}) {
		t.Errorf("got %+v, %v; want mta1 in bulk and slow", who, err)
	}
	for _, wrong := range [][2]string{
		{"mta1", "wrong"}, {"mta1", ""}, {"nobody", "correct horse"}, {"", ""}, {"mta1' OR 1=1 --", "x"}, {"MTA1", "correct horse"},
		{"mta2", ""},
	} {
		if who, err := p.Hooks.Authenticate(t.Context(), wrong[0], wrong[1], meta); !errors.Is(err, policy.ErrRefused) {
			t.Errorf("%q: got %+v, %v; want ErrRefused", wrong, who, err)
		}
	}
	l := p.Listeners[0]
	if !l.RequireAuth || l.Rules.AllowClients == nil {
		t.Errorf("got %+v; want nobody served who is not known", l)
	}
}

// write writes a file of the test's and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(path)
}

func TestAuthFromAFile(t *testing.T) {
	users := write(t, "users.toml", `
[mta1]
salt = "5f1c"
sha256 = "`+digest("5f1c", "correct horse")+`"
groups = ["bulk", "slow"]
[mta2]
salt = ""
sha256 = ""
`)
	wantLogins(t, loadWith(t, "auth-file.lua", "/etc/troupe/users.toml", users))
}

// TestAuthFromAFileThatIsGone: the policy is at fault, and nobody is let in.
func TestAuthFromAFileThatIsGone(t *testing.T) {
	p := loadWith(t, "auth-file.lua", "/etc/troupe/users.toml", filepath.ToSlash(filepath.Join(t.TempDir(), "none.toml")))
	_, err := p.Hooks.Authenticate(t.Context(), "mta1", "correct horse", meta)
	if !errors.Is(err, policy.ErrHook) {
		t.Errorf("got %v; want ErrHook", err)
	}
}

func TestAuthFromSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`CREATE TABLE users (name TEXT PRIMARY KEY, salt TEXT NOT NULL, sha256 TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1)`,
		`CREATE TABLE memberships (name TEXT NOT NULL, grp TEXT NOT NULL)`,
		`INSERT INTO users VALUES ('mta1', '5f1c', '` + digest("5f1c", "correct horse") + `', 1), ('mta2', '', '', 1), ('mta3', '', '` + digest("", "pw") + `', 0)`,
		`INSERT INTO memberships VALUES ('mta1', 'slow'), ('mta1', 'bulk')`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	p := loadWith(t, "auth-sqlite.lua", "/var/lib/troupe/users.db", filepath.ToSlash(path))
	wantLogins(t, p)
	if _, err := p.Hooks.Authenticate(t.Context(), "mta3", "pw", meta); !errors.Is(err, policy.ErrRefused) {
		t.Errorf("got %v; want a user refused who is not active", err)
	}
}

func TestAuthFromRedis(t *testing.T) {
	address := startRedis(t)
	query(t, address, "HSET", "troupe:user:mta1", "salt", "5f1c", "sha256", digest("5f1c", "correct horse"), "groups", "bulk slow")
	query(t, address, "HSET", "troupe:user:mta2", "salt", "", "sha256", "")
	wantLogins(t, loadWith(t, "auth-redis.lua", "redis://127.0.0.1:6379/", "redis://"+address+"/"))
}

// startRedis runs a redis-server, until the test ends, and returns its address.
func startRedis(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // for a port that is free
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)
	server := exec.Command(binary, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--appendonly", "no")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(strings.ToLower(lines.Text()), "ready to accept connections") {
			go io.Copy(io.Discard, out)
			return address
		}
	}
	t.Fatal("redis-server ended before it was ready")
	return ""
}

// query sends a command in the inline form, whose arguments have no blanks unless
// they are quoted.
func query(t *testing.T, address string, args ...string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, `"`+strings.Join(args, `" "`)+"\"\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || strings.HasPrefix(line, "-") {
		t.Fatalf("%q: got %q, %v", args, line, err)
	}
}

func TestPerUserSources(t *testing.T) {
	users := write(t, "users.toml", `
[tenant-a]
salt = "1"
sha256 = "`+digest("1", "pw")+`"
sources = ["192.0.2.10", "192.0.2.11"]
[tenant-b]
salt = "2"
sha256 = "`+digest("2", "pw")+`"
sources = ["198.51.100.1"]
`)
	p := loadWith(t, "per-user-sources.lua", "/etc/troupe/users.toml", users)
	for _, tt := range []struct {
		user    string
		connect bool
		source  string
		want    policy.Decision
	}{
		{"tenant-a", false, "192.0.2.10", policy.Decision{}},
		{"tenant-a", false, "192.0.2.11", policy.Decision{}},
		{"tenant-a", false, "192.0.2.12", policy.Decision{Deny: true, Why: "192.0.2.12 is not a source of tenant-a"}},
		{"tenant-a", true, "", policy.Decision{Source: netip.MustParseAddr("192.0.2.10")}},
		{"tenant-a", true, "192.0.2.11", policy.Decision{}},
		{"tenant-b", true, "192.0.2.10", policy.Decision{Deny: true, Why: "192.0.2.10 is not a source of tenant-b"}},
		{"tenant-c", true, "", policy.Decision{Deny: true, Why: "the user was taken out of the file"}},
	} {
		r := policy.RequestInfo{Connect: tt.connect, Host: "198.51.100.7", Port: 25, Auth: policy.AuthInfo{
			Identities: []policy.Identity{{Identity: tt.user, Context: "ProxyAuthRfc1929"}},
		}}
		if tt.source != "" {
			r.Source = netip.MustParseAddr(tt.source)
		}
		if got, err := p.Hooks.Request(t.Context(), r, meta); err != nil || got != tt.want {
			t.Errorf("%s from %q: got %+v, %v; want %+v", tt.user, tt.source, got, err, tt.want)
		}
	}
	if _, err := p.Hooks.Authenticate(t.Context(), "tenant-a", "pw", meta); err != nil {
		t.Error(err)
	}
	if _, err := p.Hooks.Authenticate(t.Context(), "tenant-a", "other", meta); !errors.Is(err, policy.ErrRefused) {
		t.Errorf("got %v; want ErrRefused", err)
	}
	set := compile(t, p)
	if v := set.Unbound(); !v.Allowed {
		t.Errorf("got %v; want a client that does not bind let through to the hook", v)
	}
	if v := set.Source(netip.MustParseAddr("198.51.100.1")); v.Allowed {
		t.Error("a source that the file has by mistake is used")
	}
}

// nowhere is a host without addresses.
type nowhere struct{}

func (nowhere) Local(netip.Addr) bool    { return false }
func (nowhere) Attached(netip.Addr) bool { return false }

func compile(t *testing.T, p *policy.Policy) *rules.Set {
	t.Helper()
	set, err := rules.Compile(&p.Listeners[0].Rules, nowhere{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestStickyIPv6Pool(t *testing.T) {
	first, second := compile(t, load(t, "sticky-ipv6-pool.lua")), compile(t, load(t, "sticky-ipv6-pool.lua"))
	pool, upstream := netip.MustParsePrefix("2001:db8:1:2::/64"), netip.MustParseAddr("2001:db8:ffff::25")
	seen := map[netip.Addr]netip.Addr{}
	for client := netip.MustParseAddr("10.0.0.1"); len(seen) < 500; client = client.Next() {
		source, ok := first.Choose(client, upstream, nil)
		again, _ := second.Choose(client, upstream, nil)
		if !ok || !pool.Contains(source) || source != again {
			t.Fatalf("%v: got %v, %v and %v after a restart; want one address in %v", client, source, ok, again, pool)
		}
		if other, taken := seen[source]; taken {
			t.Errorf("%v and %v share %v", client, other, source)
		}
		seen[source] = client
	}
	client := netip.MustParseAddr("10.0.0.1")
	if _, ok := first.Choose(client, netip.MustParseAddr("198.51.100.7"), nil); ok {
		t.Error("there is a source for an IPv4 upstream; want none")
	}
	if first.Destination(client, netip.AddrPortFrom(upstream, 26)).Allowed || !first.Destination(client, netip.AddrPortFrom(upstream, 25)).Allowed {
		t.Error("want port 25 and no other")
	}
}
