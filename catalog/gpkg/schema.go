package gpkg

import (
	"fmt"
	"strconv"
	"strings"

	"nagar/catalog"
)

// schema is what one snapshot of the file says of its collections. It is
// immutable; a change of it, by whatever process, shows in its stamp.
type schema struct {
	stamp  stamp
	byName map[string]*coll
	list   []*coll // by name

	foreign bool // the file has triggers that are not ours, such as an R-tree's
}

// stamp changes with every change of the schema: SQLite's own counter, which any
// program's DDL moves, and ours, which Define moves.
type stamp struct{ sqlite, defs int64 }

// coll is one collection: its description and how it lies in the file. The names
// of columns are kept quoted, ready for SQL.
type coll struct {
	catalog.Collection
	num    int64  // names the history table
	table  string // unquoted
	idCol  string // quoted: "id", or another name where an outside table had such a column already
	geom   string // quoted; "" when the table has no geometry column
	shapes int64  // which kinds of geometry have been stored: see content.shapes
	cols   []string
	index  map[string]int // field name to place

	indexed bool   // the table has its spatial index
	found   []bool // by place in Fields: the field's indexes are there
	unique  bool   // SQLite itself holds that no two rows have one id

	sql statements
}

// system columns, beside the identity and the geometry.
const (
	colFrom = `"valid_from"`
	colTo   = `"valid_to"`
)

