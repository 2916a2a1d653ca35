package geojson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/format"
)

// drain reads everything, and returns the records and the error that ended it.
func drain(d format.Decoder) (out []format.Record, err error) {
	for {
		c, err := d.Read()
		if err != nil {
			return out, err
		}
		for i := range c.Len() {
			var r format.Record
			c.Decode(i, &r)
			if r.Fatal {
				return out, r.Err
			}
			out = append(out, r)
		}
		c.Release()
	}
}

func readText(text string, seq bool) ([]format.Record, error) {
	t, err := format.NewText(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	open := New
	if seq {
		open = NewSeq
	}
	r, err := open(t)
	if err != nil {
		return nil, err
	}
	recs, err := drain(r)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return recs, err
}

const pt = `{"type":"Feature","id":%d,"properties":{"a":"}]\"{"},"geometry":{"type":"Point","coordinates":[72.8,19]}}`

func f(i int) string { return fmt.Sprintf(pt, i) }

func TestFramings(t *testing.T) {
	tests := []struct {
		name, text string
		seq        bool
		ids        string
	}{
		{"collection", `{"type":"FeatureCollection","features":[` + f(1) + "," + f(2) + `]}`, false, "1 2"},
		{"members around", "\n\n{ \"x\" : [1,{}] , \"type\":\"FeatureCollection\", \"features\" : [ " + f(1) + " , " + f(2) + " ] , \"y\":null }\n", false, "1 2"},
		{"features before the type", `{"features":[` + f(1) + `],"type":"FeatureCollection"}`, false, "1"},
		{"no features", `{"type":"FeatureCollection","features":[]}`, false, ""},
		{"one feature", f(7), false, "7"},
		{"several objects", f(1) + "\n" + f(2) + f(3), false, "1 2 3"},
		{"pretty objects", strings.ReplaceAll(f(1), ",", ",\n") + "\n" + f(2), false, "1 2"},
		{"RS in a .geojson", "\x1e" + f(1) + "\n\x1e" + f(2) + "\n", false, "1 2"},
		{"byte order mark", "\xef\xbb\xbf" + f(1), false, "1"},
		{"lines", f(1) + "\n\n" + f(2) + "\r\n" + f(3), true, "1 2 3"},
		{"RS", "\x1e" + f(1) + "\n\x1e\x1e" + strings.ReplaceAll(f(2), ",", ",\n") + "\n", true, "1 2"},
	}
	for _, tt := range tests {
		recs, err := readText(tt.text, tt.seq)
		var ids []string
		for i, r := range recs {
			if r.Err != nil {
				t.Errorf("%s: record %d: %v", tt.name, i, r.Err)
			}
			if r.Index != int64(i+1) {
				t.Errorf("%s: record %d has index %d", tt.name, i, r.Index)
			}
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); err != nil || got != tt.ids {
			t.Errorf("%s: got %q, %v", tt.name, got, err)
		}
	}
}

func TestBrokenFiles(t *testing.T) {
	tests := []struct {
		name, text string
		seq        bool
		want       string
	}{
		{"empty", "", false, "byte 0: the file is empty"},
		{"space", " \n ", false, "byte 3: the file holds nothing but space"},
		{"html", "<html>", false, "byte 0: want a GeoJSON object, got '<'"},
		{"an array", "[1]", false, "byte 0: want a GeoJSON object, got '['"},
		{"other JSON", `{"a":1}`, false, "not GeoJSON: its object has no type"},
		{"TopoJSON", `{"type":"Topology","objects":{}}`, false, `not GeoJSON: its object is of type "Topology"`},
		{"no features", `{"type":"FeatureCollection"}`, false, "no array of features"},
		{"UTF-16", "\xff\xfe{\x00", false, "UTF-16"},
		{"wrong bracket", `{"type":"FeatureCollection","features":[{"type":"Feature"]}`, false, "byte 57: a bracket is closed by one of the other kind"},
		{"bytes after", `{"type":"FeatureCollection","features":[]} x`, false, "byte 43: want the end of the file, got 'x'"},
		{"no comma", `{"type":"FeatureCollection","features":[` + f(1) + f(2) + `]}`, false, "want ',' or ']' after a feature"},
		{"crs behind", `{"type":"FeatureCollection","features":[],"crs":{"type":"name","properties":{"name":"EPSG:32643"}}}`, false, "names another coordinate reference system"},
		{"cut line", f(1) + "\n" + f(2)[:30], true, "the file breaks off inside record 2"},
		{"not lines", "x,y\n1,2\n", true, "byte 0: want a GeoJSON feature a line, got 'x'"},
	}
	for _, tt := range tests {
		_, err := readText(tt.text, tt.seq)
		var fe *format.Error
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestEveryTruncationIsTold cuts a file at every byte: what was whole before the
// cut is read, and the break is told with its place.
func TestEveryTruncationIsTold(t *testing.T) {
	whole := `{"type":"FeatureCollection","crs":null,"features":[` + f(1) + "," + f(2) + `],"x":1}`
	for n := range len(whole) {
		recs, err := readText(whole[:n], false)
		var fe *format.Error
		if !errors.As(err, &fe) || fe.Offset < 0 || fe.Offset > int64(n) {
			t.Fatalf("cut at %d: %d records, %v", n, len(recs), err)
		}
	}
}

func TestBadFeatureIsThatRecordsFault(t *testing.T) {
	recs, err := readText(`{"type":"FeatureCollection","features":[`+f(1)+`,null,{"type":"Feature","geometry":{"type":"Point","coordinates":[NaN,1]}},17,`+f(2)+`]}`, false)
	if err != nil || len(recs) != 5 {
		t.Fatalf("%d records, %v", len(recs), err)
	}
	for i, want := range []bool{false, true, true, true, false} {
		if (recs[i].Err != nil) != want {
			t.Errorf("record %d: %v", i+1, recs[i].Err)
		}
	}
}

func TestLegacyCRS(t *testing.T) {
	for name, want := range map[string]string{
		"urn:ogc:def:crs:OGC:1.3:CRS84": "", "EPSG:4326": "", "urn:ogc:def:crs:EPSG::32643": "EPSG:32643",
		"http://www.opengis.net/def/crs/EPSG/0/7415": "EPSG:7415", "epsg:3857": "EPSG:3857",
	} {
		tx, _ := format.NewText(strings.NewReader(`{"crs":{"properties":{"name":"` + name + `"},"type":"name"},"type":"FeatureCollection","features":[]}`))
		r, err := New(tx)
		if err != nil || r.Info().CRS != want {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	if _, err := readText(`{"crs":{"type":"name","properties":{"name":"mine"}},"type":"FeatureCollection","features":[]}`, false); err == nil {
		t.Error("an unknown crs was taken for lon/lat")
	}
}

// pattern is an endless text, for files larger than memory should hold.
type pattern struct {
	head, body, tail string
	n                int
	at               int
}

func (p *pattern) Read(b []byte) (int, error) {
	for n := 0; ; {
		rest := ""
		switch total := len(p.head) + p.n*len(p.body); {
		case p.at < len(p.head):
			rest = p.head[p.at:]
		case p.at < total:
			rest = p.body[(p.at-len(p.head))%len(p.body):]
		case p.at < total+len(p.tail):
			rest = p.tail[p.at-total:]
		default:
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		c := copy(b[n:], rest)
		n += c
		p.at += c
		if n == len(b) {
			return n, nil
		}
	}
}

func TestHugeRecordIsRejectedAlone(t *testing.T) {
	huge := &pattern{head: f(1) + "\n" + `{"type":"Feature","geometry":null,"properties":{"blob":"`, body: strings.Repeat("x", 1000), n: 100_000, tail: `"}}` + "\n" + f(2) + "\n"}
	tx, err := format.NewText(huge)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewSeq(tx)
	if err != nil {
		t.Fatal(err)
	}
	recs, err := drain(r)
	if !errors.Is(err, io.EOF) || len(recs) != 3 || recs[1].Err == nil || recs[0].Err != nil || recs[2].ID != "2" {
		t.Fatalf("%d records, %v", len(recs), err)
	}
	if got := recs[1].Err.Error(); got != "the record is larger than 64 MB" || len(recs[1].Raw) > rejectHead {
		t.Errorf("%s, %d bytes kept", got, len(recs[1].Raw))
	}
}

func TestGzip(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(`{"type":"FeatureCollection","features":[` + f(1) + `]}`))
	z.Close()
	path := filepath.Join(t.TempDir(), "x.geojson") // told by its bytes, not its name
	for _, cut := range []int{0, 8, b.Len() / 2} {
		if err := os.WriteFile(path, b.Bytes()[:b.Len()-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path)
		var recs []format.Record
		if err == nil {
			recs, err = drain(r)
			r.Close()
		}
		var fe *format.Error
		if cut == 0 && (!errors.Is(err, io.EOF) || len(recs) != 1) || cut > 0 && !errors.As(err, &fe) {
			t.Errorf("cut %d: %d records, %v", cut, len(recs), err)
		}
	}
}

func TestWriterReadsBack(t *testing.T) {
	fs := []catalog.Feature{
		{ID: "a \"1\"", Geometry: geo.Geometry{Type: geo.Point, HasZ: true, Coords: []float64{72.87069684271017, 19.1, -0.30000000000000004}},
			Props: catalog.Properties{{Name: "n", Value: catalog.Integer(9007199254740993)}, {Name: "मराठी", Value: catalog.Text("नगर\n")}, {Name: "j", Value: catalog.JSON(`{"x":[1]}`)}, {Name: "none", Value: catalog.Null}}},
		{ID: "b"},
	}
	for _, seq := range []bool{false, true} {
		for n := range 3 {
			var b bytes.Buffer
			w := NewWriter(&b, seq)
			for i := range fs[:n] {
				if err := w.Write(&fs[i]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if seq && n == 0 {
				continue
			}
			recs, err := readText(b.String(), seq)
			if err != nil || len(recs) != n {
				t.Fatalf("%s: %v", b.String(), err)
			}
			for i, r := range recs {
				if r.ID != fs[i].ID || !r.Geometry.Equal(&fs[i].Geometry) {
					t.Errorf("read back %+v", r)
				}
				for _, fd := range r.Fields {
					if fd.Value != fs[i].Props.Get(fd.Name) {
						t.Errorf("%s: %v", fd.Name, fd.Value)
					}
				}
			}
		}
	}
}

func FuzzReader(fz *testing.F) {
	fz.Add(`{"type":"FeatureCollection","features":[`+f(1)+","+f(2)+`],"x":1}`, false)
	fz.Add("\x1e"+f(1)+"\n\x1e"+f(2)+"\n", true)
	fz.Add(f(1)+"\n"+f(2), true)
	fz.Fuzz(func(t *testing.T, text string, seq bool) {
		recs, err := readText(text, seq)
		var fe *format.Error
		if err != nil && !errors.As(err, &fe) {
			t.Fatalf("error without a place: %v", err)
		}
		for i, r := range recs {
			if r.Index != int64(i+1) {
				t.Fatalf("record %d has index %d", i+1, r.Index)
			}
		}
	})
}
