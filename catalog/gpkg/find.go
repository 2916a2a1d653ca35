package gpkg

import (
	"context"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// An index on what is searched is made when it is first searched: to sort a
// million keys then costs a second, and to keep them in order while a city is
// loaded costs three.

// indexFor makes the indexes that the queries go by where there are none. A file
// that cannot be written now is searched without.
func (s *Store) indexFor(ctx context.Context, queries []catalog.Query) error {
	var lacking []catalog.Query
	err := s.read(ctx, func(tx *readTx) error {
		for _, q := range queries {
			_, ddl, err := tx.schema.lacks(q)
			if err != nil {
				return err
			}
			if ddl != nil {
				lacking = append(lacking, q)
			}
		}
		return nil
	})
	if err != nil || len(lacking) == 0 {
		return err
	}
	err = s.write(ctx, func(tx *writeTx) error {
		for _, q := range lacking {
			c, ddl, err := tx.schema.lacks(q)
			if err != nil {
				return err
			}
			for _, index := range ddl {
				tx.ddl = true
				if err := tx.once(index); err != nil {
					return c.describe(err)
				}
			}
		}
		return nil
	})
	if unavailable(err) {
		return nil
	}
	return err
}

// lacks is the DDL of the indexes that the query goes by and that are not there.
func (sc *schema) lacks(q catalog.Query) (*coll, []string, error) {
	c, err := sc.coll(q.Collection)
	switch {
	case err != nil:
		return nil, nil, err
	case q.Match != nil:
		m, err := c.Matcher(q.Match)
		if err != nil || c.finds(m.Place) {
			return c, nil, err
		}
		two := c.fieldIndexes(m.Place)
		return c, []string{two[0][1], two[1][1]}, nil
	case q.Box != nil && !c.indexed && c.geom != "":
		_, ddl := c.spatialIndex()
		return c, []string{ddl}, nil
	}
	return c, nil, nil
}

// finds reports whether the indexes of the field at that place are there.
func (c *coll) finds(place int) bool { return place < len(c.found) && c.found[place] }

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
