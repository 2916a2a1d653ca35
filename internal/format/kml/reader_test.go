package kml

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/internal/format"
)

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

func read(text string) ([]format.Record, error) {
	t, err := format.NewText(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	r, err := New(t)
	if err != nil {
		return nil, err
	}
	return drain(r)
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

func doc(placemarks string) string {
	return `<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>D</name><Folder>` + placemarks + `</Folder></Document></kml>`
}

func TestPlacemarks(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"padded", "<Placemark id=' a '><name>\n  F/N\n </name><Point><coordinates>\n 72.8,19.1,0 \n</coordinates></Point></Placemark>", "a|POINT (72.8 19.1)|name=F/N"},
		{"absolute altitude", "<Placemark><Point><altitudeMode>absolute</altitudeMode><coordinates>72.8,19.1,12.5</coordinates></Point></Placemark>", "|POINT Z (72.8 19.1 12.5)"},
		{"relative altitude", "<Placemark><Point><altitudeMode>relativeToGround</altitudeMode><coordinates>72.8,19.1,12.5</coordinates></Point></Placemark>", "|POINT (72.8 19.1)"},
		{"schema data", "<Placemark><ExtendedData><SchemaData schemaUrl='#s'><SimpleData name='A'>\n 1\n</SimpleData><SimpleData name='B'/></SchemaData><Data name='C'><displayName>see</displayName><value>x &amp; y&nbsp;z</value></Data></ExtendedData></Placemark>", "||A=1|B=null|C=x & y\u00a0z"},
		{"polygon, inner first", "<Placemark><Polygon><innerBoundaryIs><LinearRing><coordinates>1,1 2,1 2,2 1,1</coordinates></LinearRing></innerBoundaryIs><outerBoundaryIs><LinearRing><coordinates>0,0 9,0 9,9 0,0</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>", "|POLYGON ((0 0, 9 0, 9 9, 0 0), (1 1, 2 1, 2 2, 1 1))"},
		{"multi of one kind", "<Placemark><MultiGeometry><Point><coordinates>1,2</coordinates></Point><Point><coordinates>3,4</coordinates></Point></MultiGeometry></Placemark>", "|MULTIPOINT (1 2, 3 4)"},
		{"mixed", "<Placemark><MultiGeometry><Point><coordinates>1,2</coordinates></Point><LineString><coordinates>3,4 5,6</coordinates></LineString></MultiGeometry></Placemark>", "|GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (3 4, 5 6))"},
		{"track", "<Placemark xmlns:gx='g'><gx:Track><when>2020-01-01</when><gx:coord>1 2 3</gx:coord><gx:coord>4 5 6</gx:coord></gx:Track></Placemark>", "|LINESTRING (1 2, 4 5)"},
		{"time", "<Placemark><TimeStamp><when>2024-06-01T00:00:00Z</when></TimeStamp></Placemark>", "||when=2024-06-01T00:00:00Z"},
		{"the same name twice", "<Placemark><name>A</name><ExtendedData><Data name='name'><value>B</value></Data></ExtendedData></Placemark>", "||name=A|name_2=B"},
		{"bad coordinates", "<Placemark><Point><coordinates>72.8;19</coordinates></Point></Placemark>", `rejected: coordinates: position 1 is "72.8;19", not lon,lat or lon,lat,alt`},
		{"not finite", "<Placemark><Point><coordinates>NaN,19</coordinates></Point></Placemark>", `rejected: coordinates: position 1: "NaN" is not a finite number`},
		{"two places", "<Placemark><Point><coordinates>1,2 3,4</coordinates></Point></Placemark>", "rejected: a Point has more than one position"},
		{"model", "<Placemark><Model><Location/></Model></Placemark>", "rejected: a 3D model is no geometry that can be stored"},
	}
	for _, tt := range tests {
		recs, err := read(doc(tt.in + "<Placemark><name>next</name></Placemark>"))
		if err != nil || len(recs) != 2 || show(recs[0]) != tt.want {
			t.Errorf("%s: %v %v", tt.name, err, recs)
			if len(recs) > 0 {
				t.Log(show(recs[0]))
			}
		}
	}
}

func TestEveryTruncationIsTold(t *testing.T) {
	whole := doc("<Placemark><name>a</name><Point><coordinates>1,2</coordinates></Point></Placemark>")
	for n := range len(whole) - 1 {
		_, err := read(whole[:n])
		var fe *format.Error
		if !errors.As(err, &fe) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

func TestBroken(t *testing.T) {
	for text, want := range map[string]string{
		"<html/>":            "root element is html",
		"plain":              "",
		"<kml><a></b></kml>": "element <a> closed by </b>",
		doc(strings.Repeat("<Placemark><Polygon>", 1) + strings.Repeat("<innerBoundaryIs>", 100_000)): "nested over 64 deep",
	} {
		_, err := read(text)
		var fe *format.Error
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestOtherEncoding(t *testing.T) {
	recs, err := read("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><kml><Placemark><name>caf\xe9</name></Placemark></kml>")
	if err != nil || len(recs) != 1 || show(recs[0]) != "||name=café" {
		t.Errorf("%v %v", recs, err)
	}
}

func TestKMZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.kmz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, _ := z.Create("doc.kml")
	w.Write([]byte(doc("<Placemark><name>a</name></Placemark>")))
	z.Close()
	f.Close()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if recs, err := drain(r); err != nil || len(recs) != 1 {
		t.Errorf("%v %v", recs, err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(doc("<Placemark id='a'><name>x</name><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 9,0 9,9 0,0</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"))
	f.Add(doc("<Placemark><MultiGeometry><Point><altitudeMode>absolute</altitudeMode><coordinates>1,2,3</coordinates></Point></MultiGeometry></Placemark>"))
	f.Fuzz(func(t *testing.T, text string) {
		_, err := read(text)
		var fe *format.Error
		if err != nil && !errors.As(err, &fe) {
			t.Fatalf("error without a place: %v", err)
		}
	})
}
