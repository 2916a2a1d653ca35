package gpkg

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// conn is one connection with the functions and settings that the store needs.
// It is used by one goroutine at a time.
type conn struct {
	*sqlite.Conn
	quiet bool // triggers are switched off
}

// setTriggers switches the connection's triggers on or off.
func (c *conn) setTriggers(on bool) error {
	if on != c.quiet {
		return nil
	}
	if err := enableTriggers(c.Conn, on); err != nil {
		return err
	}
	c.quiet = !on
	return nil
}

// openConn opens the file, which must exist unless create is set.
func openConn(path string, create bool, pragmas ...string) (*conn, error) {
	holdBlocks()
	flags := sqlite.OpenReadWrite
	if create {
		flags |= sqlite.OpenCreate
	}
	raw, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw}
	raw.SetBusyTimeout(5 * time.Second)
	err = registerFunctions(raw)
	for _, p := range pragmas {
		if err == nil {
			err = c.exec("PRAGMA " + p)
		}
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// exec runs one statement to its end. The arguments are int64, string, []byte,
// float64 or nil.
func (c *conn) exec(query string, args ...any) error {
	return c.query(query, nil, args...)
}

// query runs one statement and calls row, when not nil, for each of its rows. The
// statement is kept prepared.
func (c *conn) query(query string, row func(*sqlite.Stmt) error, args ...any) error {
	stmt, err := c.Prepare(query)
	if err != nil {
		return err
	}
	bind(stmt, args)
	for {
		more, err := stmt.Step()
		if err != nil {
			return err
		}
		if !more {
			return stmt.Reset()
		}
		if row != nil {
			if err := row(stmt); err != nil {
				_ = stmt.Reset()
				return err
			}
		}
	}
}

// once is exec for statements that are not worth keeping, such as DDL.
func (c *conn) once(query string) error {
	stmt, _, err := c.PrepareTransient(query)
	if err != nil {
		return err
	}
	_, err = stmt.Step()
	return errors.Join(err, stmt.Finalize())
}

func bind(stmt *sqlite.Stmt, args []any) {
	for i, a := range args {
		switch a := a.(type) {
		case nil:
			stmt.BindNull(i + 1)
		case int64:
			stmt.BindInt64(i+1, a)
		case int:
			stmt.BindInt64(i+1, int64(a))
		case catalog.Rev:
			stmt.BindInt64(i+1, int64(a))
		case float64:
			stmt.BindFloat(i+1, a)
		case string:
			stmt.BindText(i+1, a)
		case []byte:
			stmt.BindBytes(i+1, a)
		default:
			panic(fmt.Sprintf("bind: %T", a)) // a mistake in this package
		}
	}
}

// int64 is the first column of the first row of the query, 0 when there is none.
func (c *conn) int64(query string, args ...any) (int64, error) {
	var n int64
	err := c.query(query, func(s *sqlite.Stmt) error { n = s.ColumnInt64(0); return nil }, args...)
	return n, err
}

// text is int64 for a text.
func (c *conn) text(query string, args ...any) (string, error) {
	var t string
	err := c.query(query, func(s *sqlite.Stmt) error { t = s.ColumnText(0); return nil }, args...)
	return t, err
}

// rollback ends a transaction, whatever state it is in.
func (c *conn) rollback() {
	c.SetInterrupt(nil)
	if !c.AutocommitEnabled() {
		_ = c.exec("ROLLBACK") // it fails only where SQLite has rolled back by itself
	}
}

// lockDelays are the waits between attempts to get the write lock.
var lockDelays = [...]time.Duration{time.Millisecond, time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond, 5 * time.Millisecond, 8 * time.Millisecond, 12 * time.Millisecond, 20 * time.Millisecond}

// beginImmediate takes the write lock. It waits for whoever holds it until ctx
// ends or the limit has passed.
func (c *conn) beginImmediate(ctx context.Context, limit time.Duration) error {
	c.SetBusyTimeout(0)
	defer c.SetBusyTimeout(5 * time.Second)
	until := time.Now().Add(limit)
	for i := 0; ; i++ {
		err := c.exec("BEGIN IMMEDIATE")
		if err == nil || sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("%w: another program has held the file's write lock for %v", catalog.ErrUnavailable, limit)
		}
		t := time.NewTimer(lockDelays[min(i, len(lockDelays)-1)])
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}
