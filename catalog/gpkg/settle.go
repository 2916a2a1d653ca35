package gpkg

import (
	"errors"
	"fmt"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// settle decides what became of a version that was touched: the row of its id,
// the same one before any other, if that was touched too; else it has ended.
func (d *drainer) settle(p *pending) error {
	x := &p.touched
	if !x.found {
		ended := x.at
		var err error
		if x, err = d.movedTo(p.old.ID); err != nil {
			return err
		}
		if x == nil {
			return d.end(p, ended)
		}
	}
	err := x.invalid
	if err == nil {
		if x.op == opNewTable && x.feature.ValidFrom.IsZero() && x.feature.ValidTo.IsZero() {
			x.feature.ValidFrom, x.feature.ValidTo = p.old.ValidFrom, p.old.ValidTo // the new table never said
			x.tidy = false
		}
		err = d.become(p, x)
	}
	if isInvalid(err) {
		if err := d.fault(x.fid, err); err != nil {
			return err
		}
		return d.end(p, x.at)
	}
	return err
}

// movedTo is the row in the journal that has the id, nil when there is none.
func (d *drainer) movedTo(id string) (*touched, error) {
	if err := d.strike(); err != nil {
		return nil, err
	}
	var x *touched
	err := d.tx.query(d.sql.moved, func(q *sqlite.Stmt) error {
		x = new(touched)
		return d.read(q, x)
	}, d.c.Name, id)
	return x, err
}

// end records that the version is no more.
func (d *drainer) end(p *pending, at time.Time) error {
	if at.Before(p.old.ValidFrom) {
		at = p.old.ValidFrom
	}
	d.past = true
	return d.tx.exec(d.sql.close, d.touch(nil), timeText(at), p.hid)
}

// become records that the version became what stands in the row, or that nothing
// changed.
func (d *drainer) become(p *pending, x *touched) error {
	ct, err := d.encode(&x.feature)
	if err != nil {
		return err
	}
	from := x.feature.ValidFrom
	stated := !from.IsZero() && !from.Equal(p.old.ValidFrom)
	if ct.hash == p.oldHash && !stated {
		ct.validFrom = p.old.ValidFrom
		if err := d.revise(x, p.old.Rev, ct); err != nil {
			return err
		}
		return d.tx.exec(d.sql.forget, p.hid)
	}
	if stated {
		if err := d.mayMove(from, &current{validFrom: p.old.ValidFrom}); err != nil {
			return err
		}
	} else if ct.validFrom = x.at; x.at.Before(p.old.ValidFrom) {
		ct.validFrom = p.old.ValidFrom
	}
	if err := checkSpan(ct.validFrom, ct.validTo); err != nil {
		return err
	}
	rev := d.touch(ct)
	d.past = true
	if err := d.tx.exec(d.sql.close, rev, timeText(ct.validFrom), p.hid); err != nil {
		return err
	}
	return d.revise(x, rev, ct)
}

// encode is the content of the row at hand, until the next one's.
func (d *drainer) encode(f *catalog.Feature) (*content, error) {
	ct := &d.ct
	arena, vals := ct.blob[:0], ct.vals
	if vals == nil {
		vals = make([]catalog.Value, len(d.c.Fields))
	}
	clear(vals)
	*ct = content{vals: vals, validFrom: f.ValidFrom, validTo: f.ValidTo}
	if err := d.c.setValues(vals, nil, f.Props); err != nil {
		return nil, err
	}
	ct.setGeometry(arena, &f.Geometry)
	d.scratch = ct.seal(d.scratch)
	return ct, nil
}

// revise sets the bookkeeping of a row that is a feature, and takes it out of
// the journal.
func (d *drainer) revise(x *touched, rev catalog.Rev, ct *content) error {
	if err := d.mendEnvelope(x, ct); err != nil {
		return err
	}
	sameCell := ct.hasCell == x.hasCell && ct.cell == x.cell
	if !sameCell || !x.tidy || !x.hasHash || x.hash != ct.hash || x.feature.Rev != rev || !x.feature.ValidFrom.Equal(ct.validFrom) {
		query := d.sql.revise
		if sameCell {
			query = d.sql.reviseInPlace
		}
		stmt, err := d.tx.Prepare(query)
		if err != nil {
			return err
		}
		bindTime(stmt, 1, ct.validFrom)
		bindTime(stmt, 2, ct.validTo)
		stmt.BindInt64(3, int64(rev))
		stmt.BindInt64(4, ct.hash)
		stmt.BindInt64(5, x.fid)
		switch {
		case sameCell:
		case ct.hasCell:
			stmt.BindInt64(6, ct.cell)
		default:
			stmt.BindNull(6)
		}
		if err := run(stmt); err != nil {
			return err
		}
	}
	if err := d.forgive(x.fid); err != nil {
		return err
	}
	return d.leave(x.fid)
}

// mendEnvelope writes a geometry anew whose envelope says something else than its
// coordinates: searches go by the envelope.
func (d *drainer) mendEnvelope(x *touched, ct *content) error {
	if x.truthful || d.c.geom == "" || ct.blob == nil {
		return nil
	}
	return d.tx.exec("UPDATE "+quote(d.c.table)+" SET "+d.c.geom+"=?1 WHERE rowid=?2", ct.blob, x.fid)
}

// arrive takes in a touched row from which no version is known that it could have become.
func (d *drainer) arrive(x *touched) error {
	if !x.found {
		if err := d.forgive(x.fid); err != nil {
			return err
		}
		return d.leave(x.fid)
	}
	err := x.invalid
	if err == nil {
		err = d.admit(x)
	}
	if isInvalid(err) {
		return d.fault(x.fid, err)
	}
	return err
}

// admit makes a row a new feature.
func (d *drainer) admit(x *touched) error {
	f := &x.feature
	if err := d.noTwin(x); err != nil {
		return err
	}
	end, err := d.ended(f.ID)
	if err != nil {
		return err
	}
	if f.ValidFrom.IsZero() && !end.IsZero() {
		f.ValidFrom, x.tidy = end, false
	}
	if f.ValidFrom.Before(end) {
		return &catalog.Invalid{Path: "valid_from", Reason: fmt.Sprintf("%s is before the end of the deleted feature, %s", timeText(f.ValidFrom), timeText(end))}
	}
	if err := checkSpan(f.ValidFrom, f.ValidTo); err != nil {
		return err
	}
	ct, err := d.encode(f)
	if err != nil {
		return err
	}
	return d.revise(x, d.touch(ct), ct)
}

// noTwin holds that no other row is the feature already.
func (d *drainer) noTwin(x *touched) error {
	if d.c.unique {
		return nil // SQLite holds it
	}
	if err := d.strike(); err != nil {
		return err
	}
	twin, err := d.tx.int64("SELECT EXISTS(SELECT 1 FROM "+quote(d.c.table)+" t WHERE t."+d.c.idCol+"=?1 AND t.rowid<>?2 AND t.nagar_rev IS NOT NULL AND NOT EXISTS(SELECT 1 FROM nagar_journal j WHERE j.collection=?3 AND j.fid=t.rowid))", x.feature.ID, x.fid, d.c.Name)
	if err == nil && twin != 0 {
		err = &catalog.Invalid{Path: "id", Reason: fmt.Sprintf("another row is the feature %q", x.feature.ID)}
	}
	return err
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
		d.leave(fid))
}
