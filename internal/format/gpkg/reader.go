// Package gpkg reads the layers of SQLite files: GeoPackage (OGC 12-128r19),
// SpatiaLite, and GDAL's own SQLite flavour. Any program's file will do, not only
// a Nagar store.
package gpkg

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/format"
)

// column is one column of the layer's table.
type column struct {
	name     string
	declared string
	key      bool // the integer primary key
}

// layer is one table and how its geometry is kept.
type layer struct {
	table    string
	geometry string // column, "" for none
	kind     string // declared geometry type
	encoding string // gpkg, spatialite, wkb, wkt
	crs      string
}

// Reader reads one layer. It implements format.Decoder.
type Reader struct {
	conn   *sqlite.Conn
	stmt   *sqlite.Stmt
	layer  layer
	cols   []column
	decode func([]byte) (geo.Geometry, error)
	info   format.Info
	id     int // column that identifies a row, -1 for none

	size, rows int64
	index      int64
	done       bool
	position   atomic.Int64
}

// Open opens the layer of that name, or the only one for "".
func Open(path, name string) (*Reader, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() == 0 {
		return nil, format.Errorf(0, "the file is empty")
	}
	if err := magic(path); err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return nil, sqliteError(err)
	}
	r := &Reader{conn: conn, size: st.Size(), id: -1}
	if err := r.open(name); err != nil {
		conn.Close()
		return nil, err
	}
	return r, nil
}

func magic(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 16)
	if n, _ := io.ReadFull(f, head); string(head[:n]) != "SQLite format 3\x00" {
		return format.Errorf(0, "the file is no SQLite database, and so no GeoPackage")
	}
	return nil
}

// sqliteError is what SQLite says of a broken file, as the file's error.
func sqliteError(err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultIOErr, sqlite.ResultError, sqlite.ResultCantOpen:
		return format.Errorf(-1, "SQLite: %v", err)
	}
	return err
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (r *Reader) open(name string) error {
	l, err := r.choose(name)
	if err != nil {
		return err
	}
	r.layer = l
	if err := r.readColumns(); err != nil {
		return err
	}
	switch l.encoding {
	case "gpkg":
		r.decode = decodeGeoPackage
	case "spatialite":
		r.decode = decodeSpatiaLite
	case "wkt":
		r.decode = func(b []byte) (geo.Geometry, error) { return format.ParseWKT(string(b)) }
	default:
		r.decode = geo.DecodeWKB
	}
	r.info.CRS = l.crs
	r.info.Geometry = declaredKind(l)
	if err := r.query("SELECT count(*) FROM "+quote(l.table), func(s *sqlite.Stmt) { r.rows = s.ColumnInt64(0) }); err != nil {
		return err
	}
	names := make([]string, len(r.cols))
	for i, c := range r.cols {
		names[i] = quote(c.name)
	}
	r.stmt, _, err = r.conn.PrepareTransient("SELECT " + strings.Join(names, ", ") + " FROM " + quote(l.table))
	if err != nil {
		return sqliteError(err)
	}
	return nil
}

func declaredKind(l layer) catalog.GeometryKind {
	kind := strings.ToUpper(l.kind)
	switch {
	case l.geometry == "":
		return catalog.GeometryNone
	case strings.HasSuffix(kind, "POINT"):
		return catalog.GeometryPoint
	case strings.HasSuffix(kind, "LINESTRING"):
		return catalog.GeometryLine
	case strings.HasSuffix(kind, "POLYGON"):
		return catalog.GeometryPolygon
	}
	return ""
}

// query runs fn on each row.
func (r *Reader) query(q string, fn func(*sqlite.Stmt)) error {
	stmt, _, err := r.conn.PrepareTransient(q)
	if err != nil {
		return sqliteError(err)
	}
	defer stmt.Finalize()
	for {
		row, err := stmt.Step()
		if err != nil {
			return sqliteError(err)
		}
		if !row {
			return nil
		}
		fn(stmt)
	}
}

func (r *Reader) readColumns() error {
	err := r.query("PRAGMA table_info("+quote(r.layer.table)+")", func(s *sqlite.Stmt) {
		declared := strings.ToUpper(s.ColumnText(2))
		r.cols = append(r.cols, column{s.ColumnText(1), declared, s.ColumnInt(5) > 0 && strings.HasPrefix(declared, "INT")})
	})
	if err != nil {
		return err
	}
	if len(r.cols) == 0 {
		return format.Errorf(-1, "the layer's table %q is not there", r.layer.table)
	}
	r.dropBookkeeping()
	for i, c := range r.cols {
		if c.name == "id" && !c.key {
			r.id = i
		}
	}
	for i, c := range r.cols {
		if c.key && r.id < 0 {
			r.id = i
		}
		if i == r.id {
			r.info.ID = c.name
		}
		if c.name == r.layer.geometry || c.key || i == r.id || isBlob(c.declared) {
			continue
		}
		r.info.Columns = append(r.info.Columns, format.Column{Name: c.name, Type: fieldType(c.declared)})
	}
	return nil
}

