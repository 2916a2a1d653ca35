package retain

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
	"nagar/internal/access/audit"
)

// Schema is what is kept in the access database: how far the feed was followed and
// by which rules, who is at it, and what falls due when.
var Schema = accessdb.Schema{Name: "retain", Steps: [][]string{{
	`create table retention (rules text not null, reached bigint not null, holder text not null, until bigint not null, finished bigint not null)`,
	`insert into retention values ('', 0, '', 0, 0)`,
	`create table retention_due (rule bigint not null, collection text not null, id text not null, due bigint not null, primary key (rule, collection, id))`,
	`create index retention_due_due on retention_due (due)`,
}}}

// Author is who erases, as the history keeps it.
const Author = "retention"

const (
	every = 24 * time.Hour   // between two runs, over all processes
	look  = 10 * time.Minute // how often a process looks whether one is due
	lease = 5 * time.Minute  // after which a process that is silent is taken for dead
	batch = 500              // features erased under one revision
)

// ErrBusy says that another process is at it.
var ErrBusy = errors.New("retention is being carried out by another process")

// Store is what this package needs of a catalog.Store.
type Store interface {
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error)
	Apply(ctx context.Context, b catalog.Batch) (catalog.Result, error)
}

// Auditor takes what is about to be done; *audit.Log.
type Auditor interface {
	Append(ctx context.Context, entries ...audit.Entry) error
}

// Retention is the work in one process.
type Retention struct {
	store  Store
	db     *accessdb.DB
	log    Auditor
	policy func(context.Context) (*access.Policy, error) // the one in force
	now    func() time.Time
	holder string
}

// New returns it; db was opened with Schema.
func New(store Store, db *accessdb.DB, log Auditor, policy func(context.Context) (*access.Policy, error)) *Retention {
	return &Retention{store: store, db: db, log: log, policy: policy, now: time.Now, holder: rand.Text()}
}

// Report is what a run did, or would do.
type Report struct {
	Erased int            `json:"erased"`       // features of which fields were blanked
	Ended  int            `json:"ended"`        // features that were ended and blanked whole
	By     map[string]int `json:"by,omitempty"` // both, by collection
}

