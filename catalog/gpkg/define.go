package gpkg

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// Define creates the collection, or alters it by the rules of
// catalog.Collection.Alter. Where nothing changes it spends no revision and
// returns the head.
func (s *Store) Define(ctx context.Context, c catalog.Collection) (catalog.Rev, error) {
	var rev catalog.Rev
	doing := "define " + c.Name
	if err := c.Validate(); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	err := s.write(ctx, func(tx *writeTx) error {
		old := tx.schema.byName[c.Name]
		if old == nil {
			rev = tx.spend()
			return tx.create(c)
		}
		next, err := old.Alter(c)
		if err != nil {
			return err
		}
		if sameDescription(&old.Collection, &next) {
			rev = tx.state.head
			return nil
		}
		rev = tx.spend()
		return tx.alter(old, next)
	})
	return rev, wrap(ctx, doing, err)
}

// about is a description as it is kept: its JSON, without the revision.
func about(c catalog.Collection) (string, error) {
	c.Rev = 0
	b, err := json.Marshal(c)
	return string(b), err
}

func sameDescription(a, b *catalog.Collection) bool {
	x, errX := about(*a)
	y, errY := about(*b)
	return errX == nil && errY == nil && x == y
}

// create makes the tables of a new collection.
func (tx *writeTx) create(desc catalog.Collection) error {
	c := &coll{Collection: desc, idCol: `"id"`}
	c.Fields = slices.Clone(desc.Fields)
	if desc.Geometry != catalog.GeometryNone {
		c.geom = `"geom"`
	}
	taken := systemNames()
	for i := range c.Fields {
		c.cols = append(c.cols, quote(columnName(c.Fields[i].Name, taken)))
	}
	var err error
	if c.table, err = tx.freeTable(desc.Name); err != nil {
		return err
	}
	if c.num, err = tx.int64("SELECT coalesce(max(num),0)+1 FROM nagar_collections"); err != nil {
		return err
	}
	c.build()
	if err := tx.once(c.createTable()); err != nil {
		return err
	}
	if err := tx.register(c); err != nil {
		return err
	}
	if err := tx.furnish(c); err != nil {
		return err
	}
	return tx.describe(c)
}

// freeTable is a name for a new collection's table that nothing in the file has.
func (tx *writeTx) freeTable(name string) (string, error) {
	table := name
	for i := 2; ; i++ {
		n, err := tx.int64("SELECT count(*) FROM sqlite_master WHERE lower(name)=lower(?1)", table)
		if err != nil || n == 0 {
			return table, err
		}
		table = fmt.Sprintf("%s_%d", name, i)
	}
}

// register enters a table of our own making into the standard's tables.
func (tx *writeTx) register(c *coll) error {
	kind, srs := "features", any(int64(srsWGS84))
	if c.geom == "" {
		kind, srs = "attributes", nil
	}
	err := tx.exec("INSERT INTO gpkg_contents(table_name,data_type,identifier,description,last_change,srs_id) VALUES(?1,?2,?1,?3,?4,?5)",
		c.table, kind, c.Description.In("en"), timeText(tx.now), srs)
	if err != nil || c.geom == "" {
		return err
	}
	return tx.exec("INSERT INTO gpkg_geometry_columns VALUES(?1,?2,?3,?4,?5,0)", c.table, unquote(c.geom), c.gpkgType(), srsWGS84, c.gpkgZ())
}

// furnish gives a table what the store needs around it: indexes, the table of
// past versions, triggers. What is there already stays.
func (tx *writeTx) furnish(c *coll) error {
	tx.ddl = true
	for _, ddl := range append(c.createHistory(), c.indexes()...) {
		if err := tx.once(ddl); err != nil {
			return c.describe(err)
		}
	}
	return tx.putTriggers(c)
}

// putTriggers makes the collection's triggers be as they should, and leaves
// those alone that are.
func (tx *writeTx) putTriggers(c *coll) error {
	for _, t := range c.triggers() {
		have, err := tx.text("SELECT sql FROM sqlite_master WHERE type='trigger' AND name=?1", t[0])
		if err != nil {
			return err
		}
		if have == t[1] {
			continue
		}
		tx.ddl = true
		if err := tx.once("DROP TRIGGER IF EXISTS " + t[0]); err != nil {
			return c.describe(err)
		}
		if err := tx.once(t[1]); err != nil {
			return c.describe(err)
		}
	}
	return nil
}