// quote is name as an SQL identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal is s as an SQL string.
func literal(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

// sqlType is the declared type of a field's column (GeoPackage table 1). JSON is
// text that says so to those who look.
func sqlType(t catalog.FieldType) string {
	switch t {
	case catalog.TypeInteger:
		return "INTEGER"
	case catalog.TypeReal:
		return "REAL"
	case catalog.TypeBoolean:
		return "BOOLEAN"
	case catalog.TypeTime:
		return "DATETIME"
	case catalog.TypeDate:
		return "DATE"
	}
	return "TEXT"
}

// columnName is a name for a field's column that clashes with none taken
// (compared without case, as SQLite does), and records it as taken.
func columnName(field string, taken map[string]bool) string {
	base := field
	if strings.HasPrefix(strings.ToLower(base), "nagar_") {
		base = "f_" + base
	}
	name := base
	for i := 2; taken[strings.ToLower(name)]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	taken[strings.ToLower(name)] = true
	return name
}

// systemNames are the column names that no field gets.
func systemNames() map[string]bool {
	taken := map[string]bool{}
	for _, n := range []string{"fid", "ogc_fid", "rowid", "oid", "_rowid_", "id", "geom", "valid_from", "valid_to"} {
		taken[n] = true
	}
	return taken
}

// history is the quoted name of the collection's table of past versions.
func (c *coll) history() string { return quote("nagar_history_" + strconv.FormatInt(c.num, 10)) }

// statements are the SQL texts of a collection, built once per schema.
type statements struct {
	find, lastEnd, anyHistory         string
	insert, insertNew                 string
	update, updateInPlace             string
	remove                            string
	retire                            string
	current, currentByID, currentFids string
	past, pastByID                    string
	currentAtRev, pastFrom, pastTo    string
	oldAt, newAt                      string
}

// build fills in index and SQL texts.
func (c *coll) build() {
	c.index = make(map[string]int, len(c.Fields))
	for i := range c.Fields {
		c.index[c.Fields[i].Name] = i
	}
	t, h := quote(c.table), c.history()
	geom := c.geom
	if geom == "" {
		geom = "NULL"
	}
	fields := ""
	for _, col := range c.cols {
		fields += "," + col
	}
	q := &c.sql
	// What decodeRow reads, of a current and of a past version.
	row := "nagar_rev," + c.idCol + "," + geom + "," + colFrom + "," + colTo + fields
	hrow := "nagar_rev,nagar_id,nagar_geom," + colFrom + "," + colTo + fields
	q.find = "SELECT rowid,nagar_rev,nagar_hash," + colFrom + "," + colTo + ",nagar_cell FROM " + t + " WHERE " + c.idCol + "=?1 ORDER BY nagar_rev IS NULL, rowid LIMIT 1"
	q.lastEnd = "SELECT nagar_end FROM " + h + " WHERE nagar_id=?1 AND nagar_rev_to IS NOT NULL ORDER BY nagar_rev_to DESC LIMIT 1"
	q.anyHistory = "SELECT EXISTS(SELECT 1 FROM " + h + ")"

	set := c.writeColumns()
	marks := make([]string, len(set))
	assign := make([]string, len(set))
	for i, col := range set {
		marks[i] = "?" + strconv.Itoa(i+1)
		assign[i] = col + "=" + marks[i]
	}
	q.insert = "INSERT INTO " + t + "(" + strings.Join(set, ",") + ") VALUES(" + strings.Join(marks, ",") + ")"
	q.insertNew = strings.Replace(q.insert, "INSERT", "INSERT OR IGNORE", 1)
	// An update leaves the id alone, and the spatial key where it stays the same:
	// SQLite writes the entries of an index anew for every column that is set.
	q.update = "UPDATE " + t + " SET " + strings.Join(assign[1:], ",") + " WHERE rowid=?" + strconv.Itoa(len(set)+1)
	q.updateInPlace = strings.Replace(q.update, assign[cellPlace]+",", "", 1)
	q.remove = "DELETE FROM " + t + " WHERE rowid=?1"
	q.retire = "INSERT INTO " + h + "(" + c.copyInto() + ",nagar_rev_to,nagar_end) SELECT " + c.copyFrom() + ",?2,?3 FROM " + t + " WHERE rowid=?1"

	q.current = "SELECT rowid," + row + " FROM " + t + " WHERE nagar_rev IS NOT NULL"
	q.currentByID = q.current + " AND " + c.idCol + "=?1"
	q.currentFids = "SELECT rowid," + c.idCol + " FROM " + t + " WHERE nagar_rev IS NOT NULL AND rowid>?1 ORDER BY rowid LIMIT 2000"
	q.past = "SELECT nagar_hid," + hrow + ",nagar_rev_to,nagar_end FROM " + h + " WHERE nagar_rev_to IS NOT NULL"
	q.pastByID = q.past + " AND nagar_id=?1 ORDER BY nagar_rev, nagar_rev_to"
	q.currentAtRev = "SELECT rowid," + row + " FROM " + t + " WHERE nagar_rev=?1 ORDER BY rowid"
	pastCols := "SELECT nagar_hid," + hrow + " FROM " + h + " WHERE "
	q.pastFrom = pastCols + "nagar_rev=?1 AND nagar_rev_to IS NOT NULL ORDER BY nagar_hid"
	q.pastTo = pastCols + "nagar_rev_to=?1 AND NOT EXISTS(SELECT 1 FROM " + h + " n WHERE n.nagar_id=" + h + ".nagar_id AND n.nagar_rev=?1 AND n.nagar_rev_to IS NOT NULL)" +
		" AND NOT EXISTS(SELECT 1 FROM " + t + " n WHERE n." + c.idCol + "=" + h + ".nagar_id AND n.nagar_rev=?1) ORDER BY nagar_hid"
	q.oldAt = pastCols + "nagar_rev_to=?1 AND nagar_id=?2"
	q.newAt = pastCols + "nagar_rev=?1 AND nagar_id=?2 AND nagar_rev_to IS NOT NULL"
}

// cellPlace is the place of the spatial key among them.
const cellPlace = 1

// writeColumns are the columns that insert and update set, in the order in which
// bindRow binds them.
func (c *coll) writeColumns() []string {
	set := []string{c.idCol, "nagar_cell", colFrom, colTo, "nagar_rev", "nagar_hash"}
	if c.geom != "" {
		set = append(set, c.geom)
	}
	return append(set, c.cols...)
}

// copyInto and copyFrom are the columns of the history and of the table itself
// when a row goes from one to the other.
func (c *coll) copyInto() string {
	s := "nagar_fid,nagar_id," + colFrom + "," + colTo + ",nagar_rev,nagar_hash,nagar_cell"
	if c.geom != "" {
		s += ",nagar_geom"
	}
	return s + prefixed(",", c.cols)
}

func (c *coll) copyFrom() string {
	s := "rowid," + c.idCol + "," + colFrom + "," + colTo + `,"nagar_rev","nagar_hash","nagar_cell"`
	if c.geom != "" {
		s += "," + c.geom
	}
	return s + prefixed(",", c.cols)
}

func prefixed(sep string, names []string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString(sep)
		b.WriteString(n)
	}
	return b.String()
}

