package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/city"
	"nagar/internal/demo"
	"nagar/internal/registry"
	"nagar/internal/registry/survey"
)

// opened opens the store for reading beside the commands.
func opened(t *testing.T, store string) catalog.Store {
	t.Helper()
	s, err := storeFlag{Store: store}.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// rows are the current features of a collection.
func rows(t *testing.T, s catalog.Store, collection string) (out []catalog.Feature) {
	t.Helper()
	if _, err := s.Scan(t.Context(), catalog.Query{Collection: collection}, func(f *catalog.Feature) error {
		out = append(out, *f)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// took runs a load of a survey and reads its summary.
func took(t *testing.T, store, file string, more ...string) (sum survey.Summary) {
	t.Helper()
	code, out, msg := run(t, store, append([]string{"load", "buildings", "--from", file, "--epoch", "second", "--valid-from", "2026-10-01", "--repair"}, more...)...)
	if err := json.Unmarshal([]byte(out), &sum); code != 0 || err != nil {
		t.Fatalf("exit %d: %s %s %v", code, out, msg, err)
	}
	return sum
}

// TestSecondSurvey takes the second survey of the demonstration city in, on both
// stores, and compares with what it was made from: no survivor changes its UID, what
// happened is in the register and the bridge, the same again changes nothing, and it
// is undone as one.
func TestSecondSurvey(t *testing.T) {
	for name, store := range map[string]string{"gpkg": filepath.Join(t.TempDir(), "city.gpkg"), "postgis": pgtest.Start(t)} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "second.geojsonl")
			run(t, store, "demo", "--buildings", "1500", "--seed", "9")
			run(t, store, "demo", "--buildings", "1500", "--seed", "9", "--resurvey", file)
			profile, err := city.Load("")
			if err != nil {
				t.Fatal(err)
			}
			truth, err := demo.Resurvey(t.Context(), demo.Options{Profile: profile, Buildings: 1500, Seed: 9}, func(*catalog.Feature) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if sum := took(t, store, file, "--dry-run"); sum.Rev != 0 || sum.Same == 0 {
				t.Errorf("a dry run: %+v", sum)
			}
			s := opened(t, store)
			before := rows(t, s, registry.Buildings)
			sum := took(t, store, file)
			if sum.Gone != len(truth.Gone) || sum.Built != len(truth.New) || sum.Split != len(truth.Split) || sum.Merged != len(truth.Merged) || sum.Mixed != 0 || math.Hypot(sum.ShiftX-truth.DX, sum.ShiftY-truth.DY) > .1 {
				t.Errorf("%+v: want %d gone, %d new, %d split, %d merged", sum, len(truth.Gone), len(truth.New), len(truth.Split), len(truth.Merged))
			}
			compareUIDs(t, before, rows(t, s, registry.Buildings), truth)
			lives(t, s, truth)
			if n := len(rows(t, s, survey.Bridges)); n != sum.Same+sum.Changed+sum.Built+sum.Gone+2*sum.Split+2*sum.Merged {
				t.Errorf("the bridge has %d rows: %+v", n, sum)
			}
			if again := took(t, store, file); again.Rev != sum.Rev || again.Loaded+again.Updated != 0 || again.Event != "" {
				t.Errorf("the same again: %+v after %+v", again, sum)
			}
			undone(t, s, sum.Event, before)
		})
	}
}

// compareUIDs holds the footprints against the truth.
func compareUIDs(t *testing.T, before, after []catalog.Feature, truth *demo.Changes) {
	t.Helper()
	known := map[string]bool{}
	for i := range before {
		known[before[i].Props.Get("uid").Str()] = true
	}
	for i := range after {
		u, source := after[i].Props.Get("uid").Str(), after[i].Props.Get("source_id").Str()
		switch want := truth.Keeps[source]; {
		case want != "" && u != want:
			t.Errorf("%s is of %s, want %s", source, u, want)
		case want == "" && known[u]:
			t.Errorf("%s is of %s, which was another's", source, u)
		}
	}
	if len(after) != len(truth.Keeps) {
		t.Errorf("%d footprints, the survey has %d", len(after), len(truth.Keeps))
	}
}

// lives holds the register against the truth.
func lives(t *testing.T, s catalog.Store, truth *demo.Changes) {
	t.Helper()
	r := registry.New(s, nil)
	check := func(u, status string, kind string, successors int) {
		t.Helper()
		x, err := r.Structure(t.Context(), u, catalog.At{}, catalog.Everything, demo.Day)
		if err != nil || x.Status.Value != status || !slices.ContainsFunc(x.Events, func(e registry.Event) bool { return e.Kind == kind }) || len(x.Successors) != successors {
			t.Errorf("%s is %+v with %+v and %v, want %s by %s: %v", u, x.Status, x.Events, x.Successors, status, kind, err)
		}
	}
	for u := range truth.Gone {
		check(u, registry.Demolished, registry.EventDemolished, 0)
	}
	for u := range truth.Merged {
		check(u, registry.Retired, registry.EventMerged, 1)
	}
	for u := range truth.Split {
		check(u, registry.InUse, registry.EventSplit, 0)
	}
}

// undone takes the survey back, and wants what was before.
func undone(t *testing.T, s catalog.Store, event string, before []catalog.Feature) {
	t.Helper()
	uid := ""
	if _, err := s.Scan(t.Context(), catalog.Query{Collection: registry.Events, Match: &catalog.Match{Field: "event", Values: []string{event}}}, func(f *catalog.Feature) error {
		uid = f.Props.Get("uid").Str()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_, err := registry.New(s, nil).Do(context.Background(), &registry.Command{Kind: registry.Undo, UID: uid, Event: event}, registry.By{Author: "test", Actor: "Clerk", View: catalog.Everything})
	if err != nil {
		t.Fatal(err)
	}
	was, now := map[string]string{}, rows(t, s, registry.Buildings)
	for i := range before {
		was[before[i].ID] = fmt.Sprint(before[i].Props, before[i].Geometry.Coords)
	}
	for i := range now {
		if was[now[i].ID] != fmt.Sprint(now[i].Props, now[i].Geometry.Coords) {
			t.Fatalf("undone, %s is %v, was %s", now[i].ID, now[i].Props, was[now[i].ID])
		}
	}
	if len(now) != len(before) || len(rows(t, s, survey.Bridges)) != 0 {
		t.Errorf("undone, there are %d footprints, were %d", len(now), len(before))
	}
}
