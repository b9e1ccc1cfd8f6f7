package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	engine "modernc.org/sqlite"
	library "modernc.org/sqlite/lib"
)

const (
	// maxFiles is how many database files are open at once. One more closes the one
	// that was used longest ago.
	maxFiles = 64
	// maxConnections is how many queries run at once in one file.
	maxConnections = 8
	maxIdle        = 2
	idleTime       = time.Minute
	// MaxResult is the length of the largest result, and that of the longest single
	// value, in bytes.
	MaxResult = 16 << 20
)

var (
	errClosed = errors.New("the database is closed")
	errBusy   = fmt.Errorf("%d databases are in use", maxFiles)
)

// database is one open file, or one database in memory.
type database struct {
	db   *sql.DB
	info fs.FileInfo // the file when it was opened; nil while there was none

	// The lock of the pool guards these.
	users   int // queries that run
	used    time.Time
	retired bool // closed as soon as no query runs
}

// connect opens a database. Nothing is read before the first query.
func connect(path string) (*database, error) {
	name := path
	if !inMemory(path) {
		name = "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?mode=rwc"
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxIdle)
	db.SetConnMaxIdleTime(idleTime)
	if inMemory(path) { // which each connection would have one of its own of
		db.SetMaxOpenConns(1)
		db.SetMaxIdleConns(1)
		db.SetConnMaxIdleTime(0)
	}
	return &database{db: db}, nil
}

// inMemory is a database that ends with its handle.
func inMemory(path string) bool { return path == "" || path == ":memory:" }

// acquire is a connection that waits for locks no longer than patience.
func (d *database) acquire(ctx context.Context, patience time.Duration) (*sql.Conn, error) {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", patience.Milliseconds()))
	if err == nil {
		_, err = engine.Limit(conn, library.SQLITE_LIMIT_LENGTH, MaxResult)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Close implements io.Closer, for databases in memory.
func (d *database) Close() error { return d.db.Close() }

// pool holds the open files of the process, by their full paths.
type pool struct {
	mu     sync.Mutex
	files  map[string]*database
	closed bool
}

// use is the database of a path for one query; release must follow. With fresh, a
// file that another has replaced since is opened anew.
func (p *pool) use(path string, fresh bool) (*database, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	d := p.files[path]
	if d != nil && fresh && replaced(path, d) {
		p.retire(path)
		d = nil
	}
	if d == nil {
		if err := p.room(); err != nil {
			return nil, err
		}
		var err error
		if d, err = connect(path); err != nil {
			return nil, err
		}
		p.files[path] = d
	}
	if d.info == nil {
		d.info, _ = os.Stat(path) // SQLite makes the file when it is first needed
	}
	d.users++
	d.used = time.Now()
	return d, nil
}

// replaced says that another file has the path now.
func replaced(path string, d *database) bool {
	if d.info == nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && !os.SameFile(now, d.info)
}

func (p *pool) release(d *database) error {
	p.mu.Lock()
	d.users--
	last := d.retired && d.users == 0
	p.mu.Unlock()
	if last {
		return d.db.Close()
	}
	return nil
}

// room retires the file that was used longest ago when there are too many.
func (p *pool) room() error {
	if len(p.files) < maxFiles {
		return nil
	}
	oldest := ""
	for path, d := range p.files {
		if d.users == 0 && (oldest == "" || d.used.Before(p.files[oldest].used)) {
			oldest = path
		}
	}
	if oldest == "" {
		return errBusy
	}
	p.retire(oldest)
	return nil
}

// retire closes a file once no query runs in it. The caller holds the lock; no
// query runs when the file is closed here, so that this does not wait.
func (p *pool) retire(path string) {
	d := p.files[path]
	delete(p.files, path)
	d.retired = true
	if d.users == 0 {
		_ = d.db.Close() // it was read and written by finished queries only
	}
}

// close closes all files. Queries that run are waited for: their contexts end
// them.
func (p *pool) close() error {
	p.mu.Lock()
	files := p.files
	p.files, p.closed = map[string]*database{}, true
	for _, d := range files {
		d.retired = false // closed below, not by release
	}
	p.mu.Unlock()
	var all []error
	for _, d := range files {
		all = append(all, d.db.Close())
	}
	return errors.Join(all...)
}

// absolute is the key of a file.
func absolute(path string) (string, error) {
	if strings.ContainsRune(path, 0) {
		return "", errors.New("the path has a zero byte")
	}
	return filepath.Abs(path)
}
