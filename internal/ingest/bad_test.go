package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/internal/ingest"
)

// TestBadFiles: what cannot be read as its format is an error that names the file,
// the place and the reason, and changes nothing.
func TestBadFiles(t *testing.T) {
	tests := []struct {
		name, file, text string
		offset           int64
		want             string
	}{
		{"truncated", "x.geojson", `{"type":"FeatureCollection","features":[` + strings.TrimSpace(point("1", "")) + `,{"ty`, 0, "breaks off"},
		{"empty", "x.geojson", "", 0, "the file is empty"},
		{"empty sequence", "x.geojsonl", "", 0, "the file is empty"},
		{"empty CSV", "x.csv", "", 0, "the file is empty"},
		{"CSV named .geojson", "x.geojson", "lon,lat\n1,2\n", 0, "it looks like csv: give --format csv"},
		{"GeoJSON named .csv", "x.csv", point("1", ""), 0, "it looks like geojson: give --format geojson"},
		{"GeoJSON named .kml", "x.kml", point("1", ""), 0, "it looks like geojson: give --format geojson"},
		{"XML that is no KML", "x.kml", "<html><body/></html>", 0, "not KML: its root element is html"},
		{"text named .gpkg", "x.gpkg", "lon,lat\n1,2\n", 0, "no SQLite database"},
		{"text named .shp", "x.shp", "lon,lat\n1,2\n", 0, "no shapefile"},
		{"no format", "x.dwg", "AC1015", -1, "give --format"},
		{"other JSON", "x.json", `{"a":[1,2]}`, 0, "not GeoJSON"},
		{"binary named .csv", "x.csv", "a,b\x00\x01", 3, "not text"},
		{"long field name", "x.geojsonl", point("1", `"`+strings.Repeat("n", 300)+`":1`), -1, "300 bytes long"},
	}
	for _, tt := range tests {
		m := newMemory()
		path := file(t, tt.file, tt.text)
		sum, err := load(t, m, ingest.Options{Collection: "a", From: path, Atomic: true})
		var fe *ingest.FileError
		if !errors.As(err, &fe) || fe.File != path || !strings.Contains(fe.Reason, tt.want) || tt.offset > 0 && fe.Offset != tt.offset || tt.offset < 0 && fe.Offset != -1 {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if len(m.collections) > 0 || sum.Read > 0 || strings.Contains(fmt.Sprint(err), "\n") {
			t.Errorf("%s: %+v", tt.name, sum)
		}
	}
	_, err := load(t, newMemory(), ingest.Options{Collection: "a", From: filepath.Join(t.TempDir(), "none.geojson")})
	var fe *ingest.FileError
	if !errors.As(err, &fe) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestNoFeatures(t *testing.T) {
	m := newMemory()
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojson", `{"type":"FeatureCollection","features":[]}`)})
	if sum.Read != 0 || len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], "no features") {
		t.Errorf("%+v", sum)
	}
}