// Run carries out the rules once a day until ctx ends, and returns nil then. What
// goes wrong is logged and tried again.
func (r *Retention) Run(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if due, err := r.isDue(ctx); err != nil && ctx.Err() == nil {
			log.Warn("retention", "error", err)
		} else if due {
			switch rep, err := r.Once(ctx, false); {
			case errors.Is(err, ErrBusy) || ctx.Err() != nil:
			case err != nil:
				log.Error("retention", "error", err)
			case rep.Erased+rep.Ended > 0:
				log.Info("retention", "erased", rep.Erased, "ended", rep.Ended)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// isDue reports whether there are rules, and the last whole run is a day ago.
func (r *Retention) isDue(ctx context.Context) (bool, error) {
	p, err := r.policy(ctx)
	if err != nil {
		return false, fmt.Errorf("policy: %w", err)
	}
	if len(p.Retain) == 0 {
		return false, nil
	}
	var finished int64
	var rules string
	if err := r.db.QueryRow(ctx, `select finished, rules from retention`).Scan(&finished, &rules); err != nil {
		return false, err
	}
	return rules != rulesKey(p.Retain) || r.now().Sub(time.UnixMicro(finished)) >= every, nil
}

// Once carries the rules out now, or only counts what they would do (dry). ErrBusy
// when another process is at it. What was done before an error stays done.
func (r *Retention) Once(ctx context.Context, dry bool) (rep Report, err error) {
	rep.By = map[string]int{}
	p, err := r.policy(ctx)
	if err != nil {
		return rep, fmt.Errorf("policy: %w", err)
	}
	if err := r.hold(ctx); err != nil {
		return rep, err
	}
	finished := int64(0)
	defer func() { err = errors.Join(err, r.release(context.WithoutCancel(ctx), finished)) }()
	rules, err := bind(ctx, r.store, p.Retain)
	if err != nil {
		return rep, err
	}
	began := r.now()
	if err := r.follow(ctx, rules, rulesKey(p.Retain)); err != nil {
		return rep, fmt.Errorf("follow the city: %w", err)
	}
	if dry {
		return rep, r.count(ctx, rules, began, &rep)
	}
	for i := range rules {
		if err := r.carryOut(ctx, &rules[i], began, &rep); err != nil {
			return rep, fmt.Errorf("rule %d of the retention: %w", i, err)
		}
	}
	finished = began.UnixMicro()
	return rep, nil
}

// hold takes the lease, or lengthens it.
func (r *Retention) hold(ctx context.Context) error {
	return r.db.Tx(ctx, func(tx *accessdb.Tx) error { return r.renew(ctx, tx) })
}

func (r *Retention) renew(ctx context.Context, tx *accessdb.Tx) error {
	now := r.now()
	n, err := tx.Exec(ctx, `update retention set holder = ?, until = ? where holder = ? or until < ?`,
		r.holder, now.Add(lease).UnixMicro(), r.holder, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("hold the lease: %w", err)
	}
	if n == 0 {
		return ErrBusy
	}
	return nil
}

// release gives the lease back, and notes a whole run.
func (r *Retention) release(ctx context.Context, finished int64) error {
	return r.db.Tx(ctx, func(tx *accessdb.Tx) error {
		_, err := tx.Exec(ctx, `update retention set holder = '', until = 0, finished = case when ? > finished then ? else finished end where holder = ?`, finished, finished, r.holder)
		return err
	})
}

// carryOut erases what is due by one rule, batch by batch.
func (r *Retention) carryOut(ctx context.Context, u *rule, now time.Time, rep *Report) error {
	for {
		due, err := r.due(ctx, u, now)
		if err != nil || len(due) == 0 {
			return err
		}
		for collection, ids := range due {
			if err := r.erase(ctx, u, collection, ids); err != nil {
				return err
			}
			if u.whole() {
				rep.Ended += len(ids)
			} else {
				rep.Erased += len(ids)
			}
			rep.By[collection] += len(ids)
		}
	}
}

// erase erases features of one collection: announced first, noted as done last, so
// that whatever interrupts it is taken up again.
func (r *Retention) erase(ctx context.Context, u *rule, collection string, ids []string) error {
	entry := audit.Entry{
		Action: audit.Retained, Who: audit.Actor{Kind: "server", Name: Author}, Collection: collection, Fields: u.Erase,
		Detail: fmt.Sprintf("%d days after %s", u.Days, u.Since),
	}
	var entries []audit.Entry
	for rest := ids; len(rest) > 0; {
		n := min(len(rest), audit.MaxIDs)
		e := entry
		e.IDs, e.Count = rest[:n], int64(n)
		entries, rest = append(entries, e), rest[n:]
	}
	if err := r.log.Append(ctx, entries...); err != nil {
		return err
	}
	kinds := []catalog.OpKind{catalog.Erase}
	if u.whole() { // ended first: of what is erased the due time cannot be read any more
		kinds = []catalog.OpKind{catalog.Delete, catalog.Erase}
	}
	for _, kind := range kinds {
		ops := make([]catalog.Op, len(ids))
		for i, id := range ids {
			ops[i] = catalog.Op{Kind: kind, Collection: collection, Feature: catalog.Feature{ID: id}}
			if kind == catalog.Erase {
				ops[i].Fields = u.Erase
			}
		}
		if _, err := r.store.Apply(ctx, catalog.Batch{Author: Author, Reason: entry.Detail, Ops: catalog.Ops(ops...)}); err != nil {
			return fmt.Errorf("erase from %s: %w", collection, err)
		}
	}
	return r.db.Tx(ctx, func(tx *accessdb.Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(ctx, `delete from retention_due where rule = ? and collection = ? and id = ?`, u.place, collection, id); err != nil {
				return err
			}
		}
		return r.renew(ctx, tx)
	})
}

// rulesKey changes with the rules.
func rulesKey(rules []access.Retention) string {
	b, _ := json.Marshal(rules) // texts and numbers always marshal
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
