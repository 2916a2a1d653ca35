package audit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"nagar/catalog"
	"nagar/internal/access/accessdb"
)

// Schema is the log's table in the access database. body is the truth; the other
// columns are for searching.
var Schema = accessdb.Schema{Name: "audit", Steps: [][]string{{
	`create table audit (seq bigint primary key, time bigint not null, action text not null,
		account text not null, name text not null, collection text not null, body bytea not null)`,
	`create index audit_time on audit (time)`,
	`create index audit_account on audit (account, seq)`,
	`create index audit_collection on audit (collection, seq)`,
}}}

// writeTime is the most that making a group of entries durable may take.
const writeTime = 10 * time.Second

// Log is the log of one store. Its methods may be called from any goroutine.
type Log struct {
	db     *accessdb.DB
	folder string

	turn chan struct{} // held by whoever writes a group
	mu   sync.Mutex
	next *group // takes entries while the group before is written; nil: begin one
}

// group is what one transaction makes durable.
type group struct {
	entries []*Entry
	done    chan struct{} // closed once it is written, or is not
	err     error         // then
}

// New returns the log in a database that was opened with Schema. folder is where
// this server keeps the head, the store's own; "" keeps none.
func New(db *accessdb.DB, folder string) *Log {
	return &Log{db: db, folder: folder, turn: make(chan struct{}, 1)}
}

// Append makes the entries durable, in this order, and returns then. Entries of
// others that come meanwhile go along; entries for reads may be told as one (see
// Entry). Seq, Time, Prev and Hash are set here. An error, which wraps
// catalog.ErrUnavailable, means that what they tell of must not be shown or done.
func (l *Log) Append(ctx context.Context, entries ...Entry) error {
	if len(entries) == 0 {
		return nil
	}
	g := l.join(entries)
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the audit log: %w", context.Cause(ctx))
	case l.turn <- struct{}{}:
	}
	l.mu.Lock()
	mine := l.next == g
	if mine {
		l.next = nil
	}
	l.mu.Unlock()
	if mine {
		// It is not one reader's alone: whoever gives up must not fail the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
		if err := l.write(ctx, g.entries); err != nil {
			g.err = fmt.Errorf("write %d entries of the audit log: %w: %w", len(g.entries), catalog.ErrUnavailable, err)
		}
		cancel()
		close(g.done)
	}
	<-l.turn
	<-g.done // whoever took it before has written it by now
	return g.err
}

// join puts the entries into the group that is written next.
func (l *Log) join(entries []Entry) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &group{done: make(chan struct{})}
	}
	g := l.next
	for i := range entries {
		e := entries[i]
		e.tidy()
		g.add(&e)
	}
	return g
}

// near is how many entries back one is looked for that says the same.
const near = 32

func (g *group) add(e *Entry) {
	for i := len(g.entries) - 1; i >= max(0, len(g.entries)-near); i-- {
		if g.entries[i].absorb(e) {
			return
		}
	}
	g.entries = append(g.entries, e)
}

// write appends the entries in one transaction.
func (l *Log) write(ctx context.Context, entries []*Entry) error {
	var head Head
	err := l.db.Tx(ctx, func(tx *accessdb.Tx) error {
		if err := tx.Lock(ctx, "audit"); err != nil {
			return err
		}
		var at int64
		var err error
		if head, at, err = last(ctx, tx); err != nil {
			return err
		}
		begins, err := l.begin(head)
		if err != nil {
			return err
		}
		if begins {
			entries = append([]*Entry{anchor()}, entries...)
		}
		now := time.UnixMicro(max(at, time.Now().UnixMicro()))
		for _, e := range entries {
			body := e.seal(head.Seq+1, now, head.Hash)
			if _, err := tx.Exec(ctx, `insert into audit (seq, time, action, account, name, collection, body) values (?, ?, ?, ?, ?, ?, ?)`,
				e.Seq, e.Time.UnixMicro(), string(e.Action), e.Who.Account, e.Who.Name, e.Collection, body); err != nil {
				return err
			}
			head = Head{e.Seq, e.Hash}
		}
		return nil
	})
	if err != nil || l.folder == "" {
		return err
	}
	if err := keepHead(l.folder, head); err != nil {
		return fmt.Errorf("keep the head: %w", err)
	}
	return nil
}

// begin keeps the head as it is, where none is kept, and reports whether it did.
func (l *Log) begin(head Head) (bool, error) {
	if l.folder == "" {
		return false, nil
	}
	if _, err := keptHead(l.folder); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, keepHead(l.folder, head)
}

// anchor tells that from here on a head is kept, and by which machine. After the
// first one in a log, each needs a reason: another server, or a head removed.
func anchor() *Entry {
	host, _ := os.Hostname() // "" does
	return &Entry{Action: Anchored, Who: Actor{Kind: "server"}, Detail: host}
}

type rowReader interface {
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// last is the head as it is in the database, and the time of its entry.
func last(ctx context.Context, q rowReader) (h Head, at int64, err error) {
	var body []byte
	err = q.QueryRow(ctx, `select seq, time, body from audit order by seq desc limit 1`).Scan(&h.Seq, &at, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return Head{}, 0, nil
	}
	h.Hash = sha256.Sum256(body)
	return h, at, err
}
