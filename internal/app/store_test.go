package app

import (
	"path/filepath"
	"testing"

	"nagar/catalog"
	"nagar/catalog/gpkg"
)

// TestOlderStoreCatchesUp opens a store whose buildings were described before their
// UIDs were indexed, and by an owner with other ideas of who may see them.
func TestOlderStoreCatchesUp(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "city.gpkg")
	s, err := gpkg.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	old, _ := catalog.StandardCollection("buildings")
	old.Class, old.Owner = catalog.ClassInternal, "Mine"
	old.Fields = append([]catalog.Field{}, old.Fields[:4]...)
	old.Fields[0].Link, old.Fields[0].Indexed = "", false
	old.Fields[1].Class = catalog.ClassRestricted
	old.Fields = append(old.Fields, catalog.Field{Name: "my_own", Type: catalog.TypeText, Indexed: true})
	if _, err := s.Define(ctx, old); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(ctx, catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Put, Collection: "buildings",
		Feature: catalog.Feature{ID: "a", Props: catalog.Properties{{Name: "uid", Value: catalog.Text("7K3Q9-F2DXJ")}}}})}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var revs []catalog.Rev
	for range 2 { // the second time there is nothing to catch up on
		s, err := OpenStore(ctx, Location{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		c, err := s.Collection(ctx, "buildings")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := c.Field("uid")
		height, _ := c.Field("height_m")
		own, _ := c.Field("my_own")
		if _, ok := c.Field("roof"); !ok || uid.Link != "structures" || !own.Indexed || c.Owner != "Mine" || c.Class != catalog.ClassInternal || height.Class != catalog.ClassRestricted {
			t.Errorf("the description is now %+v", c)
		}
		found := 0
		if _, err := s.Scan(ctx, catalog.Query{Collection: "buildings", Match: &catalog.Match{Field: "uid", Values: []string{"7K3Q9-F2DXJ"}}},
			func(*catalog.Feature) error { found++; return nil }); err != nil || found != 1 {
			t.Errorf("%d buildings of that UID, %v", found, err)
		}
		head, err := s.Head(ctx)
		if err != nil {
			t.Fatal(err)
		}
		revs = append(revs, head)
	}
	if revs[0] != revs[1] {
		t.Errorf("opening it again made revisions: %v", revs)
	}
}
