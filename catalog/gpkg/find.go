package gpkg

import (
	"context"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// An index on what is searched is made when it is first searched: to sort a
// million keys then costs a second, and to keep them in order while a city is
// loaded costs three.

// indexSpace makes the spatial index of the collection where there is none. A
// file that cannot be written now is searched without.
func (s *Store) indexSpace(ctx context.Context, collection string) error {
	have := false
	err := s.read(ctx, func(tx *readTx) error {
		c, err := tx.schema.coll(collection)
		if err == nil {
			have = c.indexed || c.geom == ""
		}
		return err
	})
	if err != nil || have {
		return err
	}
	err = s.write(ctx, func(tx *writeTx) error {
		c, err := tx.schema.coll(collection)
		if err != nil || c.indexed {
			return err
		}
		tx.ddl = true
		_, ddl := c.spatialIndex()
		return tx.once(ddl)
	})
	if unavailable(err) {
		return nil
	}
	return err
}

// finds reports whether the indexes of the field at that place are there.
func (c *coll) finds(place int) bool { return place < len(c.found) && c.found[place] }

// indexField makes the indexes of the field that is matched where there are none.
func (s *Store) indexField(ctx context.Context, collection string, match *catalog.Match) error {
	lacks := func(sc *schema) (*coll, int, error) {
		c, err := sc.coll(collection)
		if err != nil {
			return nil, 0, err
		}
		m, err := c.Matcher(match)
		if err != nil || c.finds(m.Place) {
			return nil, 0, err
		}
		return c, m.Place, nil
	}
	var missing *coll
	err := s.read(ctx, func(tx *readTx) (err error) {
		missing, _, err = lacks(tx.schema)
		return err
	})
	if err != nil || missing == nil {
		return err
	}
	err = s.write(ctx, func(tx *writeTx) error {
		c, place, err := lacks(tx.schema)
		if err != nil || c == nil {
			return err
		}
		tx.ddl = true
		for _, index := range c.fieldIndexes(place) {
			if err := tx.once(index[1]); err != nil {
				return c.describe(err)
			}
		}
		return nil
	})
	if unavailable(err) { // a file that cannot be written now is searched without
		return nil
	}
	return err
}

// dropIndexes drops the indexes of fields that are indexed no more.
func (tx *writeTx) dropIndexes(c *coll) error {
	for i := range c.Fields {
		if !c.finds(i) || c.Fields[i].Findable() {
			continue
		}
		for _, index := range c.fieldIndexes(i) {
			if err := tx.once("DROP INDEX IF EXISTS " + index[0]); err != nil {
				return c.describe(err)
			}
		}
		c.found[i], tx.ddl = false, true
	}
	return nil
}

// match calls current and past for the rows that have one of the values, and meet
// the box. A column that another program declared may hold what compares equal and
// is not; so the value is looked at once more.
func (tx *readTx) match(c *coll, q catalog.Query, r *rowReader, current, past func(*sqlite.Stmt) error) error {
	m, err := c.Matcher(q.Match)
	if err != nil {
		return err
	}
	exact := func(row func(*sqlite.Stmt) error) func(*sqlite.Stmt) error {
		return func(stmt *sqlite.Stmt) error {
			v, err := r.value(stmt, atFields+m.Place, m.Field)
			if err != nil || !m.Has(v) {
				return err
			}
			if q.Box != nil {
				if stmt.ColumnIsNull(atGeom) {
					return nil
				}
				if box, err := blobBox(r.bytes(stmt, atGeom)); err != nil || !box.Intersects(*q.Box) {
					return err
				}
			}
			return row(stmt)
		}
	}
	where := " AND " + c.cols[m.Place] + "=?1"
	for _, v := range m.Values {
		var key any = v.Str()
		if v.Type() == catalog.TypeInteger {
			key = v.Int()
		}
		if err := tx.query(c.sql.current+where, exact(current), key); err != nil {
			return err
		}
		if q.At.IsNow() && !q.Ever {
			continue
		}
		if err := tx.query(c.sql.past+where, exact(past), key); err != nil {
			return err
		}
	}
	return nil
}
