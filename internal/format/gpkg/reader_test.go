package gpkg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"nagar/geo"
	"nagar/internal/format"
)

func create(t testing.TB, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.gpkg")
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, script, nil); err != nil {
		t.Fatal(err)
	}
	return path
}

const geopackage = `
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, organization_coordsys_id INTEGER, definition TEXT, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, '', ''), ('UTM', 32643, 'EPSG', 32643, '', ''), ('none', 0, 'NONE', 0, 'undefined', '');
CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT);
CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER, z INTEGER, m INTEGER);
INSERT INTO gpkg_contents VALUES ('trees', 'features'), ('notes', 'attributes'), ('tiles', 'tiles');
INSERT INTO gpkg_geometry_columns VALUES ('trees', 'geom', 'POINT', 32643, 0, 0);
CREATE TABLE trees (fid INTEGER PRIMARY KEY, geom BLOB, name TEXT, height REAL, alive BOOLEAN, planted DATE, n MEDIUMINT, photo BLOB, odd);
CREATE TABLE notes ("id" TEXT, "note ""x""" TEXT);
INSERT INTO notes VALUES ('k1', 'hello');
`

func hexPoint(x, y float64) string {
	g := geo.NewPoint(x, y)
	b := append([]byte{'G', 'P', 0, 1, 0xb3, 0x7f, 0, 0}, geo.AppendWKB(nil, &g, geo.ISO)...)
	return fmt.Sprintf("x'%x'", b)
}

func drain(r *Reader) (out []format.Record, err error) {
	for {
		c, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		for i := range c.Len() {
			var rec format.Record
			c.Decode(i, &rec)
			if rec.Fatal {
				return out, rec.Err
			}
			out = append(out, rec)
		}
	}
}

func show(r format.Record) string {
	if r.Err != nil {
		return "rejected: " + r.Err.Error()
	}
	s := r.ID + "|" + string(format.AppendWKT(nil, &r.Geometry))
	for _, f := range r.Fields {
		s += fmt.Sprintf("|%s=%v", f.Name, f.Value)
	}
	return s
}

func TestGeoPackage(t *testing.T) {
	path := create(t, geopackage+`INSERT INTO trees VALUES (7, `+hexPoint(1, 2)+`, 'नीम', 1.5, 1, '2020-01-02', 9007199254740993, x'00', 'x'), (8, NULL, NULL, NULL, 0, NULL, NULL, NULL, 3), (9, x'4750', 'bad', 1, 1, NULL, 1, NULL, NULL);`)
	if _, err := Open(path, ""); err == nil || !strings.Contains(err.Error(), "2 layers (notes, trees): name one with --layer") {
		t.Errorf("%v", err)
	}
	if _, err := Open(path, "bushes"); err == nil || !strings.Contains(err.Error(), `no layer "bushes"; it has notes, trees`) {
		t.Errorf("%v", err)
	}
	r, err := Open(path, "trees")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if info := r.Info(); info.CRS != "EPSG:32643" || info.Geometry != "point" || len(info.Columns) != 6 || info.Columns[4].Type != "integer" || info.Columns[2].Type != "boolean" {
		t.Errorf("%+v", info)
	}
	recs, err := drain(r)
	if err != nil || len(recs) != 3 {
		t.Fatalf("%v %v", recs, err)
	}
	for i, want := range []string{
		"7|POINT (1 2)|name=नीम|height=1.5|alive=true|planted=2020-01-02|n=9007199254740993|odd=x",
		"8||name=null|height=null|alive=false|planted=null|n=null|odd=3",
		"rejected: geometry: not a GeoPackage geometry",
	} {
		if show(recs[i]) != want {
			t.Errorf("%q, want %q", show(recs[i]), want)
		}
	}
	n, err := Open(path, "notes")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if recs, err := drain(n); err != nil || len(recs) != 1 || show(recs[0]) != `k1||note "x"=hello` {
		t.Errorf("%v %v", recs, err)
	}
}

