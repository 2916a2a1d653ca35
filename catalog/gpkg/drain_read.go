package gpkg

import (
	"bytes"
	"fmt"
	"time"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// touched is a row that another program touched: what the journal says of it, and
// what stands in the table.
type touched struct {
	fid int64
	op  string // of the first touch, as the triggers write it, or opNewTable
	at  time.Time

	found   bool // there is such a row
	feature catalog.Feature
	invalid error // *catalog.Invalid when it is no feature by the collection's rules

	// What it says beyond the feature: whether its bookkeeping and the form in
	// which its times stand need no change, and whether its envelope is that of its
	// coordinates.
	hash, cell       int64
	hasHash, hasCell bool
	tidy, truthful   bool
}

// pending is the version that a row held before it was touched, and the row if
// it has the same id still.
type pending struct {
	touched
	hid, oldFid, oldHash int64
	old                  catalog.Feature // its id, revision and times
}

func (d *drainer) pendingPage(last int64) ([]pending, error) {
	page := make([]pending, 0, drainPage)
	n := atFields + len(d.c.cols) + 5
	err := d.tx.query(d.sql.pending, func(q *sqlite.Stmt) error {
		page = append(page, pending{hid: q.ColumnInt64(n), oldFid: q.ColumnInt64(n + 1), oldHash: q.ColumnInt64(n + 3)})
		p := &page[len(page)-1]
		p.old = catalog.Feature{Rev: catalog.Rev(q.ColumnInt64(n + 2)), ID: q.ColumnText(n + 4)}
		var err error
		if p.old.ValidFrom, err = d.r.time(q, n+5); err != nil {
			return err
		}
		if p.old.ValidTo, err = d.r.time(q, n+6); err != nil {
			return err
		}
		return d.read(q, &p.touched)
	}, d.c.Name, last, drainPage)
	return page, err
}

func (d *drainer) arrivedPage(last int64) ([]touched, error) {
	page := make([]touched, 0, drainPage)
	err := d.tx.query(d.sql.arrived, func(q *sqlite.Stmt) error {
		page = append(page, touched{})
		return d.read(q, &page[len(page)-1])
	}, d.c.Name, last, drainPage)
	return page, err
}

// read reads a row of the statements pending, moved and arrived.
func (d *drainer) read(q *sqlite.Stmt, x *touched) error {
	n := atFields + len(d.c.cols)
	x.fid, x.op = q.ColumnInt64(n+2), q.ColumnText(n+3)
	at, err := d.r.time(q, n+4)
	if err != nil || at.After(d.tx.now) || at.IsZero() { // a clock that runs ahead, or nonsense
		at = d.tx.now
	}
	x.at = at
	if x.found = !q.ColumnIsNull(atRow); !x.found {
		return nil
	}
	x.hash, x.hasHash = q.ColumnInt64(n), !q.ColumnIsNull(n)
	x.cell, x.hasCell = q.ColumnInt64(n+1), !q.ColumnIsNull(n+1)
	if x.invalid = d.r.feature(q, d.c, &x.feature); x.invalid == nil {
		x.invalid = d.c.Check(&x.feature)
	}
	if x.invalid != nil {
		if isInvalid(x.invalid) {
			return nil
		}
		return x.invalid
	}
	x.tidy = d.stands(q, atFrom, x.feature.ValidFrom) && d.stands(q, atTo, x.feature.ValidTo)
	box, err := blobBox(d.r.bytes(q, atGeom))
	want := x.feature.Geometry.Box()
	x.truthful = err == nil && (box == want || box.IsEmpty() && want.IsEmpty())
	return nil
}

// stands reports whether the time stands in the column in the form that the
// store itself writes.
func (d *drainer) stands(q *sqlite.Stmt, col int, t time.Time) bool {
	if t.IsZero() {
		return q.ColumnIsNull(col)
	}
	d.time = appendTime(d.time[:0], t)
	return bytes.Equal(d.time, d.r.bytes(q, col))
}

// freeID is an id for a row that came without one.
func freeID(fid int64, free func(string) (bool, error)) (string, error) {
	name := fmt.Sprintf("fid-%d", fid)
	for n := 2; ; n++ {
		ok, err := free(name)
		if err != nil || ok {
			return name, err
		}
		name = fmt.Sprintf("fid-%d-%d", fid, n)
	}
}
