package gpkg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"

	"zombiezen.com/go/sqlite"
)

// Check verifies every invariant of the store in one snapshot, and calls fn for
// each problem: the file itself (SQLite's integrity check), the standard's tables,
// the triggers and indexes, that revisions have no gaps, that every row decodes,
// keeps the rules and agrees with its hash, its spatial key and its envelope, and
// that no two versions of a feature overlap on the two clocks. It also tells of
// rows and tables by other programs that were left out.
func (s *Store) Check(ctx context.Context, fn func(catalog.Problem) error) error {
	k := &checker{fn: fn}
	err := s.read(ctx, func(tx *readTx) error {
		k.tx = tx
		return k.run()
	})
	if k.err != nil {
		return k.err
	}
	return wrap(ctx, "check the store", err)
}

type checker struct {
	tx      *readTx
	fn      func(catalog.Problem) error
	err     error                               // of fn
	touched map[string]map[catalog.Rev]struct{} // by collection, what nagar_revs says
}

var errStopped = errors.New("stopped")

// say reports a problem; it returns an error only when fn does.
func (k *checker) say(collection, id, format string, args ...any) error {
	if k.err = k.fn(catalog.Problem{Collection: collection, ID: id, Reason: fmt.Sprintf(format, args...)}); k.err != nil {
		return errStopped
	}
	return nil
}