// spatiaLiteBlob writes g as SpatiaLite does.
func spatiaLiteBlob(g *geo.Geometry, order binary.AppendByteOrder) []byte {
	b := []byte{0, 1}
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b[1] = 0
	}
	b = order.AppendUint32(b, 4326)
	b = append(b, make([]byte, 32)...)
	b = append(b, 0x7c)
	return append(appendEntity(b, g, order), 0xfe)
}

func appendEntity(b []byte, g *geo.Geometry, order binary.AppendByteOrder) []byte {
	class := uint32(g.Type)
	if g.HasZ {
		class += 1000
	}
	b = order.AppendUint32(b, class)
	floats := func(c []float64) {
		for _, v := range c {
			b = order.AppendUint64(b, math.Float64bits(v))
		}
	}
	part := func(t geo.Type, from, to int) geo.Geometry {
		m := geo.Geometry{Type: t, HasZ: g.HasZ}
		for i := from; i < to; i++ {
			m.Coords = append(m.Coords, g.Line(i)...)
			m.Ends = append(m.Ends, int32(m.NumPositions()))
		}
		return m
	}
	var members []geo.Geometry
	s := g.Stride()
	switch g.Type {
	case geo.Point:
		floats(g.Coords)
		return b
	case geo.LineString:
		b = order.AppendUint32(b, uint32(g.NumPositions()))
		floats(g.Coords)
		return b
	case geo.Polygon:
		b = order.AppendUint32(b, uint32(len(g.Ends)))
		for i := range g.Ends {
			b = order.AppendUint32(b, uint32(len(g.Line(i))/s))
			floats(g.Line(i))
		}
		return b
	case geo.MultiPoint:
		for i := 0; i < len(g.Coords); i += s {
			members = append(members, geo.Geometry{Type: geo.Point, HasZ: g.HasZ, Coords: g.Coords[i : i+s]})
		}
	case geo.MultiLineString:
		for i := range g.Ends {
			members = append(members, part(geo.LineString, i, i+1))
		}
	case geo.MultiPolygon:
		for p := range g.Polys {
			from, to := g.PolygonRings(p)
			members = append(members, part(geo.Polygon, from, to))
		}
	default:
		members = g.Geoms
	}
	b = order.AppendUint32(b, uint32(len(members)))
	for i := range members {
		b = appendEntity(append(b, 0x69), &members[i], order)
	}
	return b
}

func samples() []geo.Geometry {
	return []geo.Geometry{
		geo.NewPoint(72.8, 19), geo.NewLineString([]float64{0, 0, 1, 1}),
		{Type: geo.Point, HasZ: true, Coords: []float64{1, 2, 3}},
		geo.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 0}, []float64{1, 1, 2, 1, 2, 2, 1, 1}),
		{Type: geo.MultiPoint, HasZ: true, Coords: []float64{1, 2, 3, 4, 5, 6}},
		{Type: geo.MultiLineString, Coords: []float64{0, 0, 1, 1, 5, 5, 6, 6}, Ends: []int32{2, 4}},
		{Type: geo.MultiPolygon, Coords: []float64{0, 0, 1, 0, 1, 1, 0, 0, 5, 5, 6, 5, 6, 6, 5, 5}, Ends: []int32{4, 8}, Polys: []int32{1, 2}},
		{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(1, 2), geo.NewLineString([]float64{0, 0, 1, 1})}},
	}
}

func TestSpatiaLiteBlobs(t *testing.T) {
	for _, g := range samples() {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			b := spatiaLiteBlob(&g, order)
			got, err := decodeSpatiaLite(b)
			if err != nil || !got.Equal(&g) {
				t.Errorf("%v: %+v %v", g.Type, got, err)
			}
			for n := range b {
				if _, err := decodeSpatiaLite(b[:n]); err == nil {
					t.Fatalf("%v cut to %d of %d was read", g.Type, n, len(b))
				}
			}
		}
	}
}

