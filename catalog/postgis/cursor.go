package postgis

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
)

// cursorRows is how many rows a cursor fetches at once.
const cursorRows = 1_000

// The sides of a change, in the order in which a cursor gives them.
const (
	sideScrubbed = iota
	sideOld
	sideNew
)

// cursor reads the changes of one collection in a window, by revision and id. The
// feed is no copy: what a revision wrote are the current rows and the past main
// versions of its transaction, what it ended the main versions that it superseded.
type cursor struct {
	tx   pgx.Tx
	t    *table
	name string
	rows []row
	at   int
	over bool
}

// row is one side of a change.
type row struct {
	rev     catalog.Rev
	side    int64
	feature catalog.Feature
}

func (s *Store) openCursor(ctx context.Context, tx pgx.Tx, t *table, commits []commit) (*cursor, error) {
	where, err := s.standIn(ctx, tx, t)
	if err != nil {
		return nil, err
	}
	c := &cursor{tx: tx, t: t, name: fmt.Sprintf("nagar_feed_%d", t.coll)}
	nulls := ""
	for i := range t.Fields {
		nulls += ", null::" + columnTypes[t.Fields[i].Type]
	}
	window := fmt.Sprintf("(select txn, rev from nagar.commits where rev between %d and %d)", commits[0].rev, commits[len(commits)-1].rev)
	sql := `declare {name} no scroll cursor for
		select k.rev, {new}, {list k} from {window} k join {history} x on x.nagar_txn = k.txn where x.nagar_main
		union all
		select k.rev, {old}, {list m} from {window} k join {history} x on x.nagar_txn_to = k.txn left join nagar.commits m on m.txn = x.nagar_txn where x.nagar_main
		union all
		select k.rev, {scrubbed}, s.id, null::bigint, null::timestamptz, null::timestamptz, null::geometry{nulls} from {window} k join nagar.scrubbed s on s.txn = k.txn and s.coll = {coll}`
	if where != "" {
		sql += `
		union all
		select k.rev, {new}, {list k} from {window} k join {current} x on x.nagar_txn = k.txn`
	}
	sql = expand(sql+"\norder by 1, 3, 2", "name", c.name, "list k", t.selectList("x", "k.rev"), "list m", t.selectList("x", "m.rev"),
		"window", window, "history", t.history(), "current", string(where), "nulls", nulls, "coll", fmt.Sprint(t.coll),
		"new", fmt.Sprint(sideNew), "old", fmt.Sprint(sideOld), "scrubbed", fmt.Sprint(sideScrubbed))
	_, err = tx.Exec(ctx, sql)
	return c, err
}

// peek returns the next row, nil at the end.
func (c *cursor) peek(ctx context.Context) (*row, error) {
	if c.at < len(c.rows) {
		return &c.rows[c.at], nil
	}
	if c.over {
		return nil, nil
	}
	rows, err := queryBinary(ctx, c.tx.Conn(), fmt.Sprintf("fetch %d from %s", cursorRows, c.name))
	if err != nil {
		return nil, err
	}
	defer rows.close()
	c.rows, c.at = c.rows[:0], 0
	for rows.next() {
		v := rows.values()
		r := row{rev: catalog.Rev(binaryInt(v[0])), side: binaryInt(v[1])}
		if err := c.t.decodeFeature(v[2:], &r.feature); err != nil {
			return nil, err
		}
		c.rows = append(c.rows, r)
	}
	if err := rows.close(); err != nil {
		return nil, err
	}
	if len(c.rows) < cursorRows {
		c.over = true
	}
	if len(c.rows) == 0 {
		return nil, nil
	}
	return &c.rows[0], nil
}

// next returns the next change of the revision, nil when it has no more.
func (c *cursor) next(ctx context.Context, rev catalog.Rev) (*catalog.Change, error) {
	var ch *catalog.Change
	for {
		r, err := c.peek(ctx)
		if err != nil {
			return nil, err
		}
		if r == nil || r.rev != rev || ch != nil && r.feature.ID != ch.ID {
			return ch, nil
		}
		c.at++
		if ch == nil {
			ch = &catalog.Change{Kind: catalog.Written, Collection: c.t.Name, ID: r.feature.ID}
		}
		f := r.feature
		switch r.side {
		case sideScrubbed:
			ch.Kind = catalog.Scrubbed
		case sideOld:
			if ch.Kind != catalog.Scrubbed { // what was erased has no old content
				ch.Old = &f
			}
		case sideNew:
			ch.New = &f
		}
	}
}
