package postgis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"nagar/catalog"
)

// Apply writes a batch; see catalog.Batch. It has three steps:
//
//  1. As the operations come, in chunks: ask what the store has of them. What is
//     the same already is done with; what is new goes by COPY straight into the
//     table; the rest goes by COPY into a temporary table.
//  2. Once all have come: lock the rows that the rest is about, in the order of
//     their ids so that two batches never wait for each other in a circle, decide
//     by the rules of the two clocks, and write set by set. Only from here on can
//     a batch hold up others, however slowly its operations come.
//  3. Commit, when the deferred trigger numbers the revision.
func (s *Store) Apply(ctx context.Context, b catalog.Batch) (catalog.Result, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return catalog.Result{}, s.fail(ctx, "apply", err)
	}
	defer conn.Release()
	a := &applier{s: s, ctx: ctx, conn: conn, batch: &b, writers: map[string]*writer{}}
	r, err := a.run()
	if err != nil {
		a.rollback()
		return catalog.Result{}, s.fail(ctx, "apply", err)
	}
	return r, nil
}

// applier is one Apply.
type applier struct {
	s        *Store
	ctx      context.Context
	conn     *pgxpool.Conn
	batch    *catalog.Batch
	txn      int64
	writers  map[string]*writer
	n        int32 // operations so far
	result   tally
	statuses []catalog.Status
}

func (a *applier) run() (catalog.Result, error) {
	if a.batch.Key != "" {
		if _, _, err := a.look(nil); err != nil {
			return catalog.Result{}, err
		}
		if r, ok, err := a.replayed(); ok || err != nil {
			a.rollback()
			return r, err
		}
	}
	if a.batch.Replace != "" {
		if _, err := a.writer(a.batch.Replace); err != nil {
			return catalog.Result{}, err
		}
	}
	if err := a.take(); err != nil {
		return catalog.Result{}, err
	}
	for _, w := range a.sorted() {
		if err := w.finish(); err != nil {
			return catalog.Result{}, err
		}
	}
	return a.commit()
}

func (a *applier) sorted() []*writer {
	out := make([]*writer, 0, len(a.writers))
	for _, w := range a.writers {
		out = append(out, w)
	}
	slices.SortFunc(out, func(v, w *writer) int { return strings.Compare(v.t.Name, w.t.Name) })
	return out
}

// look opens the transaction, where that is still to do, and draws its number. In
// the same round trip it asks whether the table (nil: none) is known as it is
// described now, and whether it lies there as we know it: an outside tool may have
// replaced or altered it since the last look.
//
// The planner is told to look rows up by index: its idea of a table that a load
// has just filled is too old.
func (a *applier) look(t *table) (known, usable bool, err error) {
	var ask trip
	if a.txn == 0 {
		ask.exec(`begin`)
		ask.add(taker{row: func(v [][]byte) error { a.txn = binaryInt(v[0]); return nil }},
			`select nextval('nagar.txn_seq') from (select set_config('nagar.own', 'on', true),
			set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
			set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)) x`)
	}
	if t != nil {
		ask.add(taker{row: func(v [][]byte) error {
			known, usable = binaryInt(v[0]) == t.version, v[1][0] != 0
			return nil
		}}, `select k.version, coalesce(to_regclass($2)::oid = k.rel and k.attributes = `+fmt.Sprintf(attributesSQL, "k.rel")+
			`, false) from nagar.collections k where k.coll = $1`, int64(t.coll), t.name())
	}
	err = ask.send(a.ctx, a.conn.Conn())
	return known, usable, err
}

func (a *applier) rollback() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), 5*time.Second)
	defer cancel()
	if a.conn.Conn().IsClosed() {
		return
	}
	if _, err := a.conn.Exec(ctx, `rollback`); err != nil {
		_ = a.conn.Conn().Close(ctx) // the server undoes what it cannot be told to undo
	}
}

// replayed claims the batch's key, or returns the result it has. A second batch of
// the same key waits here for the first.
func (a *applier) replayed() (catalog.Result, bool, error) {
	tag, err := a.conn.Exec(a.ctx, `insert into nagar.batches (key) values ($1) on conflict do nothing`, a.batch.Key)
	if err != nil || tag.RowsAffected() == 1 {
		return catalog.Result{}, false, err
	}
	r := catalog.Result{Replayed: true}
	err = a.conn.QueryRow(a.ctx, `select coalesce(b.rev, c.rev), b.created, b.updated, b.unchanged, b.deleted, b.erased
		from nagar.batches b left join nagar.commits c on c.txn = b.txn where b.key = $1`, a.batch.Key).
		Scan(&r.Rev, &r.Created, &r.Updated, &r.Unchanged, &r.Deleted, &r.Erased)
	return r, true, err
}

// take reads the operations into their collections' chunks.
func (a *applier) take() error {
	if a.batch.Ops == nil {
		return nil
	}
	for o, err := range a.batch.Ops {
		if err != nil {
			return &callerError{err}
		}
		if err := a.ctx.Err(); err != nil {
			return err
		}
		w, err := a.writer(o.Collection)
		if err != nil {
			return err
		}
		if err := w.add(o); err != nil {
			return err
		}
	}
	for _, w := range a.sorted() {
		if err := w.flush(true); err != nil {
			return err
		}
	}
	return nil
}

