package ingest_test

import (
	"context"
	"path/filepath"
	"testing"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/internal/ingest"
)

// TestUIDComesBack holds that a building which one survey missed, and the next one
// has again, is the structure that it was.
func TestUIDComesBack(t *testing.T) {
	ctx := context.Background()
	store, err := gpkg.Open(ctx, filepath.Join(t.TempDir(), "city.gpkg"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const building = `{"type":"Feature","id":"b1","geometry":{"type":"Polygon","coordinates":[[[72.85,19.05],[72.86,19.05],[72.86,19.06],[72.85,19.05]]]},"properties":{"floors":3}}`
	from := ingest.Options{Collection: "buildings", From: file(t, "b.geojsonl", building+"\n")}
	mustLoad(t, store, from)
	first, err := store.Feature(ctx, "buildings", "b1", catalog.At{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Apply(ctx, catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Delete, Collection: "buildings", Feature: catalog.Feature{ID: "b1"}})}); err != nil {
		t.Fatal(err)
	}
	mustLoad(t, store, from)
	again, err := store.Feature(ctx, "buildings", "b1", catalog.At{})
	if err != nil || again.Props.Get("uid") != first.Props.Get("uid") || first.Props.Get("uid").IsNull() {
		t.Errorf("it was %s and came back as %s, %v", first.Props.Get("uid"), again.Props.Get("uid"), err)
	}
}
