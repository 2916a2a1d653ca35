package geojson

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"nagar/geo"
)

func TestFeature(t *testing.T) {
	tests := []struct {
		name, in string
		id       string
		want     string // geometry as written again
		props    string
	}{
		{"members in any order", `{"properties":{"a":1,"b":"x"},"geometry":{"coordinates":[72.8,19],"type":"Point"},"id":"n/1","type":"Feature"}`, "n/1", `{"type":"Point","coordinates":[72.8,19]}`, "a=1 b=\"x\""},
		{"null id and geometry", `{"type":"Feature","id":null,"geometry":null,"properties":null}`, "", "null", ""},
		{"nothing but a type", ` {"type" : "Feature"} `, "", "null", ""},
		{"integral float id", `{"type":"Feature","id":202061691.0,"geometry":null}`, "202061691", "null", ""},
		{"exact large id", `{"type":"Feature","id":9223372036854775807,"geometry":null}`, "9223372036854775807", "null", ""},
		{"fractional id", `{"type":"Feature","id":1.50,"geometry":null}`, "1.50", "null", ""},
		{"escaped names", `{"\u0074ype":"Feature","properties":{"n\u0061me":"\ud83d\ude00"}}`, "", "null", `name="\ud83d\ude00"`},
		{"Z is kept", `{"type":"Feature","geometry":{"type":"LineString","coordinates":[[1,2,3.5],[4,5,-6]]}}`, "", `{"type":"LineString","coordinates":[[1,2,3.5],[4,5,-6]]}`, ""},
		{"space everywhere", "\n{ \"type\" : \"Feature\" , \"geometry\" : { \"type\" : \"Polygon\" , \"coordinates\" : [ [ [ 0 , 0 ] , [ 1 , 0 ] , [ 1 , 1 ] , [ 0 , 0 ] ] ] } }\r\n", "", `{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}`, ""},
		{"a bare geometry", `{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}`, "", `{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}`, ""},
		{"empty", `{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[]}}`, "", `{"type":"MultiPolygon","coordinates":[]}`, ""},
		{"collection", `{"type":"Feature","geometry":{"geometries":[{"type":"Point","coordinates":[1,2]},{"type":"GeometryCollection","geometries":[]}],"type":"GeometryCollection"}}`, "", `{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},{"type":"GeometryCollection","geometries":[]}]}`, ""},
		{"foreign members", `{"type":"Feature","bbox":[1,2,3,4],"x":{"y":[true,false,null,-1.5e-3]},"geometry":null}`, "", "null", ""},
	}
	for _, tt := range tests {
		f, err := DecodeFeature([]byte(tt.in))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if id, _ := f.IDText(); id != tt.id {
			t.Errorf("%s: id %q, want %q", tt.name, id, tt.id)
		}
		if got := string(AppendGeometry(nil, &f.Geometry)); got != tt.want {
			t.Errorf("%s: geometry %s, want %s", tt.name, got, tt.want)
		}
		var props []string
		for _, m := range f.Props {
			props = append(props, fmt.Sprintf("%s=%s", m.Name, m.Value))
		}
		if got := strings.Join(props, " "); got != tt.props {
			t.Errorf("%s: properties %s, want %s", tt.name, got, tt.props)
		}
	}
}