// dropBookkeeping leaves out the columns that a Nagar store keeps for itself.
func (r *Reader) dropBookkeeping() {
	own := false
	for _, c := range r.cols {
		own = own || c.name == "nagar_rev"
	}
	if !own {
		return
	}
	keep := r.cols[:0]
	for _, c := range r.cols {
		if !strings.HasPrefix(c.name, "nagar_") && c.name != "valid_from" && c.name != "valid_to" {
			keep = append(keep, c)
		}
	}
	r.cols = keep
}

func isBlob(declared string) bool { return strings.HasPrefix(declared, "BLOB") }

// fieldType maps a declared type; "" where only the values tell, as for times,
// which writers put down in many ways.
func fieldType(declared string) catalog.FieldType {
	base, _, _ := strings.Cut(declared, "(")
	switch strings.TrimSpace(base) {
	case "BOOLEAN", "INTEGER_BOOLEAN", "BOOL":
		return catalog.TypeBoolean
	case "INT", "INTEGER", "BIGINT", "MEDIUMINT", "SMALLINT", "TINYINT", "INT8", "INT2", "INTEGER_INT16":
		return catalog.TypeInteger
	case "REAL", "DOUBLE", "FLOAT", "DOUBLE PRECISION", "FLOAT_FLOAT32":
		return catalog.TypeReal
	case "TEXT", "VARCHAR", "CHAR", "CHARACTER", "CLOB", "NVARCHAR", "NCHAR":
		return catalog.TypeText
	}
	return ""
}

// Info tells the columns, their types and the CRS.
func (r *Reader) Info() format.Info { return r.info }

// Position is the file's size in proportion to the rows read.
func (r *Reader) Position() int64 { return r.position.Load() }

// Close closes the file.
func (r *Reader) Close() error {
	if r.stmt != nil {
		r.stmt.Finalize()
	}
	return r.conn.Close()
}

// Read returns the next rows.
func (r *Reader) Read() (format.Chunk, error) {
	var out format.Slice
	size := 0
	if r.done { // SQLite would begin again
		return nil, io.EOF
	}
	for len(out) < format.ChunkRecords && size < format.ChunkBytes {
		row, err := r.stmt.Step()
		if err != nil {
			r.done = true
			err = sqliteError(err)
			return append(out, format.Record{Index: r.index + 1, Err: fmt.Errorf("row %d: %w", r.index+1, err), Fatal: true}), nil
		}
		if !row {
			r.done = true
			break
		}
		r.index++
		rec, n := r.record()
		size += n
		out = append(out, rec)
	}
	if r.rows > 0 {
		r.position.Store(r.size * min(r.index, r.rows) / r.rows)
	}
	if len(out) == 0 {
		return nil, io.EOF
	}
	return out, nil
}

// record reads the row at the cursor; size is about how many bytes it has.
func (r *Reader) record() (rec format.Record, size int) {
	rec = format.Record{Index: r.index, Fields: make([]format.Field, 0, len(r.cols))}
	for i, c := range r.cols {
		size += r.stmt.ColumnLen(i)
		switch {
		case i == r.id:
			rec.ID = r.stmt.ColumnText(i)
			continue
		case c.name == r.layer.geometry:
			r.geometry(&rec, i)
			continue
		case c.key || isBlob(c.declared):
			continue
		}
		rec.Fields = append(rec.Fields, format.Field{Name: c.name, Value: r.value(i, c.declared)})
	}
	return rec, size
}

func (r *Reader) geometry(rec *format.Record, i int) {
	n := r.stmt.ColumnLen(i)
	if r.stmt.ColumnType(i) == sqlite.TypeNull || n == 0 {
		return
	}
	if n > format.MaxRecord {
		rec.Err = fmt.Errorf("the geometry is larger than %d MB", format.MaxRecord>>20)
		return
	}
	b := make([]byte, n)
	r.stmt.ColumnBytes(i, b)
	g, err := r.decode(b)
	if err != nil {
		rec.Err = fmt.Errorf("geometry: %w", err)
		return
	}
	rec.Geometry = g
}

func (r *Reader) value(i int, declared string) catalog.Value {
	switch r.stmt.ColumnType(i) {
	case sqlite.TypeInteger:
		if fieldType(declared) == catalog.TypeBoolean {
			return catalog.Boolean(r.stmt.ColumnInt64(i) != 0)
		}
		return catalog.Integer(r.stmt.ColumnInt64(i))
	case sqlite.TypeFloat:
		return catalog.Real(r.stmt.ColumnFloat(i))
	case sqlite.TypeText:
		return catalog.Text(r.stmt.ColumnText(i))
	}
	return catalog.Null
}
