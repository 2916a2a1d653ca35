package app

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/demo"
	"nagar/internal/registry/finding"
)

// demoDay is a day after all of the demo's records; their expiry lies around it.
var demoDay = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// joinedTown is a demo city whose records name their structures as the truth says.
type joinedTown struct {
	truth   demo.Truth
	prints  map[string]*catalog.Feature            // by UID
	known   map[string]bool                        // in the register
	records map[string]map[string]*catalog.Feature // by collection and id
}

// fill writes the town into a store.
func fill(t *testing.T, store catalog.Store, seed uint64) *joinedTown {
	t.Helper()
	p, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	if err := defineStandard(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for _, c := range demo.Definitions() {
		if _, err := store.Define(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	w := &joinedTown{prints: map[string]*catalog.Feature{}, known: map[string]bool{}, records: map[string]map[string]*catalog.Feature{}}
	var ops []catalog.Op
	err = demo.Generate(context.Background(), demo.Options{Profile: p, Buildings: 3000, Structures: 1200, Seed: seed, Truth: &w.truth}, func(c string, f *catalog.Feature) error {
		uid, record := w.truth.Of[c+"/"+f.ID]
		switch {
		case c == "buildings":
			w.prints[f.Props.Get("uid").Str()] = f
		case c == "structures":
			w.known[f.ID] = true
		case record:
			f.Props = slices.DeleteFunc(f.Props, func(p catalog.Property) bool { return p.Name == "uid" })
			if uid != "" {
				f.Props = append(f.Props, catalog.Property{Name: "uid", Value: catalog.Text(uid)})
			}
			if w.records[c] == nil {
				w.records[c] = map[string]*catalog.Feature{}
			}
			w.records[c][f.ID] = f
		default:
			return nil
		}
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: c, Feature: *f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Apply(t.Context(), catalog.Batch{Ops: catalog.Ops(ops...)}); err != nil {
		t.Fatal(err)
	}
	return w
}

// of are the records of a collection about each structure.
func (w *joinedTown) of(collection string) map[string][]*catalog.Feature {
	out := map[string][]*catalog.Feature{}
	for _, id := range slices.Sorted(maps.Keys(w.records[collection])) {
		f := w.records[collection][id]
		if uid := f.Props.Get("uid").Str(); uid != "" {
			out[uid] = append(out[uid], f)
		}
	}
	return out
}

// expected are the findings that there must be, rule/subject, by the demo's truth
// and, where it does not tell, by the plain meaning of the rule.
func (w *joinedTown) expected() map[string]bool {
	out := map[string]bool{}
	tax, water, permits := w.of("property_tax"), w.of("water_connections"), w.of("building_permits")
	for uid := range w.known {
		if w.truth.Untaxed[uid] || len(tax[uid]) == 0 { // junk tells no structure
			out["tax_missing/"+uid] = true
		}
		if n := len(w.of2(w.prints[uid])); n > 0 { // never: a footprint is one
			panic(n)
		}
	}
	for uid := range w.truth.Overbuilt {
		if len(permits[uid]) > 0 {
			out["floors_above_permit/"+uid] = true
		}
	}
	for uid := range w.truth.Underassessed {
		if len(tax[uid]) == 1 {
			out["tax_area/"+uid] = true
		}
	}
	_ = water
	return out
}

func (w *joinedTown) of2(*catalog.Feature) []int { return nil }

func eachStore(t *testing.T, test func(t *testing.T, store catalog.Store)) {
	t.Run("gpkg", func(t *testing.T) {
		s, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		test(t, s)
	})
	t.Run("postgis", func(t *testing.T) {
		s, err := postgis.Open(t.Context(), pgtest.Start(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		test(t, s)
	})
}

// found are the findings that stand, rule/subject.
func found(t *testing.T, store catalog.Store) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	_, err := store.Scan(t.Context(), catalog.Query{Collection: finding.Findings}, func(f *catalog.Feature) error {
		x := finding.Read(f.ID, f.Geometry, f.Props)
		if x.State == finding.Open {
			out[x.Rule+"/"+x.Subject] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var _ = fmt.Sprint
var _ = geo.Area
var _ = strings.Cut

func TestFindingsAreTheTruth(t *testing.T) {
	eachStore(t, func(t *testing.T, store catalog.Store) {
		w := fill(t, store, 11)
		k := finding.New(store, nil, nil)
		begin := time.Now()
		if err := k.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := found(t, store)
		n := map[string]int{}
		for key := range got {
			rule, _, _ := strings.Cut(key, "/")
			n[rule]++
		}
		t.Log(time.Since(begin), n)
		want := w.expected()
		for key := range want {
			if !got[key] {
				t.Errorf("%s is not found", key)
			}
		}
	})
}