func TestLegacyCRSAndExtraOrdinatesAreReported(t *testing.T) {
	f, err := DecodeFeature([]byte(`{"type":"Feature","crs":{"type":"name","properties":{"name":"EPSG:32643"}},"geometry":{"type":"MultiPoint","coordinates":[[1,2,3,4],[5,6,7,8,9],[1,2,3]]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(f.CRS), "EPSG:32643") || f.Extra != 2 {
		t.Errorf("crs %s, %d positions with extra ordinates", f.CRS, f.Extra)
	}
	if got := fmt.Sprint(f.Geometry.Coords); got != "[1 2 3 5 6 7 1 2 3]" {
		t.Errorf("kept %s", got)
	}
}

func TestRefused(t *testing.T) {
	pt := func(c string) string { return `{"type":"Feature","geometry":{"type":"Point","coordinates":` + c + `}}` }
	tests := []struct{ name, in, want string }{
		{"NaN", pt(`[NaN,19]`), "geometry.coordinates[0]: want a number, got NaN at byte 60"},
		{"infinite", pt(`[72.8,-Infinity]`), "geometry.coordinates[1]"},
		{"too large", pt(`[1e999,19]`), "geometry.coordinates[0]: 1e999 is beyond the range of numbers"},
		{"text", pt(`["72.8",19]`), "geometry.coordinates[0]: want a number, got a string"},
		{"null ordinate", pt(`[72.8,null]`), "geometry.coordinates[1]: want a number, got null"},
		{"one ordinate", pt(`[72.8]`), "needs longitude and latitude, got 1 numbers"},
		{"leading zero", pt(`[072.8,19]`), "geometry.coordinates"},
		{"no fraction", pt(`[72.,19]`), "geometry.coordinates[0]"},
		{"plus", pt(`[+72,19]`), "geometry.coordinates[0]"},
		{"hex", pt(`[0x10,19]`), "geometry.coordinates"},
		{"trailing comma", pt(`[72,19,]`), "geometry.coordinates[2]"},
		{"too deep", pt(`[[72,19]]`), "geometry.coordinates[0]: want a number, got an array"},
		{"place in a ring", `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],["x",1],[0,0]]]}}`, "geometry.coordinates[0][2][0]: want a number, got a string"},
		{"mixed Z", `{"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0,1],[1,0]]}}`, "geometry.coordinates[1]: positions with and without Z"},
		{"unknown type", `{"type":"Feature","geometry":{"type":"Circle","coordinates":[0,0]}}`, `geometry.type: "Circle" is not a geometry type`},
		{"no type", `{"geometry":null}`, `no member "type"`},
		{"geometry without coordinates", `{"type":"Feature","geometry":{"type":"Point"}}`, `geometry: a Point has no member "coordinates"`},
		{"wrong type", `{"type":"Topology","geometry":null}`, `want "Feature", got "Topology"`},
		{"a collection", `{"type":"FeatureCollection","features":[]}`, "a FeatureCollection where one Feature"},
		{"geometry twice", `{"type":"Feature","geometry":null,"geometry":null}`, `member "geometry" is there twice`},
		{"id of the wrong type", `{"type":"Feature","id":{},"geometry":null}`, "id: want a string or number, got an object"},
		{"properties of the wrong type", `{"type":"Feature","properties":[1]}`, "properties: want an object or null, got an array"},
		{"control character", "{\"type\":\"Feature\",\"properties\":{\"a\":\"x\ny\"}}", "properties.a: control character 0x0a"},
		{"bad escape", `{"type":"Feature","properties":{"a":"\x"}}`, "bad escape"},
		{"not UTF-8", "{\"type\":\"Feature\",\"properties\":{\"a\":\"\xff\"}}", "text is not UTF-8"},
		{"bytes after", `{"type":"Feature"} {}`, "want the end, got an object at byte 19"},
		{"empty input", ``, "breaks off where a Feature object is expected"},
		{"deep", `{"type":"Feature","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, "nested over 200 deep"},
		{"deep collection", `{"type":"Feature","geometry":` + strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 60) + strings.Repeat("]}", 60) + `}`, "nested over 32 deep"},
	}
	for _, tt := range tests {
		_, err := DecodeFeature([]byte(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want …%s…", tt.name, err, tt.want)
		}
	}
}

const sample = `{"type":"Feature","id":"a","geometry":{"type":"Polygon","coordinates":[[[72.8,19.1,2e1],[72.9,19.1,0],[72.9,-19.25,3],[72.8,19.1,20]]]},"properties":{"a":"x\u0905","b":[1,{"c":null}],"d":true}}`

func TestEveryTruncationIsRefused(t *testing.T) {
	for n := range len(sample) {
		if _, err := DecodeFeature([]byte(sample[:n])); err == nil {
			t.Fatalf("read %q", sample[:n])
		}
	}
}

// TestNumbersReadAsStrconvDoes holds the shortcut for plain decimals to the
// correctly rounded result.
func TestNumbersReadAsStrconvDoes(t *testing.T) {
	rnd := seeded(t)
	check := func(text string) {
		want, err := strconv.ParseFloat(text, 64)
		s := scanner{b: []byte(text)}
		got, e := s.number()
		if (err == nil) != (e == nil) || err == nil && (math.Float64bits(got) != math.Float64bits(want) || s.i != len(text)) {
			t.Fatalf("%s: got %v %v, want %v %v", text, got, e, want, err)
		}
	}
	for _, text := range []string{"0", "-0", "-0.0", "0.1", "9007199254740993", "9007199254740992.0", "1e22", "1E+5", "1.7976931348623157e308", "5e-324", "4.9406564584124654e-324", "123456789012345678", "0.000000000000000001", "72.87069684271017"} {
		check(text)
	}
	for range 200_000 {
		switch rnd.IntN(3) {
		case 0:
			check(strconv.FormatFloat((rnd.Float64()-0.5)*360, 'f', rnd.IntN(20), 64))
		case 1:
			check(strconv.FormatFloat((rnd.Float64()-0.5)*360, 'f', -1, 64))
		default:
			check(strconv.FormatFloat(math.Float64frombits(rnd.Uint64()&^(1<<62)), 'e', rnd.IntN(18), 64))
		}
	}
}

// seeded returns a generator whose seed is logged, and repeated by SEED.
func seeded(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func randomGeometry(r *rand.Rand, depth int) geo.Geometry {
	g := geo.Geometry{Type: geo.Type(1 + r.IntN(7)), HasZ: r.IntN(2) == 0}
	positions := func(n int) {
		for range n * g.Stride() {
			v := (r.Float64() - 0.5) * 180
			if r.IntN(2) == 0 {
				v = math.Round(v*1e7) / 1e7
			}
			g.Coords = append(g.Coords, v)
		}
	}
	line := func() {
		positions(2 + r.IntN(5))
		g.Ends = append(g.Ends, int32(g.NumPositions()))
	}
	switch g.Type {
	case geo.Point:
		positions(1)
	case geo.LineString:
		line()
	case geo.MultiPoint:
		positions(1 + r.IntN(4))
	case geo.Polygon, geo.MultiLineString:
		for range 1 + r.IntN(3) {
			line()
		}
	case geo.MultiPolygon:
		for range 1 + r.IntN(3) {
			for range 1 + r.IntN(3) {
				line()
			}
			g.Polys = append(g.Polys, int32(len(g.Ends)))
		}
	case geo.GeometryCollection:
		g.HasZ = false
		for range r.IntN(4) {
			if depth < 3 {
				g.Geoms = append(g.Geoms, randomGeometry(r, depth+1))
			}
		}
	}
	return g
}

// TestRoundTripAndOracle writes random geometries, reads them back, and compares
// with encoding/json and simplefeatures.
func TestRoundTripAndOracle(t *testing.T) {
	r := seeded(t)
	for range 5000 {
		g := randomGeometry(r, 0)
		b := AppendGeometry(nil, &g)
		if !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
		got, _, err := DecodeGeometry(b)
		if err != nil || !got.Equal(&g) {
			t.Fatalf("%s read as %+v, %v", b, got, err)
		}
		if g.Type == geo.GeometryCollection {
			continue // simplefeatures forces one dimension on all its members
		}
		sf, err := geom.UnmarshalGeoJSON(b, geom.NoValidate{})
		if err != nil {
			t.Fatalf("simplefeatures refuses %s: %v", b, err)
		}
		own, err := geo.DecodeWKB(sf.AsBinary())
		if err != nil || !own.Equal(&g) {
			t.Fatalf("simplefeatures reads %s as %s", b, sf.AsText())
		}
	}
}

func FuzzDecodeFeature(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"coordinates":[[[[1,2],[3,4e-2]]]],"type":"MultiPolygon"}`))
	f.Add([]byte(`{"type":"Feature","geometry":{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[-0.0,1E2,3,4]}]},"id":7.0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ft, err := DecodeFeature(b)
		if err != nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("accepted what is no JSON")
		}
		out := AppendGeometry(nil, &ft.Geometry)
		g, _, err := DecodeGeometry(out)
		if err != nil {
			t.Fatalf("own output %s refused: %v", out, err)
		}
		if string(AppendGeometry(nil, &g)) != string(out) {
			t.Fatalf("%s is not stable", out)
		}
		for _, m := range ft.Props {
			if m.Value[0] == '"' {
				text, ok := Unquote(m.Value)
				var want string
				if err := json.Unmarshal(m.Value, &want); err != nil || ok && want != text {
					t.Fatalf("%s unquoted as %q", m.Value, text)
				}
			}
		}
	})
}

func BenchmarkDecodeFeature(b *testing.B) {
	in := []byte(`{"type":"Feature","id":"b-0000001","geometry":{"type":"Polygon","coordinates":[[[72.8512345,19.0512345],[72.8513345,19.0512345],[72.8513345,19.0513345],[72.8512345,19.0513345],[72.8512345,19.0512345]]]},"properties":{"uid":"7K3Q9-F2DXJ","height_m":12.5,"floors":4,"use":"residential","ward":"K/W","year":1987}}`)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	var d Decoder
	var f Feature
	for b.Loop() {
		if err := d.Feature(in, &f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendGeometry(b *testing.B) {
	g := geo.NewPolygon([]float64{72.8512345, 19.0512345, 72.8513345, 19.0512345, 72.8513345, 19.0513345, 72.8512345, 19.0513345, 72.8512345, 19.0512345})
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		out = AppendGeometry(out[:0], &g)
	}
}
