package gpkg

import (
	"fmt"
	"strings"

	"nagar/catalog"

	"zombiezen.com/go/sqlite"
)

// opNewTable marks in the journal a row of a table that another program made or
// made anew.
const opNewTable = "N"

// lookOver goes through the file after another program changed its schema: known
// collections get back what is missing around their tables, a table made anew is
// compared with what it replaced, and a table that is new becomes a collection.
func (tx *writeTx) lookOver() error {
	sc, err := loadSchema(tx.conn, stamp{-1, -1})
	if err != nil {
		return err
	}
	tx.schema, tx.ddl = sc, true
	tx.author, tx.reason = outsideAuthor, outsideReason
	for _, c := range sc.list {
		if err := tx.restore(c); err != nil {
			return c.describe(err)
		}
	}
	return tx.adoptAll()
}

// restore makes a known collection whole.
func (tx *writeTx) restore(old *coll) error {
	c := *old
	c.cols = append([]string(nil), old.cols...)
	c.Fields = append([]catalog.Field(nil), old.Fields...)
	cols, err := tx.columns(c.table)
	if err != nil {
		return err
	}
	if len(cols) == 0 {
		moved, err := tx.text("SELECT tbl_name FROM sqlite_master WHERE type='trigger' AND name=?1", c.triggers()[1][0])
		if err != nil {
			return err
		}
		if moved == "" {
			return tx.recreate(&c)
		}
		c.table = moved // renamed
		if cols, err = tx.columns(moved); err != nil {
			return err
		}
	}
	changed, replaced, err := tx.complete(&c, cols)
	if err != nil {
		return err
	}
	c.build()
	if err := tx.furnish(&c); err != nil {
		return err
	}
	if replaced {
		if err := tx.once("CREATE INDEX IF NOT EXISTS nagar_id_" + fmt.Sprint(c.num) + " ON " + quote(c.table) + "(" + c.idCol + ")"); err != nil {
			return err
		}
		if err := tx.exec("INSERT OR REPLACE INTO nagar_journal(collection,fid,op,at) SELECT ?1,rowid,?2,"+journalNow+" FROM "+quote(c.table), c.Name, opNewTable); err != nil {
			return err
		}
		if err := tx.exec("DELETE FROM nagar_faults WHERE collection=?1", c.Name); err != nil {
			return err
		}
	}
	if changed || c.table != old.table || c.geom != old.geom || c.idCol != old.idCol {
		return tx.describe(&c)
	}
	return nil
}

// recreate makes the table of a collection anew, empty, after another program
// dropped it. What it held is in the history if that program went by the
// standard's rules.
func (tx *writeTx) recreate(c *coll) error {
	kept, err := tx.int64("SELECT EXISTS(SELECT 1 FROM nagar_journal WHERE collection=?1)", c.Name)
	if err != nil {
		return err
	}
	if kept == 0 {
		if err := tx.exec("INSERT INTO nagar_faults VALUES(?1,0,?2) ON CONFLICT DO UPDATE SET reason=?2", c.Name,
			"another program dropped the table past the GeoPackage's own tables at or before "+timeText(tx.now)+": what it held, if anything, is lost; restore a backup"); err != nil {
			return err
		}
	}
	c.idCol = `"id"`
	if c.Geometry != catalog.GeometryNone {
		c.geom = `"geom"`
	}
	c.build()
	if err := tx.once(c.createTable()); err != nil {
		return err
	}
	for _, table := range []string{"gpkg_geometry_columns", "gpkg_contents"} {
		if err := tx.exec("DELETE FROM "+table+" WHERE table_name=?1", c.table); err != nil {
			return err
		}
	}
	if err := tx.register(c); err != nil {
		return err
	}
	if err := tx.furnish(c); err != nil {
		return err
	}
	return tx.describe(c)
}

