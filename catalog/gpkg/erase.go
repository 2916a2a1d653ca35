package gpkg

import (
	"slices"
	"strings"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// erase blanks fields, or everything, in the current and every past version. The
// current version is recorded anew under the batch's revision.
func (t *table) erase(o *op) (catalog.Status, error) {
	cur, err := t.lookup(o.id)
	if err != nil {
		return 0, err
	}
	if err := t.expect(o, &cur); err != nil {
		return 0, err
	}
	known, err := t.tx.int64("SELECT EXISTS(SELECT 1 FROM "+t.c.history()+" WHERE nagar_id=?1)", o.id)
	if err != nil || cur.rev == 0 && known == 0 {
		return catalog.Unchanged, err
	}
	t.tx.scrubbed = true
	rev := t.touch(nil)
	if cur.rev > 0 {
		// Superseded without an end on the valid clock: nothing is left of it there.
		t.past = true
		t.retire.BindInt64(1, cur.fid)
		t.retire.BindInt64(2, int64(rev))
		t.retire.BindNull(3)
		if err := run(t.retire); err != nil {
			return 0, err
		}
	}
	if err := t.blank(t.c.history(), "nagar_geom", "nagar_id", o); err != nil {
		return 0, err
	}
	if cur.rev > 0 {
		if err := t.blank(quote(t.c.table), t.c.geom, t.c.idCol, o); err != nil {
			return 0, err
		}
		if err := t.reseal(cur.fid, rev); err != nil {
			return 0, err
		}
	}
	return catalog.Erased, t.tx.exec("INSERT INTO nagar_scrubs(rev,collection,id) VALUES(?1,?2,?3)", rev, t.c.Name, o.id)
}

// blank sets the columns of every row of the id to null.
func (t *table) blank(table, geom, id string, o *op) error {
	var set []string
	for i := range t.c.Fields {
		if len(o.fields) == 0 || slices.Contains(o.fields, t.c.Fields[i].Name) {
			set = append(set, t.c.cols[i]+"=NULL")
		}
	}
	if len(o.fields) == 0 && geom != "" {
		set = append(set, geom+"=NULL", "nagar_cell=NULL")
	}
	set = append(set, "nagar_hash=NULL")
	return t.tx.exec("UPDATE "+table+" SET "+strings.Join(set, ",")+" WHERE "+id+"=?1", o.id)
}

// reseal records a row whose content was changed in place under the revision.
func (t *table) reseal(fid int64, rev catalog.Rev) error {
	var f catalog.Feature
	r := newRowReader()
	if err := t.tx.query(t.c.sql.current+" AND rowid=?1", func(q *sqlite.Stmt) error { return r.feature(q, t.c, &f) }, fid); err != nil {
		return err
	}
	ct, err := t.c.encode(&f)
	if err != nil {
		return err
	}
	return t.tx.exec("UPDATE "+quote(t.c.table)+" SET nagar_rev=?1, nagar_hash=?2 WHERE rowid=?3", rev, ct.hash, fid)
}

// encode is the content of a feature.
func (c *coll) encode(f *catalog.Feature) (*content, error) {
	ct := &content{vals: make([]catalog.Value, len(c.Fields)), validFrom: f.ValidFrom, validTo: f.ValidTo}
	if err := c.setValues(ct.vals, nil, f.Props); err != nil {
		return nil, err
	}
	ct.setGeometry(nil, &f.Geometry)
	ct.seal(nil)
	return ct, nil
}
