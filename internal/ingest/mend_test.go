//go:build cgo && !nogeos

package ingest_test

import (
	"path/filepath"
	"testing"

	"nagar/geo"
	"nagar/internal/ingest"
)

func TestRepairMendsRealShapes(t *testing.T) {
	path := filepath.Join(sharedData(t), "mumbai", "slum_clusters.geojson")
	m := newMemory()
	rej := filepath.Join(t.TempDir(), "rejects")
	// One of the 26 is a single place, of which nothing can be mended.
	sum := mustLoad(t, m, ingest.Options{Collection: "slums", From: path, Repair: true, Rejects: rej})
	if sum.Rejected != 1 || sum.Fixes == nil || sum.Fixes.Mended != 25 {
		t.Errorf("%s %+v %+v", counts(sum), sum.Fixes, rejected(t, rej))
	}
	for id, f := range m.features["slums"] {
		if err := geo.Validate(&f.Geometry); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if again := mustLoad(t, m, ingest.Options{Collection: "slums", From: path, Repair: true}); again.Unchanged != 2541 {
		t.Errorf("mended again: %s", counts(again))
	}
}

func TestRepairOfABowTie(t *testing.T) {
	m := newMemory()
	sum := mustLoad(t, m, ingest.Options{Collection: "a", Repair: true, From: file(t, "x.geojsonl",
		`{"type":"Feature","id":1,"properties":{},"geometry":{"type":"Polygon","coordinates":[[[72.8,19],[72.9,19.1],[72.9,19],[72.8,19.1],[72.8,19]]]}}`+"\n")})
	g := m.features["a"]["1"].Geometry
	if sum.Repaired != 1 || sum.Fixes.Mended != 1 || g.Type != geo.MultiPolygon || len(g.Polys) != 2 {
		t.Errorf("%+v %+v", sum, g)
	}
}