// complete adds to a collection's table the columns that it lacks, and takes new
// columns in as restricted fields. replaced tells that the table is not the one
// that this store made.
func (tx *writeTx) complete(c *coll, cols []column) (changed, replaced bool, err error) {
	have := map[string]column{}
	for _, col := range cols {
		have[strings.ToLower(col.name)] = col
	}
	_, ours := have["nagar_rev"]
	add := func(name, typ string) error {
		if _, ok := have[strings.ToLower(unquote(name))]; ok {
			return nil
		}
		have[strings.ToLower(unquote(name))] = column{name: unquote(name), typ: typ}
		return tx.once("ALTER TABLE " + quote(c.table) + " ADD COLUMN " + name + " " + typ)
	}
	if err := tx.geometryColumn(c); err != nil {
		return false, false, err
	}
	if id, ok := have[strings.ToLower(unquote(c.idCol))]; ok && id.pk {
		c.idCol = "nagar_id"
	}
	known := map[string]bool{strings.ToLower(unquote(c.idCol)): true, strings.ToLower(unquote(c.geom)): true, "valid_from": true, "valid_to": true}
	if err := add(c.idCol, "TEXT"); err != nil {
		return false, false, err
	}
	for i := range c.cols {
		if err := add(c.cols[i], sqlType(c.Fields[i].Type)); err != nil {
			return false, false, err
		}
		known[strings.ToLower(unquote(c.cols[i]))] = true
	}
	for _, extra := range [][2]string{{colFrom, "DATETIME"}, {colTo, "DATETIME"}, {"nagar_rev", "INTEGER"}, {"nagar_hash", "INTEGER"}, {"nagar_cell", "INTEGER"}} {
		if err := add(extra[0], extra[1]); err != nil {
			return false, false, err
		}
	}
	for _, col := range cols {
		if known[strings.ToLower(col.name)] || col.pk || strings.HasPrefix(strings.ToLower(col.name), "nagar_") {
			continue
		}
		typ, ok := tx.fieldType(c.table, col)
		if !ok || len(c.Fields) >= 1000 {
			continue
		}
		c.Fields = append(c.Fields, catalog.Field{Name: freeField(c, col.name), Type: typ, Class: catalog.ClassRestricted})
		c.cols = append(c.cols, quote(col.name))
		changed = true
	}
	return changed, !ours, tx.completeHistory(c)
}

// completeHistory adds the columns of new fields to the table of past versions.
func (tx *writeTx) completeHistory(c *coll) error {
	name := unquote(c.history())
	cols, err := tx.columns(name)
	if err != nil || len(cols) == 0 {
		return err
	}
	have := map[string]bool{}
	for _, col := range cols {
		have[strings.ToLower(col.name)] = true
	}
	for i, col := range c.cols {
		if !have[strings.ToLower(unquote(col))] {
			if err := tx.once("ALTER TABLE " + c.history() + " ADD COLUMN " + col + " " + sqlType(c.Fields[i].Type)); err != nil {
				return err
			}
		}
	}
	return nil
}

// freeField is a field name after a column that no field has yet.
func freeField(c *coll, name string) string {
	field := name
	for i := 2; ; i++ {
		if _, taken := c.Field(field); !taken {
			return field
		}
		field = fmt.Sprintf("%s_%d", name, i)
	}
}

// geometryColumn sets c.geom to what the standard's table says of c's table.
func (tx *writeTx) geometryColumn(c *coll) error {
	name, err := tx.text("SELECT column_name FROM gpkg_geometry_columns WHERE lower(table_name)=lower(?1)", c.table)
	if err != nil {
		return err
	}
	switch {
	case name != "":
		c.geom = quote(name)
	case c.Geometry == catalog.GeometryNone:
		c.geom = ""
	}
	return nil
}

// fieldType is the field type for a column that another program made (GeoPackage
// table 1); blobs have none.
func (tx *writeTx) fieldType(table string, col column) (catalog.FieldType, bool) {
	typ, _, _ := strings.Cut(col.typ, "(")
	switch strings.TrimSpace(typ) {
	case "BOOLEAN":
		return catalog.TypeBoolean, true
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT":
		return catalog.TypeInteger, true
	case "FLOAT", "DOUBLE", "REAL", "NUMERIC":
		return catalog.TypeReal, true
	case "DATE":
		return catalog.TypeDate, true
	case "DATETIME", "TIMESTAMP":
		return catalog.TypeTime, true
	case "TEXT", "VARCHAR", "":
		return catalog.TypeText, true
	case "JSON":
		return catalog.TypeJSON, true
	}
	return "", false
}

// unquote undoes quote.
func unquote(name string) string {
	if len(name) < 2 || name[0] != '"' {
		return name
	}
	return strings.ReplaceAll(name[1:len(name)-1], `""`, `"`)
}

