package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/handle"
	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

type rig struct {
	*luatest.State
	all  *Databases
	path string
}

// newRig is a state with a database of two users in a file, open as db.
func newRig(t *testing.T) *rig {
	t.Helper()
	handles := handle.NewStore()
	all := New(handles)
	t.Cleanup(func() {
		if err := errors.Join(all.Close(), handles.Close()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	r := &rig{State: luatest.New(t, all.Module()), all: all, path: filepath.Join(t.TempDir(), "a b?c%20.db")}
	r.Must(t, fmt.Sprintf(`
		path = %q
		db = sqlite.open(path)
		db:execute('create table users (name text, age integer, secret blob)')
		db:execute('insert into users values (?, ?, ?)', 'ann', 30, 'a\0\255b')
		db:execute('insert into users values (:name, :age, :secret)', {name = 'bob', age = 41})`, r.path))
	return r
}

func TestResults(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		code string
		want any
	}{
		{`return db:execute 'select name from users order by age'`, []any{"ann", "bob"}},
		{`return db:execute 'select name, age from users order by age'`, []any{
			map[string]any{"name": "ann", "age": int64(30)}, map[string]any{"name": "bob", "age": int64(41)}}},
		{`return db:execute('select secret from users where name = ?', 'ann')`, []any{"a\x00\xffb"}},
		{`return db:execute('select secret from users where name = :n', {n = 'bob'})`, []any{}},
		{`return #db:execute('select name from users where name = ?', 'nobody')`, int64(0)},
		{`return db:execute('select ? + 1', 1.5)`, []any{2.5}},
		{`return db:execute('select typeof(?)', 3)`, []any{"integer"}},
		{`return db:execute('select typeof(?)', nil)`, []any{"null"}},
		{`return db:execute('select ? || ?', {'a', 'b'})`, []any{"ab"}},
		{`return db:execute 'select 9007199254740993'`, []any{"9007199254740993"}},
		{`return db:execute('select 1 where 9007199254740993 = cast(? as integer)', '9007199254740993')`, []any{int64(1)}},
		{`return db:execute "update users set age = age + 1"`, int64(2)},
		{`return db:execute "delete from users where name = 'nobody'"`, int64(0)},
		{`return db:execute 'create table other (x)'`, int64(0)},
		{`return db:execute "insert into users (name) values ('eve') returning name"`, []any{"eve"}},
	} {
		got := r.Must(t, c.code)
		if list, ok := c.want.([]any); ok && len(list) == 0 { // a list of one nil
			if fmt.Sprint(got) != "[]" && fmt.Sprint(got) != "map[]" {
				t.Errorf("%s: got %v; want an empty list", c.code, got)
			}
			continue
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v; want %#v", c.code, got, c.want)
		}
	}
}

// The driver parses what stands in columns declared as dates; scripts of KumoMTA
// compare the text as it was stored.
func TestDatesKeepTheirText(t *testing.T) {
	r := newRig(t)
	r.Must(t, `db:execute 'create table d (a datetime, b date, n integer)'
		db:execute("insert into d values ('2024-01-02 03:04:05', '2024-01-02', 1)")
		db:execute("insert into d values ('2024-01-02T03:04', 'never', 2)")`)
	got := r.Must(t, `local rows = db:execute("select a, b, n from d where n < ? order by n desc -- all of them", 9)
		return rows[1].a .. '|' .. rows[1].b .. '|' .. rows[2].a .. '|' .. rows[2].b`)
	if want := "2024-01-02T03:04|never|2024-01-02 03:04:05|2024-01-02"; got != want {
		t.Errorf("got %v; want %v", got, want)
	}
	if got := r.Must(t, `return db:execute("select a from d where n = 1; -- comment")[1]`); got != "2024-01-02 03:04:05" {
		t.Errorf("with a comment behind it: got %v; want the text", got)
	}
	if got := r.Must(t, `return db:execute("select a from d where n = :n and '10:00' <> :x", {n = 1, x = ''})[1]`); got != "2024-01-02 03:04:05" {
		t.Errorf("got %v; want the text", got)
	}
}

func TestErrors(t *testing.T) {
	r := newRig(t)
	r.Raises(t, `db:execute 'selekt'`, `sqlite.Database:execute: `)
	r.Raises(t, `db:execute 'select * from nowhere'`, `no such table: nowhere`)
	r.Raises(t, `db:execute('select ?', true)`, `parameter 1: expected nil, a number or a string, got boolean`)
	r.Raises(t, `db:execute('select :a', {a = print})`, `parameter :a: expected nil, a number or a string, got function`)
	r.Raises(t, `db.execute('select 1')`, `a method is called with a colon`)
	r.Raises(t, `sqlite.open('/nonexistent/dir/x.db')`, `sqlite.open: '/nonexistent/dir/x.db': `)
	r.Raises(t, `sqlite.open(path, -1)`, `busy_timeout_ms: expected a whole number from 0`)
	r.Raises(t, `db:execute 'select zeroblob(20000000)'`, `too big`)
	r.Raises(t, `db:execute 'with recursive n(i) as (select 1 union all select i + 1 from n) select i, zeroblob(1000000) from n'`, `the result is longer than`)
	r.Raises(t, `db:close() db:close() db:execute 'select 1'`, `the database is closed`)
}

func TestLockedDatabase(t *testing.T) {
	r := newRig(t)
	other, err := sql.Open("sqlite", "file:"+strings.NewReplacer("?", "%3f", "%", "%25").Replace(r.path))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.ExecContext(t.Context(), "begin exclusive"); err != nil {
		t.Fatal(err)
	}
	r.Must(t, `quick = sqlite.open(path, 10) patient = sqlite.open(path, 3600000)`)
	r.Raises(t, `quick:execute "update users set age = 1"`, "database is locked")

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := r.Try(ctx, `patient:execute "update users set age = 1"`); err == nil || !strings.Contains(err.Error(), "deadline exceeded") {
		t.Errorf("got %v; want the end of the context", err)
	}
	if _, err := other.ExecContext(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if got := r.Must(t, `return patient:execute "update users set age = 1"`); got != int64(2) {
		t.Errorf("after the lock: got %v; want 2", got)
	}
}

func TestContextInterruptsAQuery(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := r.Try(ctx, `return db:execute 'with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n'`)
	if err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got %v; want the end of the context", err)
	}
	if got := r.Must(t, `return db:execute('select count(*) from users')[1]`); got != int64(2) {
		t.Errorf("the next query: got %v; want 2", got)
	}
}

func TestTransactions(t *testing.T) {
	r := newRig(t)
	got := r.Must(t, `
		db:execute 'begin'
		db:execute "update users set age = 99"
		local other = sqlite.open(path):execute('select max(age) from users')[1]
		db:execute 'savepoint inner'
		db:execute 'release inner'
		db:execute 'commit'
		return other .. ' ' .. db:execute('select max(age) from users')[1]`)
	if got != "41 99" {
		t.Errorf("got %v; want 41 99: others see nothing before the commit", got)
	}
	r.Must(t, `db:execute 'begin' db:execute "delete from users" db:execute 'rollback'`)
	if got := r.Must(t, `return db:execute('select count(*) from users')[1]`); got != int64(2) {
		t.Errorf("after a rollback: got %v; want 2", got)
	}
}

func TestForgottenTransactionEndsWithItsCall(t *testing.T) {
	r := newRig(t)
	r.Must(t, `db:execute 'begin immediate' db:execute "delete from users"`) // the context ends here
	r.Must(t, `other = sqlite.open(path, 10000)`)
	if got := r.Must(t, `return other:execute "update users set age = 5"`); got != int64(2) {
		t.Errorf("got %v; want 2: the delete was rolled back", got)
	}
	if got := r.Must(t, `return db:execute('select count(*) from users')[1]`); got != int64(2) {
		t.Errorf("the same object: got %v; want 2", got)
	}
}

func TestInMemory(t *testing.T) {
	r := newRig(t)
	got := r.Must(t, `
		a, b = sqlite.open ':memory:', sqlite.open ':memory:'
		a:execute 'create table t (x)'
		a:execute 'begin'
		a:execute 'insert into t values (7)'
		a:execute 'commit'
		return a:execute('select x from t')[1]`)
	if got != int64(7) {
		t.Errorf("got %v; want 7", got)
	}
	r.Raises(t, `b:execute 'select x from t'`, `no such table`)
	r.Raises(t, `a:close() a:execute 'select x from t'`, `the database is closed`)
	r.Must(t, `for i = 1, 100 do sqlite.open ':memory:' end`)
	r.Raises(t, `b:execute 'select 1'`, `the database is closed`) // the oldest of too many
}

func TestReplacedFile(t *testing.T) {
	r := newRig(t)
	next := filepath.Join(filepath.Dir(r.path), "next.db")
	r.Must(t, fmt.Sprintf(`local n = sqlite.open(%q)
		n:execute 'create table users (name text)'
		n:execute "insert into users values ('zoe')" n:close()`, next))
	if err := os.Rename(next, r.path); err != nil {
		t.Fatal(err)
	}
	if got := r.Must(t, `return sqlite.open(path):execute('select name from users')[1]`); got != "zoe" {
		t.Errorf("got %v; want zoe, from the new file", got)
	}
}

func TestStatesShareAFile(t *testing.T) {
	r := newRig(t)
	var wg sync.WaitGroup
	for range 4 {
		s := luatest.New(t, r.all.Module())
		wg.Go(func() {
			_, err := s.Try(t.Context(), fmt.Sprintf(`local db = sqlite.open(%q, 20000)
				for i = 1, 25 do db:execute "update users set age = age + 1 where name = 'ann'" end`, r.path))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := r.Must(t, `return db:execute("select age from users where name = 'ann'")[1]`); got != int64(130) {
		t.Errorf("got %v; want 130", got)
	}
}

func TestManyFilesAndClose(t *testing.T) {
	r := newRig(t)
	r.Must(t, fmt.Sprintf(`for i = 1, 70 do sqlite.open(%q .. i):execute 'create table t (x)' end`, filepath.Join(t.TempDir(), "f")))
	r.all.pool.mu.Lock()
	n := len(r.all.pool.files)
	r.all.pool.mu.Unlock()
	if n > maxFiles {
		t.Errorf("got %d open files; want at most %d", n, maxFiles)
	}
	if err := r.all.Close(); err != nil {
		t.Fatal(err)
	}
	r.Raises(t, `db:execute 'select 1'`, `the database is closed`)
}
