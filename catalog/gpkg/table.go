package gpkg

import (
	"fmt"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// table writes the rows of one collection within one transaction.
type table struct {
	tx      *writeTx
	c       *coll
	written *written
	past    bool // there may be past versions
	faulty  bool // there are rows that no feature comes from
	guess   bool // a feature not seen before may be written without looking for it first
	lucky   bool // the last one was new
	scratch []byte

	find, lastEnd, insert, insertNew, update, updateInPlace, retire, remove *sqlite.Stmt
}

// current is the row of a feature's current version.
type current struct {
	fid       int64
	found     bool        // there is a row of that id
	rev       catalog.Rev // 0: the row is no feature (an outside edit that breaks the rules)
	hash      int64
	validFrom time.Time
	validTo   time.Time
	cell      int64
	hasCell   bool
}

// table returns the writer of a collection; the schema may be newer than the one
// that the operation was staged by, but fields are only ever appended.
func (a *applier) table(c *coll) (*table, error) {
	if t := a.tables[c.Name]; t != nil {
		return t, nil
	}
	now, err := a.tx.schema.coll(c.Name)
	if err != nil {
		return nil, err
	}
	t, err := a.tx.table(now)
	if err == nil {
		a.tables[c.Name] = t
	}
	return t, err
}

func (tx *writeTx) table(c *coll) (*table, error) {
	t := &table{tx: tx, c: c, guess: c.unique && !tx.schema.foreign}
	for _, p := range []struct {
		to  **sqlite.Stmt
		sql string
	}{{&t.find, c.sql.find}, {&t.lastEnd, c.sql.lastEnd}, {&t.insert, c.sql.insert}, {&t.insertNew, c.sql.insertNew}, {&t.update, c.sql.update}, {&t.updateInPlace, c.sql.updateInPlace}, {&t.retire, c.sql.retire}, {&t.remove, c.sql.remove}} {
		stmt, err := tx.Prepare(p.sql)
		if err != nil {
			return nil, err
		}
		*p.to = stmt
	}
	n, err := tx.int64(c.sql.anyHistory)
	if err != nil {
		return nil, err
	}
	t.past = n != 0
	n, err = tx.int64("SELECT EXISTS(SELECT 1 FROM nagar_faults WHERE collection=?1)", c.Name)
	t.faulty = n != 0
	return t, err
}

// run steps a statement that gives no rows, and makes it ready for the next time.
func run(stmt *sqlite.Stmt) error {
	if _, err := stmt.Step(); err != nil {
		return err
	}
	return stmt.Reset()
}

// touch notes that the collection changes, and returns the revision.
func (t *table) touch(ct *content) catalog.Rev {
	if t.written == nil {
		t.written = t.tx.touch(t.c)
	}
	if ct != nil {
		t.written.box = t.written.box.Union(ct.box)
		if ct.hasCell {
			t.written.shapes |= ct.shapes
		}
	}
	return t.tx.spend()
}

// lookup finds the current version of the id.
func (t *table) lookup(id string) (current, error) {
	var cur current
	t.find.BindText(1, id)
	row, err := t.find.Step()
	if err != nil || !row {
		if err == nil {
			err = t.find.Reset()
		}
		return cur, err
	}
	cur.found = true
	cur.fid, cur.rev, cur.hash = t.find.ColumnInt64(0), catalog.Rev(t.find.ColumnInt64(1)), t.find.ColumnInt64(2)
	cur.cell, cur.hasCell = t.find.ColumnInt64(5), !t.find.ColumnIsNull(5)
	if cur.rev > 0 {
		if cur.validFrom, err = columnTime(t.find, 3); err == nil {
			cur.validTo, err = columnTime(t.find, 4)
		}
	}
	if rerr := t.find.Reset(); err == nil {
		err = rerr
	}
	return cur, err
}

func columnTime(stmt *sqlite.Stmt, col int) (time.Time, error) {
	if stmt.ColumnIsNull(col) {
		return time.Time{}, nil
	}
	var room [40]byte
	b := room[:min(stmt.ColumnLen(col), len(room))]
	stmt.ColumnBytes(col, b)
	return parseTime(b)
}

// perform does one operation.
func (a *applier) perform(o *op) (catalog.Status, error) {
	t, err := a.table(o.c)
	if err != nil {
		return 0, err
	}
	switch o.kind {
	case catalog.Delete:
		return t.delete(o)
	case catalog.Erase:
		return t.erase(o)
	}
	return t.put(o)
}

// expect judges the writer's If.
func (t *table) expect(o *op, cur *current) error {
	if o.want != nil && *o.want != cur.rev {
		return &catalog.Conflict{Collection: t.c.Name, ID: o.id, Want: *o.want, Have: cur.rev}
	}
	return nil
}

func (t *table) put(o *op) (catalog.Status, error) {
	if t.guess && t.lucky && !t.past && o.want == nil && !o.merge {
		isNew, err := t.tryNew(o)
		if err != nil || isNew {
			return catalog.Created, err
		}
	}
	cur, err := t.lookup(o.id)
	if err != nil {
		return 0, err
	}
	if err := t.expect(o, &cur); err != nil {
		return 0, err
	}
	if t.lucky = cur.rev == 0; t.lucky {
		return t.create(o, &cur)
	}
	if o.sameAs(&cur) {
		return catalog.Unchanged, nil
	}
	if o.merge {
		// Nulls do not count in the hash: had all that is left out been null, the
		// content would have been the same already.
		if err := t.merge(o, &cur); err != nil {
			return 0, err
		}
		if o.sameAs(&cur) {
			return catalog.Unchanged, nil
		}
	}
	if o.validFrom.IsZero() {
		o.validFrom = t.changeTime(&cur)
	}
	if err := t.mayMove(o.validFrom, &cur); err != nil {
		return 0, err
	}
	if err := checkSpan(o.validFrom, o.validTo); err != nil {
		return 0, err
	}
	if err := t.supersede(&cur, o.validFrom); err != nil {
		return 0, err
	}
	return catalog.Updated, t.write(o.id, &o.content, &cur)
}

// tryNew writes a feature as a new one, and reports false when there is one of
// that id: after a new feature comes another, and an index need not be asked
// twice. It is not for tables with triggers of others, whose statements would
// take over the OR IGNORE.
func (t *table) tryNew(o *op) (bool, error) {
	if err := checkSpan(o.validFrom, o.validTo); err != nil {
		return false, err
	}
	t.c.bindRow(t.insertNew, o.id, t.tx.spend(), &o.content)
	if err := run(t.insertNew); err != nil {
		return false, err
	}
	if t.tx.Changes() == 0 {
		return false, nil
	}
	t.touch(&o.content)
	return true, nil
}

// sameAs reports whether a put of o would change nothing.
func (o *op) sameAs(cur *current) bool {
	return o.hash == cur.hash && (o.validFrom.IsZero() || !o.validFrom.Before(cur.validFrom))
}

// changeTime is when a change without a date takes place: now, or at the start of
// a version that has not begun, which it so corrects or cancels.
func (t *table) changeTime(cur *current) time.Time {
	if cur.validFrom.After(t.tx.now) {
		return cur.validFrom
	}
	return t.tx.now
}

// mayMove holds that the valid clock of a feature runs forward, up to now or to
// where a planned version begins.
func (t *table) mayMove(to time.Time, cur *current) error {
	if to.Before(cur.validFrom) {
		return &catalog.Invalid{Path: "valid_from", Reason: fmt.Sprintf("%s is before the current version's, %s", timeText(to), timeText(cur.validFrom))}
	}
	if to.After(t.tx.now) && !to.Equal(cur.validFrom) {
		return &catalog.Invalid{Path: "valid_from", Reason: fmt.Sprintf("%s is in the future of an existing feature", timeText(to))}
	}
	return nil
}

func checkSpan(from, to time.Time) error {
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return &catalog.Invalid{Path: "valid_to", Reason: fmt.Sprintf("%s is not after valid_from, %s", timeText(to), timeText(from))}
	}
	return nil
}

