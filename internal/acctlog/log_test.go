package acctlog

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/troupe-proxy/troupe/internal/access"
)

const patience = 30 * time.Second

var who = access.Auth{Peer: netip.MustParseAddr("127.0.0.1"), Groups: []string{access.TrustedGroup}}

func failedLogin(name string) Authentication {
	return Authentication{Attempted: access.Identity{Identity: name, Context: access.HTTPBasicAuth}, Who: who}
}

func decision(allow bool) Authorization {
	a := Authorization{Query: access.Query{Resource: access.HTTPResource("0.0.0.0:8000", "/api/x"), Who: who, Privilege: "GET"}}
	if allow {
		a.Decision = access.Decision{
			Allow: true, Matching: "http_listener/*/api", Considered: []string{"http_listener/0.0.0.0:8000/api/x"},
			Rule: &access.Rule{Criteria: access.Group(access.TrustedGroup), Privilege: "GET", Allow: true},
		}
	}
	return a
}

// said is the daemon's log.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func newLog() (*Log, *said) {
	s := &said{}
	return New(slog.New(slog.NewTextHandler(s, nil))), s
}

func configured(t *testing.T, change func(*Config)) (*Log, *Config, *said) {
	t.Helper()
	c := Default()
	c.Dir = filepath.Join(t.TempDir(), "deep", "acct")
	c.MinFreeSpace, c.MinFreeInodes = MinFree{}, MinFree{}
	if change != nil {
		change(&c)
	}
	l, s := newLog()
	l.Configure(&c)
	return l, &c, s
}

func mustClose(t *testing.T, l *Log) {
	t.Helper()
	if !l.Close(patience) {
		t.Error("the log was not written to its end")
	}
}

// segments are the files, by their names, which are in the order of time.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "acct-*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

// lines are those of a segment.
func lines(t *testing.T, file string) []string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text, err := io.ReadAll(d)
	if err != nil && len(text) == 0 {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestRecords(t *testing.T) {
	l, c, _ := configured(t, nil)
	l.Authentication(failedLogin("daniel"))
	l.Authorization(decision(true))
	l.Authorization(decision(false))
	mustClose(t, l)
	files := segments(t, c.Dir)
	if len(files) != 1 || !regexp.MustCompile(`^acct-\d{8}-\d{6}\.\d{9}$`).MatchString(filepath.Base(files[0])) {
		t.Fatalf("got %q; want one segment named by the time", files)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm()&0o222 != 0 {
		t.Errorf("got %v, %v; want a file that cannot be written", info.Mode(), err)
	}
	const auth = `"auth_info":{"groups":["kumomta:http-listener-trusted-ip"],"identities":[],"peer_address":"127.0.0.1"}`
	want := []string{
		`{"type":"Authentication","attempted_identity":{"identity":"daniel","context":"HttpBasicAuth"},"success":false,` + auth + `}`,
		`{"type":"Authorization","target_resource":"http_listener/0.0.0.0:8000/api/x","privilege":"GET","access":"Allow","matching_resource":"http_listener/*/api",` +
			`"rule":{"access":"Allow","criteria":{"Identity":{"Group":"kumomta:http-listener-trusted-ip"}},"privilege":"GET"},` + auth +
			`,"considered_resources":["http_listener/0.0.0.0:8000/api/x"]}`,
		`{"type":"Authorization","target_resource":"http_listener/0.0.0.0:8000/api/x","privilege":"GET","access":"Deny","matching_resource":null,"rule":null,` + auth + `,"considered_resources":[]}`,
	}
	stamp := regexp.MustCompile(`"timestamp":"[^"]+Z",`)
	for i, line := range lines(t, files[0]) {
		if !json.Valid([]byte(line)) || !stamp.MatchString(line) {
			t.Errorf("got %s; want JSON with a timestamp", line)
		}
		if got := stamp.ReplaceAllString(line, ""); got != want[i] {
			t.Errorf("got\n%s; want\n%s", got, want[i])
		}
	}
}

func TestUnwantedRecords(t *testing.T) {
	ok := failedLogin("a")
	ok.Success = true
	for name, tt := range map[string]struct {
		change func(*Config)
		want   int
	}{
		"all":             {func(*Config) {}, 4},
		"no authz allow":  {func(c *Config) { c.AuthzAllow = false }, 3},
		"no authz deny":   {func(c *Config) { c.AuthzDeny = false }, 3},
		"no authn ok":     {func(c *Config) { c.AuthnOK = false }, 3},
		"no authn fail":   {func(c *Config) { c.AuthnFail = false }, 3},
		"only authn fail": {func(c *Config) { c.AuthzAllow, c.AuthzDeny, c.AuthnOK = false, false, false }, 1},
	} {
		l, c, _ := configured(t, tt.change)
		l.Authentication(failedLogin("a"))
		l.Authentication(ok)
		l.Authorization(decision(true))
		l.Authorization(decision(false))
		mustClose(t, l)
		if got := len(lines(t, segments(t, c.Dir)[0])); got != tt.want {
			t.Errorf("%s: got %d records; want %d", name, got, tt.want)
		}
	}
}

func TestSegmentsBySize(t *testing.T) {
	l, c, _ := configured(t, func(c *Config) { c.MaxFileSize, c.CompressionLevel = 400, 19 })
	for range 9 {
		l.Authentication(failedLogin("a")) // some 200 bytes
	}
	mustClose(t, l)
	total := 0
	files := segments(t, c.Dir)
	for _, f := range files {
		total += len(lines(t, f))
	}
	if len(files) != 5 || total != 9 {
		t.Errorf("got %d records in %d segments; want 9 in 5", total, len(files))
	}
}

// A segment ends with its time even if nothing more comes, and what is written can
// be read while it goes on.
func TestSegmentsByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c, _ := configured(t, func(c *Config) { c.MaxSegmentDuration = time.Minute })
		l.Authentication(failedLogin("a"))
		<-time.After(flushEvery + time.Millisecond)
		synctest.Wait()
		files := segments(t, c.Dir)
		if len(files) != 1 || len(lines(t, files[0])) != 1 {
			t.Fatalf("got %q; want a segment with a record after a second", files)
		}
		if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm()&0o200 == 0 {
			t.Errorf("got %v, %v; want a segment that is still written", info.Mode(), err)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm()&0o222 != 0 {
			t.Errorf("got %v, %v; want it finished", info.Mode(), err)
		}
		l.Authentication(failedLogin("b"))
		mustClose(t, l)
		if files := segments(t, c.Dir); len(files) != 2 {
			t.Errorf("got %q; want two segments", files)
		}
	})
}

