package ingest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"nagar/city"
	"nagar/internal/ingest"
)

// benchFile writes n small footprints as GeoJSONSeq.
func benchFile(b *testing.B, n int) string {
	path := filepath.Join(b.TempDir(), "buildings.geojsonl")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		x, y := 72.8+float64(i%1000)*1e-4, 19+float64(i/1000)*1e-4
		fmt.Fprintf(f, `{"type":"Feature","id":%d,"properties":{"height_m":%.1f,"floors":%d,"use":"apartments","ward":"K/W","year":1974},"geometry":{"type":"Polygon","coordinates":[[[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f],[%.7f,%.7f]]]}}`+"\n",
			i, float64(i%500)/10, i%40, x, y, x+5e-5, y+1e-5, x+4e-5, y+6e-5, x-1e-5, y+5e-5, x, y)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkLoad is everything before the store, for 50,000 features a round.
func BenchmarkLoad(b *testing.B) {
	const n = 50_000
	path := os.Getenv("LOAD_FILE")
	if path == "" {
		path = benchFile(b, n)
	}
	profile, err := city.Load("")
	if err != nil {
		b.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(st.Size())
	b.ReportAllocs()
	for b.Loop() {
		m := newMemory()
		m.discard = true
		sum, err := ingest.Load(context.Background(), m, profile, ingest.Options{Collection: "buildings", From: path})
		if err != nil || sum.Rejected > 0 {
			b.Fatal(sum, err)
		}
	}
}