// create makes o's version the current one of a feature that has none.
func (t *table) create(o *op, cur *current) (catalog.Status, error) {
	end, err := t.ended(o.id)
	if err != nil {
		return 0, err
	}
	if !end.IsZero() {
		if o.validFrom.IsZero() {
			o.validFrom = end
		}
		if o.validFrom.Before(end) {
			return 0, &catalog.Invalid{Path: "valid_from", Reason: fmt.Sprintf("%s is before the end of the deleted feature, %s", timeText(o.validFrom), timeText(end))}
		}
	}
	if err := checkSpan(o.validFrom, o.validTo); err != nil {
		return 0, err
	}
	if cur.found {
		if err := t.forgive(cur.fid); err != nil {
			return 0, err
		}
	}
	return catalog.Created, t.write(o.id, &o.content, cur)
}

// ended is the valid end of the last deletion of the id, zero when it never was there.
func (t *table) ended(id string) (time.Time, error) {
	if !t.past {
		return time.Time{}, nil
	}
	t.lastEnd.BindText(1, id)
	row, err := t.lastEnd.Step()
	var end time.Time
	if err == nil && row {
		end, err = columnTime(t.lastEnd, 0)
	}
	if rerr := t.lastEnd.Reset(); err == nil {
		err = rerr
	}
	return end, err
}

