// Package sqlite is the module sqlite of Lua: SQL queries on SQLite files.
//
// The files are opened once for all Lua states of the process, by a driver in
// pure Go, and closed with the process. The package changes no setting that is
// stored in a file, such as the journal mode. Where a query waits, it ends with
// the context of its state.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/handle"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/object"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/value"
)

const (
	open  = "sqlite.open"
	class = "sqlite.Database"

	defaultPatience = 500 // milliseconds, KumoMTA's
	maxPatience     = 3_600_000
)

// Databases are those of a process. Its methods may be called from any goroutine.
type Databases struct {
	pool    pool
	handles *handle.Store
}

// New has no open files. Databases in memory are handles of the store.
func New(handles *handle.Store) *Databases {
	return &Databases{pool: pool{files: map[string]*database{}}, handles: handles}
}

// Close closes all files. Databases in memory are the store's to close.
func (s *Databases) Close() error { return s.pool.close() }

// Module is sqlite.
func (s *Databases) Module() spec.Module {
	c := s.class()
	return spec.Module{
		Name: "sqlite",
		Doc:  "SQL queries on SQLite databases.",
		Functions: []spec.Function{{
			Name: "open",
			Params: []spec.Param{
				{Name: "path", Type: "string", Doc: "the file, made if it is not there; \":memory:\" is a new database in memory, which ends with this object"},
				{Name: "busy_timeout_ms", Type: "integer?", Doc: "how long a query waits for a lock of another process, in milliseconds; 500"},
			},
			Results: []spec.Result{{Type: class, Doc: "the database"}},
			Doc: "Opens a database. All states share the connections of a file, so that opening is cheap and may stand in a handler. " +
				"A file that was replaced by another of the same name is noticed here. It raises when the file cannot be opened.",
			Call: func(e *spec.Env, L *lua.LState) int { return s.open(e, L, c) },
		}},
		Classes: []spec.Class{*c},
	}
}

func (s *Databases) class() *spec.Class {
	return &spec.Class{
		Name: class,
		Doc:  "An open SQLite database.",
		Methods: []spec.Function{
			{
				Name: "execute",
				Params: []spec.Param{
					{Name: "sql", Type: "string", Doc: "a statement"},
					{Name: "...", Type: "any", Variadic: true, Doc: "its parameters, nil, numbers or strings; or one table, with names for :name, of which absent ones are NULL, or a list for ?"},
				},
				Results: []spec.Result{{Type: "table|integer", Doc: "one column: a list of its values; several: a list of tables by column name; none: how many rows were changed"}},
				Doc: "Runs a statement. NULL is nil, blobs are strings, and an integer beyond 2^53, which a Lua number does not hold exactly, is a string of digits. " +
					"A transaction from BEGIN to COMMIT ends at the latest with the call of the handler, and is then rolled back. " +
					"It raises SQLite's error, among them \"database is locked\" when the lock did not come in time, and when the result is longer than 16 MiB.",
				Call: s.execute,
			},
			{Name: "close", Doc: "Ends the use of this object. Doing it twice does nothing.", Call: s.close},
		},
	}
}

// opened is a database as one script sees it.
type opened struct {
	path     string // of a file
	memory   *database
	handle   *handle.Handle // of a database in memory
	patience time.Duration
	closed   bool
	begun    *transaction
}

func (s *Databases) open(e *spec.Env, L *lua.LState, class *spec.Class) int {
	path := L.CheckString(1)
	patience := L.OptNumber(2, defaultPatience)
	if patience < 0 || patience > maxPatience || patience != lua.LNumber(int(patience)) {
		L.RaiseError("%s: busy_timeout_ms: expected a whole number from 0 to %d, got %v", open, maxPatience, patience)
	}
	o := &opened{patience: time.Duration(patience) * time.Millisecond}
	var err error
	if inMemory(path) {
		err = s.openMemory(L, o, path)
	} else if o.path, err = absolute(path); err == nil {
		var l *lease
		if l, err = s.lease(call.Context(L), o, true); err == nil {
			err = l.end()
		}
	}
	if err != nil {
		return call.Raise(L, open, fmt.Errorf("'%s': %w", path, err))
	}
	L.Push(object.New(e, L, class, o))
	return 1
}

func (s *Databases) openMemory(L *lua.LState, o *opened, path string) error {
	d, err := connect(path)
	if err != nil {
		return err
	}
	o.memory = d
	o.handle, err = s.handles.Add(L, d)
	return err
}

// lease is a connection to the database; fresh is as in pool.use.
func (s *Databases) lease(ctx context.Context, o *opened, fresh bool) (*lease, error) {
	d, release := o.memory, func() error { return nil }
	switch {
	case o.closed || d != nil && !o.handle.Open():
		return nil, errClosed
	case d == nil:
		var err error
		if d, err = s.pool.use(o.path, fresh); err != nil {
			return nil, err
		}
		release = func() error { return s.pool.release(d) }
	}
	conn, err := d.acquire(ctx, o.patience)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return &lease{conn: conn, release: release}, nil
}

func (s *Databases) execute(_ *spec.Env, L *lua.LState) int {
	const method = class + ":execute"
	o := object.Self[*opened](L, method)
	statement := L.CheckString(2)
	args, err := parameters(L, statement)
	if err != nil {
		return call.Raise(L, method, err)
	}
	ctx := call.Context(L)
	result, err := s.run(ctx, o, statement, args)
	if ctx.Err() != nil {
		err = ctx.Err() // rather than that a statement was interrupted
	}
	if err != nil {
		return call.Raise(L, method, err)
	}
	L.Push(value.FromGo(L, result))
	return 1
}

// run runs a statement in the transaction that is open, or on any connection.
func (s *Databases) run(ctx context.Context, o *opened, statement string, args []any) (any, error) {
	if o.closed {
		return nil, errClosed
	}
	if o.begun != nil && o.begun.over.Load() {
		o.begun = nil // it ended with the call that began it
	}
	var l *lease
	if o.begun != nil {
		l = o.begun.lease
	} else {
		var err error
		if l, err = s.lease(ctx, o, false); err != nil {
			return nil, err
		}
	}
	result, err := execute(ctx, l.conn, statement, args)
	if o.memory != nil { // it has one connection, which its own statements use alone
		return result, errors.Join(err, l.end())
	}
	return result, errors.Join(err, o.settle(ctx, l, statement, err))
}

// settle keeps the connection for a transaction that the statement began, and
// gives it back when there is none.
func (o *opened) settle(ctx context.Context, l *lease, statement string, failed error) error {
	inside := o.begun != nil
	if movesTransaction(statement) || inside && failed != nil {
		var err error
		if inside, err = inTransaction(ctx, l.conn); err != nil {
			inside = false
			if o.begun == nil {
				return l.discard()
			}
		}
	}
	switch {
	case inside && o.begun == nil:
		o.begun = begin(ctx, l)
	case !inside && o.begun != nil:
		done := o.begun
		o.begun = nil
		return done.finish()
	case !inside:
		return l.end()
	}
	return nil
}

func (s *Databases) close(_ *spec.Env, L *lua.LState) int {
	o := object.Self[*opened](L, class+":close")
	o.closed = true
	if o.begun != nil {
		o.begun.stop()
		o.begun.abandon()
		o.begun = nil
	}
	if o.handle != nil {
		if err := o.handle.Close(L); err != nil {
			return call.Raise(L, class+":close", err)
		}
	}
	return 0
}
