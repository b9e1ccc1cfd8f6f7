package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// lease is a connection that nobody else uses until it is given back.
type lease struct {
	conn    *sql.Conn
	release func() error // gives back the file
}

// end gives the connection back for others to use.
func (l *lease) end() error { return errors.Join(l.conn.Close(), l.release()) }

// discard closes the connection, which rolls back what was not committed.
func (l *lease) discard() error {
	err := l.conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		err = nil
	}
	return errors.Join(err, l.release())
}

// transaction keeps the connection between statements, from BEGIN to COMMIT. It
// never outlives the call into Lua that began it: a script that forgets the end
// would keep the file locked for everybody.
type transaction struct {
	lease *lease
	stop  func() bool // of the context's end
	once  sync.Once
	over  atomic.Bool
}

func begin(ctx context.Context, l *lease) *transaction {
	t := &transaction{lease: l}
	t.stop = context.AfterFunc(ctx, t.abandon)
	return t
}

// abandon rolls back. Nobody is left to be told how that went.
func (t *transaction) abandon() {
	t.over.Store(true)
	t.once.Do(func() { _ = t.lease.discard() })
}

// finish gives the connection back after a commit or rollback.
func (t *transaction) finish() (err error) {
	t.stop()
	t.once.Do(func() { err = t.lease.end() })
	return err
}

// movesTransaction says that a statement may begin or end a transaction.
func movesTransaction(statement string) bool {
	words := []string{"BEGIN", "SAVEPOINT", "COMMIT", "END", "ROLLBACK", "RELEASE"}
	return slices.Contains(words, strings.ToUpper(firstWord(statement))) ||
		strings.Contains(strings.TrimRight(statement, "; \t\r\n"), ";")
}

// firstWord is the first letters of a statement.
func firstWord(statement string) string {
	statement = strings.TrimLeft(statement, " \t\r\n;")
	end := strings.IndexFunc(statement, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' })
	if end < 0 {
		end = len(statement)
	}
	return statement[:end]
}

// inTransaction asks in the only way that SQL has: to begin another is refused. A
// transaction that has read nothing locks nothing.
func inTransaction(ctx context.Context, conn *sql.Conn) (bool, error) {
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return true, ctx.Err()
	}
	_, err := conn.ExecContext(ctx, "ROLLBACK")
	return false, err
}
