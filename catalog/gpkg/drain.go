package gpkg

import (
	"errors"
	"fmt"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// outsideAuthor is who wrote what came in by the journal.
const (
	outsideAuthor = "outside"
	outsideReason = "edited in the file by another program"
)

// drain turns what the triggers noted into one revision: for every row that
// another program touched, the kept old version and what stands in the table now
// become a change like any other. It reads in pages, so that the largest edit
// fits into memory.
func (tx *writeTx) drain() error {
	tx.author, tx.reason = outsideAuthor, outsideReason
	var names []string
	if err := tx.query("SELECT DISTINCT collection FROM nagar_journal ORDER BY 1", func(q *sqlite.Stmt) error {
		names = append(names, q.ColumnText(0))
		return nil
	}); err != nil {
		return err
	}
	for _, name := range names {
		c := tx.schema.byName[name]
		if c == nil {
			if err := tx.exec("DELETE FROM nagar_journal WHERE collection=?1", name); err != nil {
				return err
			}
			continue
		}
		t, err := tx.table(c)
		if err != nil {
			return err
		}
		d := &drainer{table: t, r: newRowReader()}
		if err := d.run(); err != nil {
			return c.describe(err)
		}
	}
	return nil
}

// drainPage is how many rows a drain holds in memory at once.
const drainPage = 500

// drainer drains the journal of one collection.
type drainer struct {
	*table
	r *rowReader
}

// noted is an entry of the journal.
type noted struct {
	fid int64
	op  string
	at  time.Time
}

// pending is the version that a row held before it was touched.
type pending struct {
	catalog.Feature
	hid, fid, hash int64
}

func (d *drainer) run() error {
	if err := d.giveIDs(); err != nil {
		return err
	}
	for {
		page, err := d.pendingPage()
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			if err := d.settle(&page[i]); err != nil {
				return err
			}
		}
	}
	for {
		page, err := d.journalPage()
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, n := range page {
			if err := d.arrive(n); err != nil {
				return err
			}
		}
	}
}

// giveIDs gives an id to the rows that came without one: fid- and the row's number.
func (d *drainer) giveIDs() error {
	t, id := quote(d.c.table), d.c.idCol
	for {
		var page []int64
		if err := d.tx.query("SELECT t.rowid FROM nagar_journal j JOIN "+t+" t ON t.rowid=j.fid WHERE j.collection=?1 AND (t."+id+" IS NULL OR t."+id+"='') LIMIT 1000", func(q *sqlite.Stmt) error {
			page = append(page, q.ColumnInt64(0))
			return nil
		}, d.c.Name); err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, fid := range page {
			name := fmt.Sprintf("fid-%d", fid)
			for n := 2; ; n++ {
				taken, err := d.tx.int64("SELECT EXISTS(SELECT 1 FROM "+t+" WHERE "+id+"=?1)", name)
				if err != nil {
					return err
				}
				if taken == 0 {
					break
				}
				name = fmt.Sprintf("fid-%d-%d", fid, n)
			}
			if err := d.tx.exec("UPDATE "+t+" SET "+id+"=?1 WHERE rowid=?2", name, fid); err != nil {
				return err
			}
		}
	}
}

func (d *drainer) pendingPage() ([]pending, error) {
	var page []pending
	sql := "SELECT nagar_hid,nagar_rev,nagar_id,nagar_geom," + colFrom + "," + colTo + prefixed(",", d.c.cols) + ",nagar_fid,nagar_hash FROM " + d.c.history() +
		" WHERE nagar_rev_to IS NULL ORDER BY nagar_fid LIMIT ?1"
	err := d.tx.query(sql, func(q *sqlite.Stmt) error {
		var p pending
		if err := d.r.feature(q, d.c, &p.Feature); err != nil {
			return err
		}
		p.hid, p.fid, p.hash = q.ColumnInt64(atRow), q.ColumnInt64(atFields+len(d.c.cols)), q.ColumnInt64(atFields+len(d.c.cols)+1)
		page = append(page, p)
		return nil
	}, drainPage)
	return page, err
}

func (d *drainer) journalPage() ([]noted, error) {
	var page []noted
	err := d.tx.query("SELECT fid,op,at FROM nagar_journal WHERE collection=?1 LIMIT ?2", func(q *sqlite.Stmt) error {
		n, err := d.readNoted(q)
		page = append(page, n)
		return err
	}, d.c.Name, drainPage)
	return page, err
}