// supersede copies the current version into the history: it was recorded until
// this revision, and from then on is known as true until end only.
func (t *table) supersede(cur *current, end time.Time) error {
	t.past = true
	t.retire.BindInt64(1, cur.fid)
	t.retire.BindInt64(2, int64(t.touch(nil)))
	bindTime(t.retire, 3, end)
	return run(t.retire)
}

// write makes the content the current version, in the row that was found, or in a
// new one.
func (t *table) write(id string, ct *content, cur *current) error {
	rev := t.touch(ct)
	if !cur.found {
		t.c.bindRow(t.insert, id, rev, ct)
		return run(t.insert)
	}
	stmt := t.update
	if ct.cell == cur.cell && ct.hasCell == cur.hasCell {
		stmt = t.updateInPlace
	}
	n := t.c.bindRow(stmt, id, rev, ct)
	stmt.BindInt64(n, cur.fid)
	return run(stmt)
}

func (t *table) delete(o *op) (catalog.Status, error) {
	cur, err := t.lookup(o.id)
	if err != nil {
		return 0, err
	}
	if err := t.expect(o, &cur); err != nil {
		return 0, err
	}
	if cur.rev == 0 {
		return catalog.Unchanged, nil
	}
	end := o.validFrom
	if end.IsZero() {
		end = t.changeTime(&cur)
	}
	if err := t.mayMove(end, &cur); err != nil {
		return 0, err
	}
	if err := t.supersede(&cur, end); err != nil {
		return 0, err
	}
	t.remove.BindInt64(1, cur.fid)
	return catalog.Deleted, run(t.remove)
}

// merge fills the fields that o leaves out from the current version.
func (t *table) merge(o *op, cur *current) error {
	r := newRowReader()
	var old catalog.Feature
	err := t.tx.query(t.c.sql.current+" AND rowid=?1", func(q *sqlite.Stmt) error { return r.feature(q, t.c, &old) }, cur.fid)
	if err != nil {
		return err
	}
	vals := make([]catalog.Value, len(t.c.Fields))
	if err := t.c.setValues(vals, nil, old.Props); err != nil {
		return err
	}
	for i, given := range o.present {
		if given {
			vals[i] = o.vals[i]
		}
	}
	o.vals = vals
	t.scratch = o.seal(t.scratch)
	return nil
}

// forgive forgets that a row broke the rules.
func (t *table) forgive(fid int64) error {
	if !t.faulty {
		return nil
	}
	return t.tx.exec("DELETE FROM nagar_faults WHERE collection=?1 AND fid=?2", t.c.Name, fid)
}
