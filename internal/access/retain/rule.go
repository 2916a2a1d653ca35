package retain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// validTo is what Since says for the end of validity.
const validTo = "valid_to"

// rule is a rule of the policy, ready to be judged by.
type rule struct {
	access.Retention
	place int // in the policy
	on    map[string]*target
}

// target is a collection that a rule is about.
type target struct {
	c    catalog.Collection
	rows *cql2.Filter // nil: all
}

func (u *rule) whole() bool { return len(u.Erase) == 0 }

// bind reads the rules against the collections as they are. One that is not there,
// or lacks what the rule names, has nothing under that rule.
func bind(ctx context.Context, s Store, rules []access.Retention) ([]rule, error) {
	out := make([]rule, len(rules))
	for i := range rules {
		u := rule{Retention: rules[i], place: i, on: map[string]*target{}}
		for _, name := range u.Collections {
			c, err := s.Collection(ctx, name)
			if errors.Is(err, catalog.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("collection %s: %w", name, err)
			}
			t, err := u.bind(c)
			if err != nil {
				return nil, fmt.Errorf("rule %d of the retention on %s: %w", i, name, err)
			}
			if t != nil {
				u.on[name] = t
			}
		}
		out[i] = u
	}
	return out, nil
}

func (u *rule) bind(c catalog.Collection) (*target, error) {
	t := &target{c: c}
	if f, ok := c.Field(u.Since); u.Since != validTo && (!ok || f.Type != catalog.TypeTime && f.Type != catalog.TypeDate) {
		return nil, nil //nolint:nilnil // nothing of it is under the rule
	}
	for _, name := range u.Erase {
		if _, ok := c.Field(name); !ok {
			return nil, fmt.Errorf("it has no field %q to erase", name)
		}
	}
	if u.Rows == "" {
		return t, nil
	}
	x, err := cql2.ParseRule(u.Rows)
	if err == nil {
		t.rows, err = x.Bind(&c, catalog.Everything)
	}
	return t, err
}

// dueAt is when a version falls due; ended is when the feature was deleted, zero
// when it was not. False: never, as it is.
func (u *rule) dueAt(t *target, f *catalog.Feature, ended time.Time) (time.Time, bool) {
	if t.rows != nil && !t.rows.Match(cql2.FeatureRow{Collection: &t.c, Feature: f}) {
		return time.Time{}, false
	}
	since := f.ValidTo
	if u.Since == validTo {
		if !ended.IsZero() && (since.IsZero() || ended.Before(since)) {
			since = ended
		}
	} else {
		since = f.Props.Get(u.Since).AsTime()
	}
	return since.AddDate(0, 0, u.Days), !since.IsZero()
}

// follow brings what falls due up to the head of the feed; from the beginning,
// where the rules are not the ones it was followed by.
func (r *Retention) follow(ctx context.Context, rules []rule, key string) error {
	var have string
	var reached int64
	if err := r.db.QueryRow(ctx, `select rules, reached from retention`).Scan(&have, &reached); err != nil {
		return err
	}
	if have != key {
		reached = 0
		if err := r.db.Tx(ctx, func(tx *accessdb.Tx) error {
			if _, err := tx.Exec(ctx, `delete from retention_due`); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `update retention set rules = ?, reached = 0`, key)
			return err
		}); err != nil {
			return err
		}
	}
	n := &notes{r: r, rules: rules, written: r.now()}
	last, err := r.store.Changes(ctx, catalog.Rev(reached), func(c catalog.Commit) error { return n.commit(ctx, &c) })
	if err != nil {
		return err
	}
	n.reached = last
	return n.write(ctx)
}

// notes are what a stretch of the feed changes about what falls due, until it is
// written.
type notes struct {
	r       *Retention
	rules   []rule
	all     []dueNote
	reached catalog.Rev // all up to it is noted
	written time.Time
}

type dueNote struct {
	rule           int
	collection, id string
	due            time.Time
	falls          bool // due at all
}

const (
	maxNotes = 2000
	noteTime = lease / 5
)

// commit takes up one commit.
func (n *notes) commit(ctx context.Context, c *catalog.Commit) error {
	if c.Author != Author { // what was erased by a rule is done with
		for i := range c.Changes {
			n.change(&c.Changes[i], c.Time)
		}
	}
	if c.More {
		return nil
	}
	n.reached = c.Rev
	if len(n.all) < maxNotes && n.r.now().Sub(n.written) < noteTime {
		return nil
	}
	return n.write(ctx)
}

func (n *notes) change(ch *catalog.Change, at time.Time) {
	if ch.Kind != catalog.Written {
		return
	}
	f, ended := ch.New, time.Time{}
	if f == nil {
		f, ended = ch.Old, at
	}
	for i := range n.rules {
		if t := n.rules[i].on[ch.Collection]; t != nil && f != nil {
			due, falls := n.rules[i].dueAt(t, f, ended)
			n.all = append(n.all, dueNote{i, ch.Collection, ch.ID, due, falls})
		}
	}
}

// write keeps the notes, and with them how far the feed was followed.
func (n *notes) write(ctx context.Context) error {
	err := n.r.db.Tx(ctx, func(tx *accessdb.Tx) error {
		for i := range n.all {
			x := &n.all[i]
			var err error
			if x.falls {
				_, err = tx.Exec(ctx, `insert into retention_due (rule, collection, id, due) values (?, ?, ?, ?)
					on conflict (rule, collection, id) do update set due = excluded.due`, x.rule, x.collection, x.id, x.due.UnixMicro())
			} else {
				_, err = tx.Exec(ctx, `delete from retention_due where rule = ? and collection = ? and id = ?`, x.rule, x.collection, x.id)
			}
			if err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `update retention set reached = ?`, int64(n.reached)); err != nil {
			return err
		}
		return n.r.renew(ctx, tx)
	})
	n.all, n.written = n.all[:0], n.r.now()
	return err
}

// due lists what is due by a rule, a batch of it at most, by collection.
func (r *Retention) due(ctx context.Context, u *rule, now time.Time) (map[string][]string, error) {
	rows, err := r.db.Query(ctx, `select collection, id from retention_due where rule = ? and due <= ? order by due, collection, id limit ?`, u.place, now.UnixMicro(), batch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]string{}
	for rows.Next() {
		var collection, id string
		if err := rows.Scan(&collection, &id); err != nil {
			return nil, err
		}
		out[collection] = append(out[collection], id)
	}
	return out, rows.Err()
}

// count counts what is due.
func (r *Retention) count(ctx context.Context, rules []rule, now time.Time, rep *Report) error {
	for i := range rules {
		rows, err := r.db.Query(ctx, `select collection, count(*) from retention_due where rule = ? and due <= ? group by collection`, i, now.UnixMicro())
		if err != nil {
			return err
		}
		for rows.Next() {
			var collection string
			var n int
			if err := rows.Scan(&collection, &n); err != nil {
				return errors.Join(err, rows.Close())
			}
			if rules[i].whole() {
				rep.Ended += n
			} else {
				rep.Erased += n
			}
			rep.By[collection] += n
		}
		if err := rows.Close(); err != nil {
			return err
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}