// describe writes the collection's description and mapping, under a revision.
func (tx *writeTx) describe(c *coll) error {
	c.Rev = tx.spend()
	text, err := about(c.Collection)
	if err != nil {
		return err
	}
	if err := tx.exec(`INSERT INTO nagar_collections(name,num,tbl,id_col,geom_col,shapes,about,rev) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)
 ON CONFLICT(name) DO UPDATE SET tbl=?3, id_col=?4, geom_col=?5, shapes=?6, about=?7, rev=?8`,
		c.Name, c.num, c.table, c.idCol, c.geom, c.shapes, text, c.Rev); err != nil {
		return err
	}
	for i, col := range c.cols {
		if err := tx.exec("INSERT INTO nagar_columns VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET col=?3", c.Name, i, col); err != nil {
			return err
		}
	}
	tx.touched = append(tx.touched, "+"+c.Name)
	tx.bump()
	tx.schema = tx.schema.with(c)
	return nil
}

// alter brings the tables of a collection to its next description.
func (tx *writeTx) alter(old *coll, desc catalog.Collection) error {
	c := *old
	c.Collection = desc
	c.cols = slices.Clone(old.cols)
	taken, err := tx.takenNames(old)
	if err != nil {
		return err
	}
	for i := len(old.cols); i < len(desc.Fields); i++ {
		c.cols = append(c.cols, quote(columnName(desc.Fields[i].Name, taken)))
	}
	tables := []string{quote(c.table), c.history()}
	if old.geom == "" && desc.Geometry != catalog.GeometryNone {
		c.geom = `"geom"`
		if err := tx.once("ALTER TABLE " + tables[0] + " ADD COLUMN " + c.geom + " GEOMETRY"); err != nil {
			return err
		}
		if err := tx.exec("UPDATE gpkg_contents SET data_type='features', srs_id=?1 WHERE table_name=?2", srsWGS84, c.table); err != nil {
			return err
		}
		if err := tx.exec("INSERT INTO gpkg_geometry_columns VALUES(?1,'geom','GEOMETRY',?2,0,0)", c.table, srsWGS84); err != nil {
			return err
		}
		tx.ddl = true
	}
	for i := len(old.cols); i < len(c.cols); i++ {
		for _, t := range tables {
			if err := tx.once("ALTER TABLE " + t + " ADD COLUMN " + c.cols[i] + " " + sqlType(desc.Fields[i].Type)); err != nil {
				return err
			}
		}
		tx.ddl = true
	}
	c.found = make([]bool, len(c.cols))
	copy(c.found, old.found)
	if err := tx.dropIndexes(&c); err != nil {
		return err
	}
	c.build()
	if tx.ddl {
		if err := tx.putTriggers(&c); err != nil {
			return err
		}
	}
	if old.Geometry != desc.Geometry && c.shapes == 0 {
		if err := tx.exec("UPDATE gpkg_geometry_columns SET geometry_type_name=?1 WHERE table_name=?2", c.gpkgType(), c.table); err != nil {
			return err
		}
	}
	if err := tx.exec("UPDATE gpkg_contents SET description=?1 WHERE table_name=?2", c.Description.In("en"), c.table); err != nil {
		return err
	}
	return tx.describe(&c)
}

// takenNames are the system names and the names of all columns that the
// collection's two tables have.
func (tx *writeTx) takenNames(c *coll) (map[string]bool, error) {
	taken := systemNames()
	for _, table := range []string{c.table, unquote(c.history())} {
		cols, err := tx.columns(table)
		if err != nil {
			return nil, err
		}
		for _, col := range cols {
			taken[strings.ToLower(col.name)] = true
		}
	}
	return taken, nil
}

// column is one column of a table as SQLite knows it.
type column struct {
	name, typ string
	pk        bool
}

// columns lists a table's columns in order; none when there is no such table.
func (c *conn) columns(table string) ([]column, error) {
	var out []column
	err := c.query("SELECT name, type, pk FROM pragma_table_info(?1)", func(q *sqlite.Stmt) error {
		out = append(out, column{q.ColumnText(0), strings.ToUpper(q.ColumnText(1)), q.ColumnInt64(2) != 0})
		return nil
	}, table)
	return out, err
}