// createTable is the DDL of the collection's own table. The column of geometries
// is a GEOMETRY whatever is in it: gpkg_geometry_columns says more, and may change
// its mind, where a column's type would then contradict it, of which GDAL warns.
func (c *coll) createTable() string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + quote(c.table) + " (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL")
	if c.geom != "" {
		b.WriteString(", " + c.geom + " GEOMETRY")
	}
	b.WriteString(", " + c.idCol + " TEXT UNIQUE")
	for i, f := range c.Fields {
		b.WriteString(", " + c.cols[i] + " " + sqlType(f.Type))
	}
	b.WriteString(", " + colFrom + " DATETIME, " + colTo + " DATETIME, nagar_rev INTEGER, nagar_hash INTEGER, nagar_cell INTEGER)")
	return b.String()
}

// gpkgType is the geometry type that the file declares: the narrowest that what
// has been stored allows, since QGIS styles and edits by it.
func (c *coll) gpkgType() string {
	bit := func(n int) int64 { return 1 << n }
	if types := c.shapes &^ shapeZ; types != 0 {
		for n := 1; n <= 7; n++ {
			if types == bit(n) {
				return gpkgTypeNames[n]
			}
		}
		return "GEOMETRY"
	}
	switch c.Geometry {
	case catalog.GeometryPoint:
		return "POINT"
	case catalog.GeometryLine:
		return "LINESTRING"
	case catalog.GeometryPolygon:
		return "POLYGON"
	}
	return "GEOMETRY"
}

// gpkgZ is what gpkg_geometry_columns says of Z: 0 for none, 2 for some.
func (c *coll) gpkgZ() int64 {
	if c.shapes&shapeZ != 0 {
		return 2
	}
	return 0
}

// pendingIndex is the quoted name of the index on the versions that a drain waits for.
func (c *coll) pendingIndex() string {
	return quote("nagar_history_" + strconv.FormatInt(c.num, 10) + "_pending")
}

// createHistory is the DDL of the table of past versions and its indexes.
func (c *coll) createHistory() []string {
	h := c.history()
	var b strings.Builder
	b.WriteString("CREATE TABLE IF NOT EXISTS " + h + " (nagar_hid INTEGER PRIMARY KEY, nagar_fid INTEGER, nagar_rev INTEGER, nagar_rev_to INTEGER, nagar_end DATETIME, nagar_hash INTEGER, nagar_cell INTEGER, nagar_id TEXT, " +
		colFrom + " DATETIME, " + colTo + " DATETIME, nagar_geom BLOB")
	for i, f := range c.Fields {
		b.WriteString(", " + c.cols[i] + " " + sqlType(f.Type))
	}
	b.WriteString(")")
	index := func(suffix, on string) string {
		return "CREATE INDEX IF NOT EXISTS " + quote("nagar_history_"+strconv.FormatInt(c.num, 10)+"_"+suffix) + " ON " + h + on
	}
	return []string{
		b.String(),
		index("id", "(nagar_id)"),
		index("rev", "(nagar_rev)"),
		index("rev_to", "(nagar_rev_to,nagar_id)"),
		index("cell", "(nagar_cell)"),
		"CREATE INDEX IF NOT EXISTS " + c.pendingIndex() + " ON " + h + "(nagar_fid) WHERE nagar_rev_to IS NULL",
	}
}

// indexes are the DDL of the indexes of the collection's own table, all but the
// spatial one: that is made when a window is first asked for, since to sort a
// million keys then costs a second, and to keep them in order while a city is
// loaded costs three.
func (c *coll) indexes() []string {
	t, n := quote(c.table), strconv.FormatInt(c.num, 10)
	return []string{
		"CREATE INDEX IF NOT EXISTS nagar_rev_" + n + " ON " + t + "(nagar_rev)",
	}
}

// spatialIndex is the name and DDL of the index on the spatial key.
func (c *coll) spatialIndex() (name, ddl string) {
	name = "nagar_cell_" + strconv.FormatInt(c.num, 10)
	return name, "CREATE INDEX IF NOT EXISTS " + name + " ON " + quote(c.table) + "(nagar_cell)"
}