func TestWrongCommandLines(t *testing.T) {
	path := file(t, "x.geojsonl", point("1", ""))
	for name, o := range map[string]ingest.Options{
		"collection": {Collection: "Not A Name", From: path}, "mode": {Collection: "a", From: path, Mode: "merge"},
		"format": {Collection: "a", From: path, Format: "dwg"}, "crs": {Collection: "a", From: path, CRS: "EPSG:999999"},
		"nothing": {Collection: "a"}, "reserved": {Collection: "gpkg_x", From: path},
	} {
		m := newMemory()
		if _, err := load(t, m, o); !ingest.IsUsage(err) || len(m.collections) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBadFeatures: each is rejected alone, with its reason.
func TestBadFeatures(t *testing.T) {
	at := func(c string) string {
		return `{"type":"Feature","id":1,"geometry":{"type":"Point","coordinates":` + c + `},"properties":{}}` + "\n"
	}
	tests := []struct{ name, line, want string }{
		{"NaN", at(`[NaN,19]`), "want a number, got NaN"},
		{"infinite", at(`[1e999,19]`), "beyond the range of numbers"},
		{"text", at(`["72",19]`), "got a string"},
		{"metres", at(`[273000.5,2106000.1]`), "name their coordinate reference system with --crs (local data is often in EPSG:32643)"},
		{"wrong type", point("1", `"floors":"many"`), "properties.floors: want integer, got text many"},
		{"fraction for an integer", point("1", `"floors":1.5`), "want integer, got real 1.5"},
		{"object for a number", point("1", `"height_m":{"v":1}`), "want real, got json"},
		{"NUL in text", point("1", `"name":"a\u0000b"`), "NUL"},
		{"half a surrogate", point("1", `"name":"\ud800"`), "half a surrogate pair"},
		{"not JSON", "{nope}\n", "want a member name"},
		{"not a feature", `{"type":"Topology"}` + "\n", `want "Feature", got "Topology"`},
		{"the same name twice", point("1", `"name":"a","name":"b"`), "the record has it twice"},
		{"id too long", point(`"`+strings.Repeat("x", 300)+`"`, ""), "an id is 1 to 200 bytes"},
		{"wrong geometry", `{"type":"Feature","id":1,"geometry":{"type":"LineString","coordinates":[[72,19],[73,19]]},"properties":{}}` + "\n", "sensors holds point geometries, not LineString"},
	}
	for _, tt := range tests {
		m := newMemory()
		m.Define(context.Background(), catalog.Collection{Name: "sensors", Geometry: catalog.GeometryPoint, Fields: []catalog.Field{
			{Name: "floors", Type: catalog.TypeInteger}, {Name: "height_m", Type: catalog.TypeReal}, {Name: "name", Type: catalog.TypeText}}})
		rej := filepath.Join(t.TempDir(), "rejects")
		sum := mustLoad(t, m, ingest.Options{Collection: "sensors", From: file(t, "x.geojsonl", tt.line+point(`"good"`, "")), Rejects: rej})
		if sum.Rejected != 1 || sum.Loaded != 1 {
			t.Errorf("%s: %s", tt.name, counts(sum))
			continue
		}
		r := rejected(t, rej)
		if len(r) != 1 || !strings.Contains(r[0].Reason, tt.want) || r[0].Properties["line"] != 1.0 {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

func TestSwappedCoordinatesAreWarnedOf(t *testing.T) {
	m := newMemory()
	var body strings.Builder
	for i := range 10 {
		fmt.Fprintf(&body, `{"type":"Feature","id":%d,"geometry":{"type":"Point","coordinates":[19.0%d,72.85]},"properties":{}}`+"\n", i, i)
	}
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", body.String())})
	if sum.Loaded != 10 || len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], "longitude and latitude swapped") {
		t.Errorf("%+v", sum)
	}
}

func TestMillionCornerPolygon(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"type":"Feature","id":"big","properties":{"name":"coast"},"geometry":{"type":"Polygon","coordinates":[[`)
	const n = 1_000_000
	for i := range n / 2 {
		fmt.Fprintf(&b, "[%.7f,%.7f],", 72.8+float64(i)*2e-7, 19.0+float64(i%2)*1e-5)
	}
	for i := n/2 - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "[%.7f,%.7f],", 72.8+float64(i)*2e-7, 19.1+float64(i%2)*1e-5)
	}
	b.WriteString("[72.8,19]]]}}\n")
	m := newMemory()
	start := time.Now()
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", b.String()+point("2", ""))})
	f := m.features["a"]["big"]
	if sum.Loaded != 2 || f.Geometry.NumPositions() != n+1 {
		t.Errorf("%s, %d positions", counts(sum), f.Geometry.NumPositions())
	}
	t.Logf("%d MB in %v", b.Len()>>20, time.Since(start))
}

func TestHugeAttributeIsRejectedAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.geojsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(point("1", "") + `{"type":"Feature","id":2,"geometry":null,"properties":{"blob":"`)
	block := []byte(strings.Repeat("x", 1<<20))
	for range 100 {
		f.Write(block)
	}
	f.WriteString(`"}}` + "\n" + point("3", ""))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	rej := filepath.Join(t.TempDir(), "rejects")
	sum := mustLoad(t, newMemory(), ingest.Options{Collection: "a", From: path, Rejects: rej})
	if r := rejected(t, rej); sum.Loaded != 2 || len(r) != 1 || !strings.Contains(r[0].Reason, "larger than 64 MB") {
		t.Errorf("%s %+v", counts(sum), r)
	}
}

func TestDatabaseGoneMidLoad(t *testing.T) {
	m := newMemory()
	m.failAfter, m.failure = 2, errGone
	var body strings.Builder
	for i := range 50 {
		body.WriteString(point(fmt.Sprint(i), ""))
	}
	sum, err := load(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", body.String()), BatchSize: 10})
	if !errors.Is(err, catalog.ErrUnavailable) || sum.Loaded != 20 || sum.Batches != 2 || len(m.features["a"]) != 20 || sum.Error == "" {
		t.Errorf("%+v %v", sum, err)
	}
}

func TestRejectsFileOnAFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full on this system")
	}
	_, err := load(t, newMemory(), ingest.Options{Collection: "a", From: file(t, "x.geojsonl", "{nope}\n"), Rejects: "/dev/full"})
	if err == nil || !strings.Contains(err.Error(), "rejects file") || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v", err)
	}
}

func TestStoreRefusesOneOfABatch(t *testing.T) {
	m := newMemory()
	var body strings.Builder
	for i := range 20 {
		name := "fine"
		if i == 13 {
			name = "refused by the store"
		}
		body.WriteString(point(fmt.Sprint(i), fmt.Sprintf(`"name":%q`, name)))
	}
	rej := filepath.Join(t.TempDir(), "rejects")
	sum := mustLoad(t, m, ingest.Options{Collection: "a", From: file(t, "x.geojsonl", body.String()), Rejects: rej})
	if r := rejected(t, rej); sum.Loaded != 19 || sum.Rejected != 1 || len(r) != 1 || r[0].ID != "13" {
		t.Errorf("%+v %+v", sum, r)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	sum, err := ingest.Load(ctx, newMemory(), mumbai(t), ingest.Options{Collection: "a", From: file(t, "x.geojsonl", point("1", ""))})
	if !errors.Is(err, context.Canceled) || sum.Loaded > 0 {
		t.Errorf("%+v %v", sum, err)
	}
}
