package shp

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/geo"
	"nagar/internal/format"
)

// shpFile writes shapes (contents of records) as a .shp.
func shpFile(kind uint32, shapes ...[]byte) []byte {
	b := make([]byte, 100)
	binary.BigEndian.PutUint32(b, 9994)
	binary.LittleEndian.PutUint32(b[28:], 1000)
	binary.LittleEndian.PutUint32(b[32:], kind)
	for i, s := range shapes {
		b = binary.BigEndian.AppendUint32(b, uint32(i+1))
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)/2))
		b = append(b, s...)
	}
	binary.BigEndian.PutUint32(b[24:], uint32(len(b)/2))
	return b
}

func floats(b []byte, v ...float64) []byte {
	for _, f := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	}
	return b
}

func ints(v ...uint32) (b []byte) {
	for _, n := range v {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

// poly is a PolyLine (3) or Polygon (5), with heights when z is given.
func poly(kind uint32, z []float64, parts ...[]float64) []byte {
	b := floats(ints(kind), 0, 0, 0, 0)
	n := uint32(0)
	var starts []uint32
	for _, p := range parts {
		starts = append(starts, n)
		n += uint32(len(p) / 2)
	}
	b = append(b, ints(append([]uint32{uint32(len(parts)), n}, starts...)...)...)
	for _, p := range parts {
		b = floats(b, p...)
	}
	if z != nil {
		b = floats(floats(b, 0, 0), z...)
	}
	return b
}

// dbfFile writes a table; a field is name, kind, width, decimals.
func dbfFile(driver byte, fields []dbfField, rows ...string) []byte {
	width := 1
	for _, f := range fields {
		width += f.width
	}
	b := make([]byte, 32)
	b[0], b[29] = 3, driver
	binary.LittleEndian.PutUint32(b[4:], uint32(len(rows)))
	binary.LittleEndian.PutUint16(b[8:], uint16(33+32*len(fields)))
	binary.LittleEndian.PutUint16(b[10:], uint16(width))
	for _, f := range fields {
		d := make([]byte, 32)
		copy(d, f.name)
		d[11], d[16], d[17] = f.kind, byte(f.width), byte(f.decimals)
		b = append(b, d...)
	}
	b = append(b, 0x0d)
	for _, r := range rows {
		b = append(b, r...)
	}
	return append(b, 0x1a)
}

func write(t testing.TB, parts map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range parts {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "x.shp")
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
	s := string(format.AppendWKT(nil, &r.Geometry))
	for _, f := range r.Fields {
		s += fmt.Sprintf("|%s=%v", f.Name, f.Value)
	}
	return s
}

var (
	outer  = []float64{0, 0, 0, 9, 9, 9, 9, 0, 0, 0} // clockwise
	hole   = []float64{1, 1, 2, 1, 2, 2, 1, 1}       // counter-clockwise
	island = []float64{20, 20, 20, 21, 21, 21, 20, 20}
)

func TestShapes(t *testing.T) {
	tests := []struct {
		name  string
		shape []byte
		want  string
	}{
		{"null", ints(0), ""},
		{"point", floats(ints(1), 1, 2), "POINT (1 2)"},
		{"point Z", floats(ints(11), 1, 2, 3, 4), "POINT Z (1 2 3)"},
		{"point M", floats(ints(21), 1, 2, 3), "POINT (1 2)"},
		{"points", floats(append(floats(ints(8), 0, 0, 0, 0), ints(2)...), 1, 2, 3, 4), "MULTIPOINT (1 2, 3 4)"},
		{"line", poly(3, nil, []float64{0, 0, 1, 1}), "LINESTRING (0 0, 1 1)"},
		{"line Z", poly(13, []float64{5, 6}, []float64{0, 0, 1, 1}), "LINESTRING Z (0 0 5, 1 1 6)"},
		{"lines", poly(3, nil, []float64{0, 0, 1, 1}, []float64{2, 2, 3, 3}), "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))"},
		{"hole before its ring", poly(5, nil, hole, outer), "POLYGON ((0 0, 0 9, 9 9, 9 0, 0 0), (1 1, 2 1, 2 2, 1 1))"},
		{"two polygons", poly(5, nil, outer, island, hole), "MULTIPOLYGON (((0 0, 0 9, 9 9, 9 0, 0 0), (1 1, 2 1, 2 2, 1 1)), ((20 20, 20 21, 21 21, 20 20)))"},
		{"one ring the wrong way", poly(5, nil, hole), "POLYGON ((1 1, 2 1, 2 2, 1 1))"},
		{"multipatch", ints(31), "rejected: a MultiPatch is no geometry that can be stored"},
		{"unknown", ints(99), "rejected: unknown shape type 99"},
		{"too short", poly(3, nil, []float64{0, 0, 1, 1})[:60], "rejected: the shape breaks off"},
		{"count too large", floats(append(floats(ints(8), 0, 0, 0, 0), ints(1<<31)...), 1, 2), "rejected: the shape breaks off"},
	}
	for _, tt := range tests {
		r, err := Open(write(t, map[string][]byte{"x.shp": shpFile(5, tt.shape)}), "")
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		recs, err := drain(r)
		if err != nil || len(recs) != 1 || show(recs[0]) != tt.want {
			t.Errorf("%s: %v %v", tt.name, recs, err)
			if len(recs) > 0 {
				t.Log(show(recs[0]))
			}
		}
		r.Close()
	}
}

var tableFields = []dbfField{{"NAME", 'C', 8, 0}, {"N", 'N', 6, 0}, {"R", 'N', 6, 2}, {"L", 'L', 1, 0}, {"D", 'D', 8, 0}, {"NAME", 'C', 2, 0}}

// row is one row of tableFields.
func row(flag byte, cells ...string) string {
	s := string(rune(flag))
	for i, c := range cells {
		s += c + strings.Repeat(" ", tableFields[i].width-len(c))
	}
	return s
}

func TestTable(t *testing.T) {
	three := shpFile(1, floats(ints(1), 1, 2), floats(ints(1), 3, 4), floats(ints(1), 5, 6), floats(ints(1), 7, 8))
	dbf := dbfFile(0x57, tableFields,
		row(' ', "caf\xe9", "    12", "  1.50", "T", "20240601", "ab"), row(' ', "", "", "******", "?", "00000000", ""),
		row('*', "gone", "1", "1", "T", "20240601", ""), row(' ', "bad", "x", "1", "T", "20240601", ""))
	path := write(t, map[string][]byte{"x.shp": three, "X.DBF": dbf, "x.prj": []byte("\xef\xbb\xbfPROJCS[...]\n")})
	r, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if info := r.Info(); info.CRS != "PROJCS[...]" || len(info.Columns) != 6 || info.Columns[2].Type != "real" || info.Columns[4].Type != "date" || len(info.Notes) != 0 {
		t.Errorf("%+v", info)
	}
	recs, err := drain(r)
	if err != nil || len(recs) != 3 {
		t.Fatalf("%v %v", recs, err)
	}
	for i, want := range []string{
		`POINT (1 2)|NAME=café|N=12|R=1.5|L=true|D="2024-06-01"|NAME_2=ab`,
		"POINT (3 4)|NAME=null|N=null|R=null|L=null|D=null|NAME_2=null",
		`rejected: N: "x" is not a finite number`,
	} {
		if show(recs[i]) != want {
			t.Errorf("%s\nwant %s", show(recs[i]), want)
		}
	}
}

func TestEncodings(t *testing.T) {
	one := shpFile(1, floats(ints(1), 1, 2))
	fields := []dbfField{{"A", 'C', 6, 0}}
	for _, tt := range []struct{ cpg, cell, want string }{
		{"UTF-8", "न   ", "न"}, {"", "न   ", "न"}, {"", "\xe9     ", "é"}, {"ISO-8859-1", "\xe9     ", "é"}, {"ANSI 1252", "\x80     ", "€"},
		{"88591", "\xe9     ", "é"}, {"1251", "\xc0     ", "А"}, {"850", "\x82     ", "é"},
	} {
		parts := map[string][]byte{"x.shp": one, "x.dbf": dbfFile(0, fields, " "+tt.cell)}
		if tt.cpg != "" {
			parts["x.cpg"] = []byte(tt.cpg + "\r\n")
		}
		r, err := Open(write(t, parts), "")
		if err != nil {
			t.Errorf("%s: %v", tt.cpg, err)
			continue
		}
		recs, err := drain(r)
		if err != nil || len(recs) != 1 || len(recs[0].Fields) != 1 || recs[0].Fields[0].Value.Str() != tt.want {
			t.Errorf("%s %q: %v %v", tt.cpg, tt.cell, recs, err)
		}
		r.Close()
	}
	if _, err := Open(write(t, map[string][]byte{"x.shp": one, "x.dbf": dbfFile(0, fields, " a     "), "x.cpg": []byte("klingon")}), ""); err == nil || !strings.Contains(err.Error(), "unknown encoding") {
		t.Errorf("%v", err)
	}
}

func TestZip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zip")
	pack := func(names ...string) {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		for _, n := range names {
			w, _ := z.Create(n)
			if strings.EqualFold(filepath.Ext(n), ".dbf") {
				w.Write(dbfFile(0, []dbfField{{"A", 'C', 1, 0}}, " z"))
			} else {
				w.Write(shpFile(1, floats(ints(1), 1, 2)))
			}
		}
		z.Close()
		f.Close()
	}
	pack("d/a.shp", "d/a.DBF", "__MACOSX/d/._a.shp")
	r, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if recs, err := drain(r); err != nil || len(recs) != 1 || !strings.HasPrefix(show(recs[0]), "POINT (1 2)") {
		t.Errorf("%v %v", recs, err)
	}
	r.Close()
	pack("a.shp", "b.shp")
	if _, err := Open(path, ""); err == nil || !strings.Contains(err.Error(), "name one with --layer") {
		t.Errorf("%v", err)
	}
	if r, err := Open(path, "b"); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
	pack("readme")
	if _, err := Open(path, ""); err == nil || !strings.Contains(err.Error(), "holds no .shp") {
		t.Errorf("%v", err)
	}
}

func TestEveryTruncationIsTold(t *testing.T) {
	shp := shpFile(5, poly(5, nil, outer, hole), floats(ints(1), 1, 2))
	dbf := dbfFile(0, tableFields[:1], " aaaaaaaa", " bbbbbbbb")
	check := func(what string, n int, parts map[string][]byte) {
		r, err := Open(write(t, parts), "")
		if err == nil {
			_, err = drain(r)
			r.Close()
		}
		var fe *format.Error
		if !errors.As(err, &fe) {
			t.Fatalf("%s cut at %d: %v", what, n, err)
		}
	}
	for n := range len(shp) {
		check(".shp", n, map[string][]byte{"x.shp": shp[:n], "x.dbf": dbf})
	}
	for n := range len(dbf) - 1 {
		check(".dbf", n, map[string][]byte{"x.shp": shp, "x.dbf": dbf[:n]})
	}
}

func FuzzShape(f *testing.F) {
	f.Add(poly(5, nil, outer, hole, island))
	f.Add(poly(13, []float64{5, 6}, []float64{0, 0, 1, 1}))
	f.Add(floats(ints(11), 1, 2, 3, 4))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		if g, err := decodeShape(b); err == nil {
			c, _ := geo.Clean(&g)
			geo.Validate(&c)
		}
	})
}

func FuzzTable(f *testing.F) {
	f.Add(dbfFile(0x57, tableFields, row(' ', "caf\xe9", "12", "1.50", "T", "20240601", "ab")), "")
	f.Add(dbfFile(0, tableFields[:1], " aaaaaaaa"), "UTF-8")
	f.Fuzz(func(t *testing.T, b []byte, cpg string) {
		tb, err := newTable(io.NopCloser(strings.NewReader(string(b))), cpg)
		if err != nil {
			return
		}
		for range 100 {
			var rec format.Record
			if _, err := tb.row(&rec); err != nil {
				return
			}
		}
	})
}