func TestSpatiaLiteAndGDALFiles(t *testing.T) {
	g := geo.NewPoint(1, 2)
	for name, script := range map[string]string{
		"SpatiaLite 4": fmt.Sprintf(`CREATE TABLE geometry_columns (f_table_name TEXT, f_geometry_column TEXT, geometry_type INTEGER, coord_dimension INTEGER, srid INTEGER, spatial_index_enabled INTEGER);
			CREATE TABLE spatial_ref_sys (srid INTEGER PRIMARY KEY, auth_name TEXT, auth_srid INTEGER, srtext TEXT);
			INSERT INTO geometry_columns VALUES ('t', 'g', 1, 2, 28992, 0); INSERT INTO spatial_ref_sys VALUES (28992, 'epsg', 28992, '');
			CREATE TABLE t (pk INTEGER PRIMARY KEY, g BLOB, a TEXT); INSERT INTO t VALUES (5, x'%x', 'z');`, spatiaLiteBlob(&g, binary.LittleEndian)),
		"GDAL": fmt.Sprintf(`CREATE TABLE geometry_columns (f_table_name VARCHAR, f_geometry_column VARCHAR, geometry_type INTEGER, coord_dimension INTEGER, srid INTEGER, geometry_format VARCHAR);
			CREATE TABLE spatial_ref_sys (srid INTEGER UNIQUE, auth_name TEXT, auth_srid TEXT, srtext TEXT);
			INSERT INTO geometry_columns VALUES ('t', 'g', 1, 2, 28992, 'WKB'); INSERT INTO spatial_ref_sys VALUES (28992, 'EPSG', '28992', '');
			CREATE TABLE t (ogc_fid INTEGER PRIMARY KEY, g BLOB, a VARCHAR); INSERT INTO t VALUES (5, x'%x', 'z');`, geo.AppendWKB(nil, &g, geo.ISO)),
	} {
		r, err := Open(create(t, script), "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		recs, err := drain(r)
		if err != nil || len(recs) != 1 || show(recs[0]) != "5|POINT (1 2)|a=z" || r.Info().CRS != "EPSG:28992" || r.Info().Geometry != "point" {
			t.Errorf("%s: %v %v %+v", name, recs, err, r.Info())
		}
		r.Close()
	}
}

// TestBrokenFiles cuts a file in many places: it is refused, or breaks off with the
// file's error, and nothing panics.
func TestBrokenFiles(t *testing.T) {
	path := create(t, geopackage+`INSERT INTO trees SELECT value, `+hexPoint(1, 2)+`, hex(randomblob(400)), 1, 1, NULL, 1, NULL, NULL FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30]');`)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n += 1009 {
		cut := filepath.Join(t.TempDir(), "cut.gpkg")
		if err := os.WriteFile(cut, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(cut, "trees")
		var recs []format.Record
		if err == nil {
			recs, err = drain(r)
			r.Close()
		}
		var fe *format.Error
		if err == nil && len(recs) < 30 || err != nil && !errors.As(err, &fe) {
			t.Errorf("cut at %d of %d: %d records, %v", n, len(whole), len(recs), err)
		}
	}
	empty := create(t, "CREATE TABLE x (a)")
	if _, err := Open(empty, ""); err == nil || !strings.Contains(err.Error(), "holds no layer") {
		t.Errorf("%v", err)
	}
}

func FuzzBlobs(f *testing.F) {
	for _, g := range samples() {
		f.Add(spatiaLiteBlob(&g, binary.LittleEndian))
		f.Add(append([]byte{'G', 'P', 0, 1, 0, 0, 0, 0}, geo.AppendWKB(nil, &g, geo.ISO)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if g, err := decodeSpatiaLite(b); err == nil {
			geo.Validate(&g)
		}
		if g, err := decodeGeoPackage(b); err == nil {
			geo.Validate(&g)
		}
	})
}