// with is the schema after c was created or altered.
func (sc *schema) with(c *coll) *schema {
	next := &schema{stamp: stamp{-1, -1}, byName: map[string]*coll{}, foreign: sc.foreign} // a stamp that matches nothing
	for _, old := range sc.list {
		if old.Name != c.Name {
			next.list = append(next.list, old)
		}
	}
	next.list = append(next.list, c)
	slices.SortFunc(next.list, func(a, b *coll) int { return strings.Compare(a.Name, b.Name) })
	for _, x := range next.list {
		next.byName[x.Name] = x
	}
	return next
}

// loadSchema reads the descriptions and mappings.
func loadSchema(c *conn, at stamp) (*schema, error) {
	sc := &schema{stamp: at, byName: map[string]*coll{}}
	err := c.query("SELECT name,num,tbl,id_col,geom_col,shapes,about,rev FROM nagar_collections ORDER BY name", func(q *sqlite.Stmt) error {
		x := &coll{num: q.ColumnInt64(1), table: q.ColumnText(2), idCol: q.ColumnText(3), geom: q.ColumnText(4), shapes: q.ColumnInt64(5)}
		if err := json.Unmarshal([]byte(q.ColumnText(6)), &x.Collection); err != nil {
			return fmt.Errorf("description of %s: %w", q.ColumnText(0), err)
		}
		x.Rev = catalog.Rev(q.ColumnInt64(7))
		sc.list = append(sc.list, x)
		sc.byName[q.ColumnText(0)] = x
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.query("SELECT collection,col FROM nagar_columns ORDER BY collection,pos", func(q *sqlite.Stmt) error {
		if x := sc.byName[q.ColumnText(0)]; x != nil {
			x.cols = append(x.cols, q.ColumnText(1))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	n, err := c.int64(`SELECT EXISTS(SELECT 1 FROM sqlite_master WHERE type='trigger' AND name NOT LIKE 'nagar\_%' ESCAPE '\')`)
	if err != nil {
		return nil, err
	}
	sc.foreign = n != 0
	indexes := map[string]bool{}
	if err := c.query(`SELECT name FROM sqlite_master WHERE type='index' AND (name LIKE 'nagar\_cell\_%' ESCAPE '\' OR name LIKE 'nagar\_id\_%' ESCAPE '\' OR name LIKE 'nagar\_field\_%' ESCAPE '\')`, func(q *sqlite.Stmt) error {
		indexes[q.ColumnText(0)] = true
		return nil
	}); err != nil {
		return nil, err
	}
	for _, x := range sc.list {
		if len(x.cols) != len(x.Fields) {
			return nil, fmt.Errorf("%w: collection %s has %d fields and %d columns", catalog.ErrNotAStore, x.Name, len(x.Fields), len(x.cols))
		}
		name, _ := x.spatialIndex()
		x.indexed = indexes[name]
		x.found = make([]bool, len(x.Fields))
		for i := range x.found {
			two := x.fieldIndexes(i)
			x.found[i] = indexes[two[0][0]] && indexes[two[1][0]]
		}
		x.unique = !indexes[fmt.Sprintf("nagar_id_%d", x.num)]
		x.build()
	}
	return sc, nil
}

// Collection returns one description, or catalog.ErrNotFound.
func (s *Store) Collection(ctx context.Context, name string) (catalog.Collection, error) {
	var out catalog.Collection
	err := s.read(ctx, func(tx *readTx) error {
		c, err := tx.schema.coll(name)
		if err == nil {
			out = c.described()
		}
		return err
	})
	return out, wrap(ctx, "read the description of "+name, err)
}

// Collections returns all descriptions, by name.
func (s *Store) Collections(ctx context.Context) ([]catalog.Collection, error) {
	var out []catalog.Collection
	err := s.read(ctx, func(tx *readTx) error {
		for _, c := range tx.schema.list {
			out = append(out, c.described())
		}
		return nil
	})
	return out, wrap(ctx, "read the collections", err)
}

// described is the description with slices of its own.
func (c *coll) described() catalog.Collection {
	out := c.Collection
	out.Fields = slices.Clone(c.Fields)
	return out
}