func (d *drainer) readNoted(q *sqlite.Stmt) (noted, error) {
	at, err := d.r.time(q, 2)
	if err != nil || at.After(d.tx.now) || at.IsZero() { // a clock that runs ahead, or nonsense
		at = d.tx.now
	}
	return noted{q.ColumnInt64(0), q.ColumnText(1), at}, nil
}

// row reads what stands in the table. err is *catalog.Invalid when that is no
// feature by the collection's rules.
func (d *drainer) row(fid int64) (f catalog.Feature, found bool, err error) {
	sql := "SELECT rowid,nagar_rev," + d.c.idCol + "," + d.c.geomOrNull() + "," + colFrom + "," + colTo + prefixed(",", d.c.cols) + " FROM " + quote(d.c.table) + " WHERE rowid=?1"
	var invalid error
	err = d.tx.query(sql, func(q *sqlite.Stmt) error {
		found = true
		if invalid = d.r.feature(q, d.c, &f); invalid == nil {
			invalid = d.c.Check(&f)
		}
		if invalid != nil && !isInvalid(invalid) {
			return invalid
		}
		return nil
	}, fid)
	if err == nil {
		err = invalid
	}
	return f, found, err
}

// settle decides what became of a version that was touched.
func (d *drainer) settle(old *pending) error {
	var n noted
	found := false
	if err := d.tx.query("SELECT j.fid,j.op,j.at FROM "+quote(d.c.table)+" t JOIN nagar_journal j ON j.collection=?1 AND j.fid=t.rowid WHERE t."+d.c.idCol+"=?2 ORDER BY t.rowid<>?3, t.rowid LIMIT 1", func(q *sqlite.Stmt) error {
		var err error
		found = true
		n, err = d.readNoted(q)
		return err
	}, d.c.Name, old.ID, old.fid); err != nil {
		return err
	}
	if !found {
		at, err := d.notedAt(old.fid)
		if err != nil {
			return err
		}
		return d.end(old, at)
	}
	f, _, err := d.row(n.fid)
	if err == nil && n.op == opNewTable && f.ValidFrom.IsZero() && f.ValidTo.IsZero() {
		f.ValidFrom, f.ValidTo = old.ValidFrom, old.ValidTo // the new table never said
	}
	if err == nil {
		err = d.become(old, &f, n)
	}
	if isInvalid(err) {
		if err := d.fault(n.fid, err); err != nil {
			return err
		}
		return d.end(old, n.at)
	}
	return err
}

func (d *drainer) notedAt(fid int64) (time.Time, error) {
	at := d.tx.now
	err := d.tx.query("SELECT fid,op,at FROM nagar_journal WHERE collection=?1 AND fid=?2", func(q *sqlite.Stmt) error {
		n, err := d.readNoted(q)
		at = n.at
		return err
	}, d.c.Name, fid)
	return at, err
}

// end records that the version is no more.
func (d *drainer) end(old *pending, at time.Time) error {
	if at.Before(old.ValidFrom) {
		at = old.ValidFrom
	}
	d.past = true
	return d.tx.exec("UPDATE "+d.c.history()+" SET nagar_rev_to=?1, nagar_end=?2 WHERE nagar_hid=?3", d.touch(nil), timeText(at), old.hid)
}

// become records that the version became f, or that nothing changed.
func (d *drainer) become(old *pending, f *catalog.Feature, n noted) error {
	ct, err := d.c.encode(f)
	if err != nil {
		return err
	}
	stated := !f.ValidFrom.IsZero() && !f.ValidFrom.Equal(old.ValidFrom)
	if ct.hash == old.hash && !stated {
		ct.validFrom = old.ValidFrom
		if err := d.revise(n.fid, old.Rev, ct); err != nil {
			return err
		}
		return d.tx.exec("DELETE FROM "+d.c.history()+" WHERE nagar_hid=?1", old.hid)
	}
	switch {
	case !stated:
		ct.validFrom = n.at
		if n.at.Before(old.ValidFrom) {
			ct.validFrom = old.ValidFrom
		}
	default:
		if err := d.mayMove(f.ValidFrom, &current{validFrom: old.ValidFrom}); err != nil {
			return err
		}
	}
	if err := checkSpan(ct.validFrom, ct.validTo); err != nil {
		return err
	}
	rev := d.touch(ct)
	if err := d.tx.exec("UPDATE "+d.c.history()+" SET nagar_rev_to=?1, nagar_end=?2 WHERE nagar_hid=?3", rev, timeText(ct.validFrom), old.hid); err != nil {
		return err
	}
	d.past = true
	return d.revise(n.fid, rev, ct)
}