// stranger is a table of the file that is no collection yet.
type stranger struct {
	table, kind, title, about string
	srs                       int64
}

// strangers lists the tables that gpkg_contents has and no collection.
func (c *conn) strangers() ([]stranger, error) {
	var out []stranger
	err := c.query(`SELECT m.name, g.data_type, coalesce(g.identifier,''), coalesce(g.description,''), coalesce(g.srs_id,0) FROM gpkg_contents g
 JOIN sqlite_master m ON m.type='table' AND lower(m.name)=lower(g.table_name)
 WHERE g.data_type IN ('features','attributes') AND lower(g.table_name) NOT LIKE 'nagar\_%' ESCAPE '\'
 AND NOT EXISTS(SELECT 1 FROM nagar_collections k WHERE lower(k.tbl)=lower(g.table_name)) ORDER BY 1`, func(q *sqlite.Stmt) error {
		out = append(out, stranger{q.ColumnText(0), q.ColumnText(1), q.ColumnText(2), q.ColumnText(3), q.ColumnInt64(4)})
		return nil
	})
	return out, err
}

// why says why a stranger cannot become a collection, "" when it can.
func (x *stranger) why(cols []column) string {
	if x.kind == "features" && x.srs != srsWGS84 {
		return fmt.Sprintf("table %q was added by another program with the coordinate system %d, not 4326: load it with importer load", x.table, x.srs)
	}
	for _, col := range cols {
		if col.pk && col.typ == "INTEGER" {
			return ""
		}
	}
	return fmt.Sprintf("table %q was added by another program without an integer primary key", x.table)
}

// adoptAll makes collections of the tables that other programs added.
func (tx *writeTx) adoptAll() error {
	list, err := tx.strangers()
	if err != nil {
		return err
	}
	for i := range list {
		cols, err := tx.columns(list[i].table)
		if err != nil {
			return err
		}
		if list[i].why(cols) != "" {
			continue // Check tells of it
		}
		if err := tx.adopt(&list[i], cols); err != nil {
			return fmt.Errorf("table %s: %w", list[i].table, err)
		}
	}
	return nil
}

// adopt makes one table a collection: internal, its fields restricted, until its
// owner classifies them.
func (tx *writeTx) adopt(x *stranger, cols []column) error {
	c := &coll{table: x.table, idCol: "nagar_id"}
	c.Collection = catalog.Collection{Name: tx.collectionName(x.table), Class: catalog.ClassInternal, Geometry: catalog.GeometryNone, Source: "added to the file by another program"}
	if x.title != "" {
		c.Title = catalog.Words{"en": x.title}
	}
	if x.about != "" {
		c.Description = catalog.Words{"en": x.about}
	}
	if x.kind == "features" {
		c.Geometry = catalog.GeometryAny
	}
	for _, col := range cols {
		if strings.EqualFold(col.name, "id") && !col.pk && (strings.HasPrefix(col.typ, "TEXT") || strings.HasPrefix(col.typ, "VARCHAR")) {
			c.idCol = quote(col.name)
		}
	}
	var err error
	if c.num, err = tx.int64("SELECT coalesce(max(num),0)+1 FROM nagar_collections"); err != nil {
		return err
	}
	if _, _, err := tx.complete(c, cols); err != nil {
		return err
	}
	c.build()
	if err := tx.furnish(c); err != nil {
		return err
	}
	if err := tx.once("CREATE INDEX IF NOT EXISTS nagar_id_" + fmt.Sprint(c.num) + " ON " + quote(c.table) + "(" + c.idCol + ")"); err != nil {
		return err
	}
	if err := tx.exec("INSERT OR REPLACE INTO nagar_journal(collection,fid,op,at) SELECT ?1,rowid,?2,"+journalNow+" FROM "+quote(c.table), c.Name, opNewTable); err != nil {
		return err
	}
	return tx.describe(c)
}

// collectionName is a free collection name after a table's.
func (tx *writeTx) collectionName(table string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(table) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	base := strings.TrimRight(b.String(), "_")
	if len(base) > 40 {
		base = base[:40]
	}
	probe := catalog.Collection{Name: base, Geometry: catalog.GeometryAny}
	if probe.Validate() != nil {
		base = "layer_" + base
		base = strings.TrimRight(base, "_")
	}
	name := base
	for i := 2; tx.schema.byName[name] != nil; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	return name
}
