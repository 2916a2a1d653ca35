package gpkg

import (
	"math"

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
		d := &drainer{table: t, r: newRowReader(), sql: drainStatements(c)}
		if err := d.run(); err != nil {
			return c.describe(err)
		}
	}
	return nil
}

// drainPage is how many rows a drain holds in memory at once.
const drainPage = 500

// drainer drains the journal of one collection. A row costs a place in a page
// that is read, and an update of itself and of the version it held.
type drainer struct {
	*table
	r    *rowReader
	sql  drainSQL
	ct   content // of the row at hand; its memory serves the next one too
	time []byte
	done fidRange
}

// drainSQL are the statements of a drain.
type drainSQL struct {
	nameless string // the touched rows without an id
	pending  string // the kept versions, each with the row it was if that still has its id
	moved    string // the touched row that has an id now
	arrived  string // what is left in the journal, each with its row

	revise, reviseInPlace string
	close, forget         string
}

func drainStatements(c *coll) drainSQL {
	t, h, id := quote(c.table), c.history(), "t."+c.idCol
	geom := "NULL"
	if c.geom != "" {
		geom = "t." + c.geom
	}
	row := "SELECT t.rowid,t.nagar_rev," + id + "," + geom + ",t." + colFrom + ",t." + colTo + prefixed(",t.", c.cols) + ",t.nagar_hash,t.nagar_cell,j.fid,j.op,j.at"
	inPlace := "UPDATE " + t + " SET " + colFrom + "=?1," + colTo + "=?2,nagar_rev=?3,nagar_hash=?4 WHERE rowid=?5"
	return drainSQL{
		nameless: "SELECT j.fid FROM nagar_journal j CROSS JOIN " + t + " t ON t.rowid=j.fid WHERE j.collection=?1 AND j.fid>?2 AND (" + id + " IS NULL OR " + id + "='') ORDER BY j.fid LIMIT ?3",
		// Left to itself SQLite goes by the index on nagar_rev_to, and sorts all that
		// is pending anew for every page.
		pending: row + ",h.nagar_hid,h.nagar_fid,h.nagar_rev,h.nagar_hash,h.nagar_id,h." + colFrom + ",h." + colTo +
			" FROM " + h + " h INDEXED BY " + c.pendingIndex() +
			" LEFT JOIN nagar_journal j ON j.collection=?1 AND j.fid=h.nagar_fid" +
			" LEFT JOIN " + t + " t ON t.rowid=j.fid AND " + id + "=h.nagar_id" +
			" WHERE h.nagar_rev_to IS NULL AND h.nagar_fid>?2 ORDER BY h.nagar_fid LIMIT ?3",
		moved:   row + " FROM " + t + " t CROSS JOIN nagar_journal j ON j.collection=?1 AND j.fid=t.rowid WHERE " + id + "=?2 ORDER BY t.rowid LIMIT 1",
		arrived: row + " FROM nagar_journal j LEFT JOIN " + t + " t ON t.rowid=j.fid WHERE j.collection=?1 AND j.fid>?2 ORDER BY j.fid LIMIT ?3",

		revise: "UPDATE " + t + " SET " + colFrom + "=?1," + colTo + "=?2,nagar_rev=?3,nagar_hash=?4,nagar_cell=?6 WHERE rowid=?5",
		// Where it stays the same the spatial key is left alone: SQLite writes the
		// entries of an index anew for every column that is set.
		reviseInPlace: inPlace,
		close:         "UPDATE " + h + " SET nagar_rev_to=?1,nagar_end=?2 WHERE nagar_hid=?3",
		forget:        "DELETE FROM " + h + " WHERE nagar_hid=?1",
	}
}

// run finds out what became of every version that was touched, wherever its id is
// now; the rows that are left over are new features.
func (d *drainer) run() error {
	if err := d.giveIDs(); err != nil {
		return err
	}
	for last := int64(math.MinInt64); ; {
		page, err := d.pendingPage(last)
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
		last = page[len(page)-1].oldFid
	}
	if err := d.strike(); err != nil {
		return err
	}
	for last := int64(math.MinInt64); ; {
		page, err := d.arrivedPage(last)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if err := d.arrive(&page[i]); err != nil {
				return err
			}
		}
		if err := d.strike(); err != nil {
			return err
		}
		last = page[len(page)-1].fid
	}
}

// fidRange is a run of row numbers without a gap; none where n is 0.
type fidRange struct{ from, n int64 }

// leave takes a row out of the journal: soon, together with its neighbours.
func (d *drainer) leave(fid int64) error {
	if d.done.n > 0 && fid == d.done.from+d.done.n {
		d.done.n++
		return nil
	}
	err := d.strike()
	d.done = fidRange{fid, 1}
	return err
}

// strike takes the rows that have left out of the journal now.
func (d *drainer) strike() error {
	r := d.done
	d.done = fidRange{}
	if r.n == 0 {
		return nil
	}
	return d.tx.exec("DELETE FROM nagar_journal WHERE collection=?1 AND fid BETWEEN ?2 AND ?3", d.c.Name, r.from, r.from+r.n-1)
}

// giveIDs gives an id to the rows that came without one: fid- and the row's number.
func (d *drainer) giveIDs() error {
	t, id := quote(d.c.table), d.c.idCol
	taken := "SELECT EXISTS(SELECT 1 FROM " + t + " WHERE " + id + "=?1)"
	give := "UPDATE " + t + " SET " + id + "=?1 WHERE rowid=?2"
	for last := int64(math.MinInt64); ; {
		var page []int64
		if err := d.tx.query(d.sql.nameless, func(q *sqlite.Stmt) error {
			page = append(page, q.ColumnInt64(0))
			return nil
		}, d.c.Name, last, drainPage); err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		for _, fid := range page {
			name, err := freeID(fid, func(id string) (bool, error) {
				n, err := d.tx.int64(taken, id)
				return n == 0, err
			})
			if err != nil {
				return err
			}
			if err := d.tx.exec(give, name, fid); err != nil {
				return err
			}
		}
		last = page[len(page)-1]
	}
}