// revise sets the bookkeeping of a row that is a feature, and takes it out of
// the journal.
func (d *drainer) revise(fid int64, rev catalog.Rev, ct *content) error {
	var cell, from any
	if ct.hasCell {
		cell = ct.cell
	}
	if !ct.validFrom.IsZero() {
		from = timeText(ct.validFrom)
	}
	if err := d.tx.exec(d.c.sql.revise, from, rev, ct.hash, cell, fid); err != nil {
		return err
	}
	if err := d.mendEnvelope(fid, ct); err != nil {
		return err
	}
	if err := d.forgive(fid); err != nil {
		return err
	}
	return d.tx.exec("DELETE FROM nagar_journal WHERE collection=?1 AND fid=?2", d.c.Name, fid)
}

// mendEnvelope writes a geometry anew whose envelope says something else than its
// coordinates: searches go by the envelope.
func (d *drainer) mendEnvelope(fid int64, ct *content) error {
	if d.c.geom == "" || ct.blob == nil {
		return nil
	}
	wrong := false
	if err := d.tx.query("SELECT "+d.c.geom+" FROM "+quote(d.c.table)+" WHERE rowid=?1", func(q *sqlite.Stmt) error {
		box, err := blobBox(d.r.bytes(q, 0))
		wrong = err != nil || box != ct.box && !(box.IsEmpty() && ct.box.IsEmpty())
		return nil
	}, fid); err != nil || !wrong {
		return err
	}
	return d.tx.exec("UPDATE "+quote(d.c.table)+" SET "+d.c.geom+"=?1 WHERE rowid=?2", ct.blob, fid)
}

// arrive takes in a touched row from which no version is known that it could have become.
func (d *drainer) arrive(n noted) error {
	f, found, err := d.row(n.fid)
	if !found {
		if err != nil {
			return err
		}
		if err := d.forgive(n.fid); err != nil {
			return err
		}
		return d.tx.exec("DELETE FROM nagar_journal WHERE collection=?1 AND fid=?2", d.c.Name, n.fid)
	}
	if err == nil {
		err = d.admit(&f, n)
	}
	if isInvalid(err) {
		return d.fault(n.fid, err)
	}
	return err
}

func (d *drainer) admit(f *catalog.Feature, n noted) error {
	twin, err := d.tx.int64("SELECT EXISTS(SELECT 1 FROM "+quote(d.c.table)+" t WHERE t."+d.c.idCol+"=?1 AND t.rowid<>?2 AND t.nagar_rev IS NOT NULL AND NOT EXISTS(SELECT 1 FROM nagar_journal j WHERE j.collection=?3 AND j.fid=t.rowid))", f.ID, n.fid, d.c.Name)
	if err != nil {
		return err
	}
	if twin != 0 {
		return &catalog.Invalid{Path: "id", Reason: fmt.Sprintf("another row is the feature %q", f.ID)}
	}
	end, err := d.ended(f.ID)
	if err != nil {
		return err
	}
	if f.ValidFrom.IsZero() {
		f.ValidFrom = end
	}
	if f.ValidFrom.Before(end) {
		return &catalog.Invalid{Path: "valid_from", Reason: fmt.Sprintf("%s is before the end of the deleted feature, %s", timeText(f.ValidFrom), timeText(end))}
	}
	if err := checkSpan(f.ValidFrom, f.ValidTo); err != nil {
		return err
	}
	ct, err := d.c.encode(f)
	if err != nil {
		return err
	}
	return d.revise(n.fid, d.touch(ct), ct)
}

// fault notes that a row is no feature: it stays as it is, is left out of every
// answer, and Check tells of it.
func (d *drainer) fault(fid int64, why error) error {
	var inv *catalog.Invalid
	if !errors.As(why, &inv) {
		return why
	}
	d.faulty = true
	return errors.Join(
		d.tx.exec("UPDATE "+quote(d.c.table)+" SET nagar_rev=NULL,nagar_hash=NULL,nagar_cell=NULL WHERE rowid=?1", fid),
		d.tx.exec("INSERT INTO nagar_faults VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET reason=?3", d.c.Name, fid, inv.Error()),
		d.tx.exec("DELETE FROM nagar_journal WHERE collection=?1 AND fid=?2", d.c.Name, fid))
}

// geomOrNull is the geometry column, or NULL where the table has none.
func (c *coll) geomOrNull() string {
	if c.geom == "" {
		return "NULL"
	}
	return c.geom
}
