package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/format"
)

func read(text string, o Options) ([]format.Record, *Reader, error) {
	t, err := format.NewText(strings.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	r, err := New(t, o)
	if err != nil {
		return nil, nil, err
	}
	var out []format.Record
	for {
		c, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, r, nil
		}
		if err != nil {
			return out, r, err
		}
		for i := range c.Len() {
			var rec format.Record
			c.Decode(i, &rec)
			if rec.Fatal {
				return out, r, rec.Err
			}
			out = append(out, rec)
		}
	}
}

// show writes a record in one line.
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

func TestReader(t *testing.T) {
	tests := []struct {
		name, text string
		o          Options
		want       []string
	}{
		{"lon lat", "name,lat,lon\nA,19.1,72.8\n", Options{}, []string{"|POINT (72.8 19.1)|name=A"}},
		{"other names, other case", "Longitude,LATITUDE,n\n72.8,19.1,1\n", Options{}, []string{"|POINT (72.8 19.1)|n=1"}},
		{"semicolons and id", "id;x;y;t\n7;1;2;a,b\n", Options{}, []string{"7|POINT (1 2)|t=a,b"}},
		{"tabs", "lon\tlat\ta\n1\t2\tz\n", Options{}, []string{"|POINT (1 2)|a=z"}},
		{"bars, quotes with line ends", "lon|lat|a\n1|2|\"x|\"\"y\"\"\nz\"\n", Options{}, []string{"|POINT (1 2)|a=x|\"y\"\nz"}},
		{"byte order mark, CRLF", "\xef\xbb\xbflon,lat,a\r\n1,2,z\r\n", Options{}, []string{"|POINT (1 2)|a=z"}},
		{"WKT", "a,WKT\n1,\"LINESTRING (0 0, 1 1)\"\n2,\n", Options{}, []string{"|LINESTRING (0 0, 1 1)|a=1", "||a=2"}},
		{"WKT or else lon lat", "lon,lat,wkt\n1,2,\n,,POINT (3 4)\n", Options{}, []string{"|POINT (1 2)", "|POINT (3 4)"}},
		{"named columns", "a,b,lon,lat\n1,2,3,4\n", Options{Lon: "a", Lat: "b"}, []string{"|POINT (1 2)|lon=3|lat=4"}},
		{"no geometry", "a,b\n1,\n", Options{}, []string{"||a=1|b=null"}},
		{"DIGIPIN", "a,DIGIPIN\n1,39J-49L-L8T4\n2,\n3,39j49ll8t4\n4,39J-49L\n", Options{}, []string{
			"|POINT (77.21304893493652 28.622793197631836)|a=1|DIGIPIN=39J-49L-L8T4", "||a=2|DIGIPIN=null", "|POINT (77.21304893493652 28.622793197631836)|a=3|DIGIPIN=39j49ll8t4",
			`rejected: DIGIPIN: "39J-49L" is no whole DIGIPIN: it has 6 characters of 10`}},
		{"lon lat or else DIGIPIN", "lon,lat,digipin\n1,2,39J-49L-L8T4\n,,39J-49L-L8T4\n", Options{}, []string{"|POINT (1 2)|digipin=39J-49L-L8T4", "|POINT (77.21304893493652 28.622793197631836)|digipin=39J-49L-L8T4"}},
		{"empty place", "a,lon,lat\n1,,\n", Options{}, []string{"||a=1"}},
		{"column names", "a,,a\n1,2,3\n", Options{}, []string{"||a=1|column_2=2|a_2=3"}},
		{"bad rows alone", "lon,lat,a\nx,2,z\n1,2\n1,NaN,z\n1,2,\"a\"b\n1,2,ok\n1,2,\xff\n", Options{}, []string{
			`rejected: lon: "x" is not a finite number`, "rejected: the row has 2 cells, the header 3", `rejected: lat: "NaN" is not a finite number`,
			"rejected: extraneous or missing \" in quoted-field", "|POINT (1 2)|a=ok", "rejected: a: text is not UTF-8"}},
		{"bad WKT", "wkt\nPOINT (1)\n", Options{}, nil},
	}
	for _, tt := range tests {
		recs, _, err := read(tt.text, tt.o)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if tt.want == nil {
			if len(recs) != 1 || recs[0].Err == nil {
				t.Errorf("%s: %v", tt.name, recs)
			}
			continue
		}
		for i, want := range tt.want {
			if i >= len(recs) || show(recs[i]) != want {
				t.Errorf("%s: record %d of %d: %q, want %q", tt.name, i+1, len(recs), show(recs[i]), want)
			}
		}
	}
}

