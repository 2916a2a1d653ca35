package geo

import (
	"bytes"
	"testing"
)

func sampleGeometries() []Geometry {
	return []Geometry{
		{Type: Point}, {Type: LineString}, {Type: Polygon}, {Type: MultiPoint}, {Type: GeometryCollection},
		NewPoint(72.8777, 19.076),
		{Type: Point, HasZ: true, Coords: []float64{72.8, 19, -0.1 - 0.2}},
		NewLineString([]float64{0, 0, 1, 1, 2, 0}),
		NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 4, 0, 0}, []float64{1, 1, 1, 2, 2, 2, 2, 1, 1, 1}),
		{Type: MultiPoint, HasZ: true, Coords: []float64{1, 2, 3, 4, 5, 6}},
		{Type: MultiLineString, Coords: []float64{0, 0, 1, 1, 5, 5, 6, 6, 7, 7}, Ends: []int32{2, 5}},
		{Type: MultiPolygon, Coords: []float64{0, 0, 1, 0, 1, 1, 0, 0, 5, 5, 6, 5, 6, 6, 5, 5}, Ends: []int32{4, 8}, Polys: []int32{1, 2}},
		{Type: GeometryCollection, Geoms: []Geometry{NewPoint(1, 2), {Type: GeometryCollection, Geoms: []Geometry{NewLineString([]float64{0, 0, 1, 1})}}}},
	}
}

func TestWKBReadsBackWhatItWrote(t *testing.T) {
	for _, g := range sampleGeometries() {
		for _, f := range []WKBFlavour{ISO, EWKB} {
			got, err := DecodeWKB(AppendWKB(nil, &g, f))
			if err != nil {
				t.Errorf("%v flavour %d: %v", g.Type, f, err)
				continue
			}
			if g.Type == LineString && len(g.Ends) == 0 {
				g.Ends = got.Ends // an empty line has zero or one empty part
			}
			if !got.Equal(&g) {
				t.Errorf("%v flavour %d: wrote %+v, read %+v", g.Type, f, g, got)
			}
		}
	}
}

func TestWKBRefusesEveryTruncation(t *testing.T) {
	for _, g := range sampleGeometries() {
		b := AppendWKB(nil, &g, EWKB)
		for n := range b {
			if _, err := DecodeWKB(b[:n]); err == nil {
				t.Fatalf("%v cut to %d of %d bytes was read", g.Type, n, len(b))
			}
		}
	}
}

func FuzzDecodeWKB(f *testing.F) {
	for _, g := range sampleGeometries() {
		f.Add(AppendWKB(nil, &g, ISO))
		f.Add(AppendWKB(nil, &g, EWKB))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := DecodeWKB(b)
		if err != nil {
			return
		}
		w := AppendWKB(nil, &g, ISO)
		h, err := DecodeWKB(w)
		if err != nil {
			t.Fatalf("own output refused: %v", err)
		}
		if !bytes.Equal(w, AppendWKB(nil, &h, ISO)) {
			t.Fatal("not stable")
		}
	})
}