// A reload with the same parameters changes nothing; with others, what was written
// so far is finished first; with none it ends.
func TestConfigureAgain(t *testing.T) {
	l, first, _ := configured(t, nil)
	l.Authentication(failedLogin("a"))
	same := *first
	l.Configure(&same)
	l.Authentication(failedLogin("b"))
	second := *first
	second.Dir = t.TempDir()
	l.Configure(&second)
	l.Authentication(failedLogin("c"))
	l.Configure(nil)
	l.Authentication(failedLogin("nobody hears"))
	l.Configure(&same)
	l.Authentication(failedLogin("d"))
	mustClose(t, l)
	l.Configure(&second)
	l.Authentication(failedLogin("after the end"))
	mustClose(t, l)
	files := slices.Concat(segments(t, first.Dir), segments(t, second.Dir))
	var names []string
	for _, f := range files {
		for _, line := range lines(t, f) {
			var r struct {
				Attempted access.Identity `json:"attempted_identity"`
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			names = append(names, r.Attempted.Identity)
		}
	}
	if len(files) != 3 || !slices.Equal(names, []string{"a", "b", "d", "c"}) {
		t.Errorf("got %q in %d segments; want a, b and d, c in three", names, len(files))
	}
}

// What an earlier process has left is finished; files of others are left alone.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"acct-20250101-000000.5", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, _, _ := configured(t, func(c *Config) { c.Dir = dir })
	mustClose(t, l)
	for name, want := range map[string]os.FileMode{"acct-20250101-000000.5": 0o440, "other": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}

// A directory that cannot be had is said, not too often, and nobody waits.
func TestNoDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		l, _, said := configured(t, func(c *Config) { c.Dir = filepath.Join(file, "below") })
		for range 100 {
			l.Authentication(failedLogin("a"))
			synctest.Wait()
		}
		<-time.After(2 * sayEvery)
		synctest.Wait()
		if got := strings.Count(said.String(), "level=ERROR"); got != 2 || !strings.Contains(said.String(), "records=100") {
			t.Errorf("got %d errors:\n%s\nwant one about the directory and one about 100 records", got, said)
		}
		mustClose(t, l)
	})
}

// Beyond back_pressure records are dropped and counted.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Default()
		c.Dir, c.BackPressure = t.TempDir(), 3
		l, said := newLog()
		before := make(chan struct{})
		l.writer = newWriter(c, l.log, before) // which waits for another to end
		for range 10 {
			l.Authentication(failedLogin("a"))
		}
		close(before)
		<-time.After(2 * sayEvery)
		synctest.Wait()
		mustClose(t, l)
		if got := len(lines(t, segments(t, c.Dir)[0])); got != 3 || !strings.Contains(said.String(), "records=7") {
			t.Errorf("got %d records, and %s; want 3 and 7 lost", got, said)
		}
	})
}

func TestCloseDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Default()
		c.Dir = t.TempDir()
		l, _ := newLog()
		before := make(chan struct{})
		l.writer = newWriter(c, l.log, before)
		if l.Close(time.Second) {
			t.Error("Close says that all was written; want it to give up")
		}
		close(before)
	})
}

func TestMinFree(t *testing.T) {
	for _, tt := range []struct {
		m           MinFree
		free, total uint64
		want        bool
	}{
		{MinFree{}, 0, 100, false}, {MinFree{Percent: 10}, 9, 100, true}, {MinFree{Percent: 10}, 10, 100, false},
		{MinFree{Amount: 50}, 49, 100, true}, {MinFree{Amount: 50}, 50, 100, false},
	} {
		if got := tt.m.below(tt.free, tt.total); got != tt.want {
			t.Errorf("%+v with %d of %d: got %v; want %v", tt.m, tt.free, tt.total, got, tt.want)
		}
	}
}

func TestNoLog(*testing.T) {
	var l *Log
	l.Configure(&Config{})
	l.Authentication(failedLogin("a"))
	l.Authorization(decision(true))
	l.Close(0)
}