func (k *checker) run() error {
	for _, step := range []func() error{k.file, k.revisions, k.outside} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, c := range k.tx.schema.list {
		for _, step := range []func(*coll) error{k.furniture, k.currentRows, k.pastRows, k.clocks} {
			if err := step(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// file checks what holds of the whole file.
func (k *checker) file() error {
	if err := k.tx.query("PRAGMA integrity_check", func(q *sqlite.Stmt) error {
		if line := q.ColumnText(0); line != "ok" {
			return k.say("", "", "the file is damaged: %s", line)
		}
		return nil
	}); err != nil {
		return err
	}
	id, err := k.tx.int64("PRAGMA application_id")
	if err == nil && id != applicationID {
		err = k.say("", "", "the file does not say that it is a GeoPackage (application_id %#x)", id)
	}
	if err != nil {
		return err
	}
	own, err := k.tx.int64("SELECT own FROM nagar_state")
	if err == nil && own != 0 {
		err = k.say("", "", "nagar_state says that the store is writing, so edits by other programs are not noted")
	}
	if err != nil {
		return err
	}
	for _, table := range []string{"gpkg_spatial_ref_sys", "gpkg_contents", "gpkg_geometry_columns", "gpkg_extensions"} {
		cols, err := k.tx.columns(table)
		if err == nil && len(cols) == 0 {
			err = k.say("", "", "the table %s is missing", table)
		}
		if err != nil {
			return err
		}
	}
	return k.tx.query("PRAGMA foreign_key_check", func(q *sqlite.Stmt) error {
		return k.say("", "", "table %s has a row without its counterpart in %s", q.ColumnText(0), q.ColumnText(2))
	})
}

// revisions checks that they are dense and in the order of time.
func (k *checker) revisions() error {
	k.touched = map[string]map[catalog.Rev]struct{}{}
	want, last := catalog.Rev(1), time.Time{}
	return k.tx.query(entryColumns+"ORDER BY rev", func(q *sqlite.Stmt) error {
		e := readEntry(q)
		if e.Rev != want {
			if err := k.say("", "", "revision %d follows %d", e.Rev, want-1); err != nil {
				return err
			}
		}
		want = e.Rev + 1
		if e.Time.Before(last) {
			if err := k.say("", "", "revision %d was recorded before its forerunner", e.Rev); err != nil {
				return err
			}
		}
		last = e.Time
		for _, name := range strings.Fields(e.touched) {
			bare := strings.TrimPrefix(name, "+")
			if k.tx.schema.byName[bare] == nil {
				if err := k.say(bare, "", "revision %d touched a collection that is not there", e.Rev); err != nil {
					return err
				}
			}
			if bare == name {
				if k.touched[name] == nil {
					k.touched[name] = map[catalog.Rev]struct{}{}
				}
				k.touched[name][e.Rev] = struct{}{}
			}
		}
		return nil
	})
}

// outside tells of what other programs left that is not in the catalogue.
func (k *checker) outside() error {
	if !k.tx.clean() {
		if err := k.say("", "", "edits by other programs wait in the journal"); err != nil {
			return err
		}
	}
	var faults []catalog.Problem
	if err := k.tx.query("SELECT collection,fid,reason FROM nagar_faults ORDER BY 1,2", func(q *sqlite.Stmt) error {
		name, fid := q.ColumnText(0), q.ColumnInt64(1)
		p := catalog.Problem{Collection: name, Reason: fmt.Sprintf("row %d, written by another program, is left out: %s", fid, q.ColumnText(2))}
		if fid == 0 {
			p.Reason = q.ColumnText(2)
		}
		if c := k.tx.schema.byName[name]; c != nil && fid != 0 {
			p.ID = fmt.Sprintf("fid-%d", fid)
			if id, err := k.tx.text("SELECT "+c.idCol+" FROM "+quote(c.table)+" WHERE rowid=?1", fid); err == nil && catalog.CheckID(id) == nil {
				p.ID = id
			}
		}
		faults = append(faults, p)
		return nil
	}); err != nil {
		return err
	}
	for _, p := range faults {
		if err := k.say(p.Collection, p.ID, "%s", p.Reason); err != nil {
			return err
		}
	}
	list, err := k.tx.strangers()
	if err != nil {
		return err
	}
	for i := range list {
		cols, err := k.tx.columns(list[i].table)
		if err == nil {
			if why := list[i].why(cols); why != "" {
				err = k.say("", "", "%s", why)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// furniture checks what must stand around a collection's table.
func (k *checker) furniture(c *coll) error {
	for _, t := range c.triggers() {
		have, err := k.tx.text("SELECT sql FROM sqlite_master WHERE type='trigger' AND name=?1", t[0])
		if err == nil && have != t[1] {
			err = k.say(c.Name, "", "the trigger %s is missing or another one: edits by other programs are not noted", t[0])
		}
		if err != nil {
			return err
		}
	}
	for _, table := range []string{c.table, unquote(c.history())} {
		cols, err := k.tx.columns(table)
		if err != nil {
			return err
		}
		have := map[string]bool{}
		for _, col := range cols {
			have[strings.ToLower(col.name)] = true
		}
		for i, col := range c.cols {
			if !have[strings.ToLower(unquote(col))] {
				if err := k.say(c.Name, "", "the column %s of field %q is missing in table %s", col, c.Fields[i].Name, table); err != nil {
					return err
				}
			}
		}
	}
	n, err := k.tx.int64("SELECT count(*) FROM gpkg_contents WHERE lower(table_name)=lower(?1)", c.table)
	if err == nil && n != 1 {
		err = k.say(c.Name, "", "gpkg_contents does not list the table %s", c.table)
	}
	if err != nil || c.geom == "" {
		return err
	}
	n, err = k.tx.int64("SELECT count(*) FROM gpkg_geometry_columns WHERE lower(table_name)=lower(?1) AND lower(column_name)=lower(?2)", c.table, unquote(c.geom))
	if err == nil && n != 1 {
		err = k.say(c.Name, "", "gpkg_geometry_columns does not list the geometry of table %s", c.table)
	}
	return err
}

// row checks what holds of the rows of both tables: content, hash, spatial key,
// revision. The columns hash, cell and geometry follow those of the row itself.
func (k *checker) row(c *coll, q *sqlite.Stmt, r *rowReader, f *catalog.Feature, hash, cell, geom int) error {
	id := q.ColumnText(atID)
	err := r.feature(q, c, f)
	if err == nil {
		err = c.Check(f)
	}
	if err != nil {
		if !isInvalid(err) {
			return err
		}
		return k.say(c.Name, id, "row %d: %v", q.ColumnInt64(atRow), err)
	}
	if f.Rev < 1 || f.Rev > k.tx.head {
		if err := k.say(c.Name, id, "revision %d, the head is %d", f.Rev, k.tx.head); err != nil {
			return err
		}
	} else if _, told := k.touched[c.Name][f.Rev]; !told {
		if err := k.say(c.Name, id, "the feed does not tell of it under revision %d", f.Rev); err != nil {
			return err
		}
	}
	ct, err := c.encode(f)
	if err != nil {
		return err
	}
	if !q.ColumnIsNull(hash) && q.ColumnInt64(hash) != ct.hash {
		if err := k.say(c.Name, id, "its content has another hash than the one kept"); err != nil {
			return err
		}
	}
	if ct.hasCell == q.ColumnIsNull(cell) || ct.hasCell && q.ColumnInt64(cell) != ct.cell {
		if err := k.say(c.Name, id, "its spatial key does not fit its geometry"); err != nil {
			return err
		}
	}
	box, err := blobBox(r.bytes(q, geom))
	if err != nil || box != f.Geometry.Box() && !(box.IsEmpty() && f.Geometry.Box().IsEmpty()) {
		return k.say(c.Name, id, "its envelope is not that of its coordinates")
	}
	return nil
}

func (k *checker) currentRows(c *coll) error {
	r := newRowReader()
	var f catalog.Feature
	n := atFields + len(c.cols)
	sql := strings.Replace(c.sql.current, " FROM "+quote(c.table), ",nagar_hash,nagar_cell FROM "+quote(c.table), 1)
	if err := k.tx.query(sql, func(q *sqlite.Stmt) error {
		if q.ColumnIsNull(n) {
			return k.say(c.Name, q.ColumnText(atID), "it has no hash")
		}
		return k.row(c, q, r, &f, n, n+1, atGeom)
	}); err != nil {
		return err
	}
	if err := k.tx.query("SELECT "+c.idCol+",count(*) FROM "+quote(c.table)+" WHERE nagar_rev IS NOT NULL GROUP BY 1 HAVING count(*)>1", func(q *sqlite.Stmt) error {
		return k.say(c.Name, q.ColumnText(0), "%d rows are this feature", q.ColumnInt64(1))
	}); err != nil {
		return err
	}
	return k.tx.query("SELECT rowid FROM "+quote(c.table)+" t WHERE nagar_rev IS NULL AND NOT EXISTS(SELECT 1 FROM nagar_faults x WHERE x.collection=?1 AND x.fid=t.rowid) AND NOT EXISTS(SELECT 1 FROM nagar_journal j WHERE j.collection=?1 AND j.fid=t.rowid)", func(q *sqlite.Stmt) error {
		return k.say(c.Name, "", "row %d is no feature, and nothing says why", q.ColumnInt64(0))
	}, c.Name)
}

func (k *checker) pastRows(c *coll) error {
	r := newRowReader()
	var p pastRow
	n := atFields + len(c.cols) + 2
	sql := strings.Replace(c.sql.past, ",nagar_rev_to,nagar_end FROM", ",nagar_rev_to,nagar_end,nagar_hash,nagar_cell FROM", 1)
	if err := k.tx.query(sql, func(q *sqlite.Stmt) error {
		if err := k.row(c, q, r, &p.Feature, n, n+1, atGeom); err != nil {
			return err
		}
		revTo := catalog.Rev(q.ColumnInt64(n - 2))
		if revTo <= p.Rev || revTo > k.tx.head {
			return k.say(c.Name, p.ID, "a version of revision %d is superseded by revision %d", p.Rev, revTo)
		}
		if _, told := k.touched[c.Name][revTo]; !told {
			return k.say(c.Name, p.ID, "the feed does not tell of its end under revision %d", revTo)
		}
		return nil
	}); err != nil {
		return err
	}
	pending, err := k.tx.int64("SELECT count(*) FROM " + c.history() + " WHERE nagar_rev_to IS NULL")
	if err == nil && pending > 0 && !k.tx.journal {
		err = k.say(c.Name, "", "%d old versions were kept for edits that the journal does not know", pending)
	}
	return err
}

// clocks checks that the versions of every feature that has a past lie apart on
// the two clocks.
func (k *checker) clocks(c *coll) error {
	r := newRowReader()
	var group []catalog.Version
	flush := func() error {
		if len(group) == 0 {
			return nil
		}
		id := group[0].ID
		var cur catalog.Feature
		if err := k.tx.query(c.sql.currentByID, func(q *sqlite.Stmt) error {
			err := r.feature(q, c, &cur)
			group = append(group, catalog.Version{Feature: cur})
			return err
		}, id); err != nil && !isInvalid(err) {
			return err
		}
		for i := range group {
			for j := range group[:i] {
				if overlap(&group[i], &group[j]) {
					return k.say(c.Name, id, "two versions, of revisions %d and %d, are true at once", group[j].Rev, group[i].Rev)
				}
			}
		}
		return nil
	}
	sql := "SELECT nagar_id,nagar_rev,nagar_rev_to," + colFrom + "," + colTo + ",nagar_end FROM " + c.history() + " WHERE nagar_rev_to IS NOT NULL ORDER BY nagar_id"
	err := k.tx.query(sql, func(q *sqlite.Stmt) error {
		p := pastRow{Feature: catalog.Feature{ID: q.ColumnText(0), Rev: catalog.Rev(q.ColumnInt64(1)), Geometry: geo.Geometry{}}, revTo: catalog.Rev(q.ColumnInt64(2))}
		for i, to := range []*time.Time{&p.ValidFrom, &p.ValidTo, &p.end} {
			t, err := r.time(q, 3+i)
			if err != nil {
				return k.say(c.Name, p.ID, "%v", err)
			}
			*to = t
		}
		if len(group) > 0 && group[0].ID != p.ID {
			if err := flush(); err != nil {
				return err
			}
			group = group[:0]
		}
		group = append(group, catalog.Version{Feature: p.Feature, RevTo: p.revTo})
		if f, ok := p.rest(); ok {
			group = append(group, catalog.Version{Feature: f})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// overlap reports whether the rectangles of two versions meet.
func overlap(a, b *catalog.Version) bool {
	open := func(t time.Time) bool { return t.IsZero() }
	return (a.RevTo == 0 || b.Rev < a.RevTo) && (b.RevTo == 0 || a.Rev < b.RevTo) &&
		(open(a.ValidTo) || open(b.ValidFrom) || b.ValidFrom.Before(a.ValidTo)) &&
		(open(b.ValidTo) || open(a.ValidFrom) || a.ValidFrom.Before(b.ValidTo))
}