// writer returns the writer of a collection, made at its first operation.
func (a *applier) writer(collection string) (*writer, error) {
	if w := a.writers[collection]; w != nil {
		return w, nil
	}
	a.s.mu.Lock()
	t := a.s.known[collection]
	a.s.mu.Unlock()
	for taken := false; ; {
		known, usable, err := a.look(t)
		switch {
		case err != nil:
			return nil, err
		case known && usable:
			w := newWriter(a, t)
			a.writers[collection] = w
			return w, nil
		case known && taken:
			return nil, fmt.Errorf("%w: %s: %w", catalog.ErrUnavailable, collection, errReplaced)
		case known:
			// Take over what is there, in a transaction of its own, and go on with that.
			if err := a.s.takeOver(a.ctx, true); err != nil {
				return nil, err
			}
			taken = true
		}
		if t, err = a.s.table(a.ctx, a.conn, collection); err != nil {
			return nil, err
		}
	}
}

// errReplaced says that a table is not as we know it.
var errReplaced = errors.New("the table was replaced or altered from outside just now")

// tally is a result that counts.
type tally struct{ catalog.Result }

func (t *tally) count(st catalog.Status, n int) {
	switch st {
	case catalog.Unchanged:
		t.Unchanged += n
	case catalog.Created:
		t.Created += n
	case catalog.Updated:
		t.Updated += n
	case catalog.Deleted:
		t.Deleted += n
	case catalog.Erased:
		t.Erased += n
	}
}

func (a *applier) status(ord int32, st catalog.Status) {
	a.statuses[ord] = st
	a.result.count(st, 1)
}

// commit writes what belongs to the batch as a whole, and commits. A batch that
// changed nothing spends no revision.
func (a *applier) commit() (catalog.Result, error) {
	r := &a.result.Result
	r.Statuses = a.statuses
	changes := r.Created + r.Updated + r.Deleted + r.Erased
	if changes == 0 {
		return a.commitNothing()
	}
	var touched []int64
	var at time.Time
	for _, w := range a.sorted() {
		if w.touched {
			touched = append(touched, int64(w.t.coll))
		}
		if w.now.After(at) {
			at = w.now
		}
	}
	var end trip
	when := none // none of the writes needed a time: it is now
	if !at.IsZero() {
		when = instantOf(at)
	}
	end.exec(`insert into nagar.commits (txn, at, author, reason, changes) values ($1, coalesce($2, clock_timestamp()), $3, $4, $5)`,
		a.txn, when, a.batch.Author, a.batch.Reason, int64(changes))
	end.exec(`insert into nagar.touched select $1, unnest($2::int[])`, a.txn, touched)
	if a.batch.Key != "" {
		end.exec(`update nagar.batches set txn = $2, created = $3, updated = $4, unchanged = $5, deleted = $6, erased = $7 where key = $1`,
			a.batch.Key, a.txn, int64(r.Created), int64(r.Updated), int64(r.Unchanged), int64(r.Deleted), int64(r.Erased))
	}
	for _, w := range a.sorted() {
		w.empty(&end)
	}
	// From the next statement on the commit lock is held; the commit travels with it.
	end.exec(`set constraints nagar.commits_rev immediate`)
	end.add(taker{row: func(v [][]byte) error { r.Rev = catalog.Rev(binaryInt(v[0])); return nil }}, `select rev from nagar.commits where txn = $1`, a.txn)
	end.exec(`commit`)
	if err := end.send(a.ctx, a.conn.Conn()); err != nil {
		return catalog.Result{}, err
	}
	a.committed()
	return *r, nil
}

func (a *applier) commitNothing() (catalog.Result, error) {
	r := &a.result.Result
	if err := a.conn.QueryRow(a.ctx, headSQL).Scan(&r.Rev); err != nil || a.txn == 0 {
		return *r, err
	}
	var end trip
	if a.batch.Key != "" {
		end.exec(`update nagar.batches set rev = $2, created = 0, updated = 0, unchanged = $3, deleted = 0, erased = 0 where key = $1`,
			a.batch.Key, int64(r.Rev), int64(r.Unchanged))
	}
	for _, w := range a.sorted() {
		w.empty(&end)
	}
	end.exec(`commit`)
	if err := end.send(a.ctx, a.conn.Conn()); err != nil {
		return catalog.Result{}, err
	}
	a.committed() // what is unchanged is no load of new features
	return *r, nil
}

// committed notes what the connection has and which indexes may be due.
func (a *applier) committed() {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	for _, w := range a.writers {
		if w.rows > 0 {
			a.conn.Conn().PgConn().CustomData()[w.stageName()] = w.left
		}
		if w.touched {
			a.s.loaded[w.t.Name] = true
		}
		a.s.loading[w.t.coll] = a.result.Created >= loadOps && a.result.Created == int(a.n)
	}
}