// fieldIndexes are the names and DDL of the two indexes on a field, of what is
// current and of what is past. As the spatial one they are made when first asked
// for, and kept from then on.
func (c *coll) fieldIndexes(place int) [2][2]string {
	name := fmt.Sprintf("nagar_field_%d_%d", c.num, place)
	ddl := func(name, table string) [2]string {
		return [2]string{name, "CREATE INDEX IF NOT EXISTS " + name + " ON " + table + "(" + c.cols[place] + ")"}
	}
	return [2][2]string{ddl(name, quote(c.table)), ddl(name+"_past", c.history())}
}

// journalNow is the instant of an outside write, as its trigger notes it.
const journalNow = "strftime('%Y-%m-%dT%H:%M:%fZ','now')"

// triggers are the names and DDL of the triggers that note what other programs do
// to the table. They are plain SQL, as those programs know none of our functions,
// and they rest while the store itself writes: nagar_state.own is 1 only inside
// its own transactions, where no one else can write.
//
// The first time a row is touched since the last drain its old content goes into
// the history as a pending version (nagar_rev_to NULL), and its fid into the
// journal. The triggers are BEFORE ones so that rows which INSERT OR REPLACE and
// UPDATE OR REPLACE remove without a delete trigger are kept too.
func (c *coll) triggers() [][2]string {
	t, h, n := quote(c.table), c.history(), strconv.FormatInt(c.num, 10)
	name := literal(c.Name)
	fresh := func(fid string) string {
		return "NOT EXISTS(SELECT 1 FROM nagar_journal j WHERE j.collection=" + name + " AND j.fid=" + fid + ")"
	}
	keepIf := func(isFeature, where, op string) string {
		return "INSERT INTO " + h + "(" + c.copyInto() + ") SELECT " + c.copyFrom() + " FROM " + t + " WHERE (" + where + ") AND " + isFeature + " AND " + fresh(t+".rowid") + "; " +
			"INSERT INTO nagar_journal(collection,fid,op,at) SELECT " + name + ",rowid,'" + op + "'," + journalNow + " FROM " + t + " WHERE (" + where + ") AND " + fresh(t+".rowid") + "; "
	}
	keep := func(where, op string) string { return keepIf(`"nagar_rev" IS NOT NULL`, where, op) }
	note := func(op string) string {
		return "INSERT INTO nagar_journal(collection,fid,op,at) SELECT " + name + ",NEW.rowid,'" + op + "'," + journalNow + " WHERE " + fresh("NEW.rowid") + "; "
	}
	trigger := func(kind, event, on, when, body string) [2]string {
		full := "nagar_" + kind + "_" + n
		return [2]string{full, "CREATE TRIGGER " + full + " " + event + " ON " + on + " WHEN (SELECT own FROM nagar_state)=0" + when + " BEGIN " + body + "END"}
	}
	return [][2]string{
		trigger("bi", "BEFORE INSERT", t, "", keep("rowid=NEW.rowid OR "+c.idCol+"=NEW."+c.idCol, "R")),
		trigger("ai", "AFTER INSERT", t, "", note("I")),
		trigger("bu", "BEFORE UPDATE", t, "", keep("rowid=OLD.rowid OR rowid=NEW.rowid OR "+c.idCol+"=NEW."+c.idCol, "U")+note("U")),
		trigger("bd", "BEFORE DELETE", t, "", keep("rowid=OLD.rowid", "D")),
		// Whoever drops the table by the standard's rules (ogr2ogr -overwrite,
		// QGIS) takes it out of gpkg_contents first: the last moment to keep what
		// it held. In a table made anew by another program our columns are missing;
		// SQLite then takes their quoted names for texts (unless it was built not
		// to), so that the statement that deletes from gpkg_contents still compiles.
		trigger("gd", "BEFORE DELETE", "gpkg_contents", " AND lower(OLD.table_name)="+literal(strings.ToLower(c.table)), keepIf(`typeof("nagar_rev")='integer'`, "1", "D")),
	}
}

// describe wraps an error with the collection it concerns.
func (c *coll) describe(err error) error { return fmt.Errorf("collection %s: %w", c.Name, err) }