func TestLines(t *testing.T) {
	recs, _, err := read("lon,lat,a\n1,2,\"x\ny\"\n3,4,z\n", Options{})
	if err != nil || len(recs) != 2 || recs[0].Line != 2 || recs[1].Line != 4 || recs[1].Index != 2 {
		t.Errorf("%+v %v", recs, err)
	}
}

func TestBroken(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "the file is empty",
		"lon,lat\n1,2\n3,\"4\n5,6\n": "breaks off inside the quotes that open in line 3",
		`{"a":1}`:                    "not CSV: its header begins with '{'",
		"a,b\n\x00":                  "not text",
		"\xff\xfea\x00":              "UTF-16",
		"a\xff,b\n1,2\n":             "the header is not UTF-8",
		"\"a,b\n":                    "",
	} {
		_, _, err := read(text, Options{})
		var fe *format.Error
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, err := read("a,b\n1,2\n", Options{Lon: "x", Lat: "y"}); err == nil || !strings.Contains(err.Error(), `no column "x"`) {
		t.Errorf("%v", err)
	}
}

func TestOpenQuoteDoesNotFillTheMemory(t *testing.T) {
	in := io.MultiReader(strings.NewReader("a,b\n1,\""), io.LimitReader(endless{}, 3*format.MaxRecord))
	tx, err := format.NewText(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(tx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	var rec format.Record
	c.Decode(0, &rec)
	if !rec.Fatal || !strings.Contains(rec.Err.Error(), "is a quote left open?") {
		t.Errorf("%v", rec.Err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
		if i%1000 == 0 {
			b[i] = '\n'
		}
	}
	return len(b), nil
}

func TestGzipped(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte("lon,lat\n1,2\n"))
	z.Close()
	recs, _, err := read(b.String(), Options{})
	if err != nil || len(recs) != 1 {
		t.Errorf("%v %v", recs, err)
	}
}

func TestWriter(t *testing.T) {
	c := catalog.Collection{Name: "a", Geometry: catalog.GeometryPoint, Fields: []catalog.Field{{Name: "n", Type: catalog.TypeText}, {Name: "secret", Type: catalog.TypeText, Class: catalog.ClassPersonal}, {Name: "d", Type: catalog.TypeDate}}}
	var b strings.Builder
	w, err := NewWriter(&b, &c, catalog.Public)
	if err != nil {
		t.Fatal(err)
	}
	f := catalog.Feature{ID: "1", Geometry: geo.NewPoint(72.8, 19), Props: catalog.Properties{{Name: "n", Value: catalog.Text("a,\"b\"\n")}, {Name: "secret", Value: catalog.Text("x")}}}
	if err := w.Write(&f); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil || b.String() != "id,lon,lat,wkt,n,d\n1,72.8,19,,\"a,\"\"b\"\"\n\",\n" {
		t.Errorf("%q %v", b.String(), err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add("lon;lat;a\n1;2;\"x\"\n")
	f.Add("wkt,a\n\"POLYGON((0 0,1 0,1 1,0 0))\",\"\"\"\"\n")
	f.Add("\"a\nb\"\tlon\tlat\n1\t2\t3")
	f.Fuzz(func(t *testing.T, text string) {
		_, _, err := read(text, Options{})
		var fe *format.Error
		if err != nil && !errors.As(err, &fe) {
			t.Fatalf("error without a place: %v", err)
		}
	})
}
