package ingest_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/internal/ingest"
)

// sharedData is the folder of real data beside the repository; without it the
// test is skipped, in CI it fails.
func sharedData(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	data := filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(data); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the real data is not there: ", err)
		}
		t.Skip("the real data is not beside the repository")
	}
	return data
}

// TestRealDataLoadsTwice loads every file as its documented command does, into both
// stores, twice: the second time nothing changes.
func TestRealDataLoadsTwice(t *testing.T) {
	data := sharedData(t)
	t.Run("GeoPackage", func(t *testing.T) {
		store, err := gpkg.Open(context.Background(), filepath.Join(t.TempDir(), "city.gpkg"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		loadRealData(t, data, store)
	})
	t.Run("PostGIS", func(t *testing.T) {
		store, err := postgis.Open(context.Background(), pgtest.Start(t))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		loadRealData(t, data, store)
	})
}

func loadRealData(t *testing.T, data string, store catalog.Store) {
	t.Helper()
	tests := []struct {
		file     string
		o        ingest.Options
		read     int64
		rejected int64
	}{
		{"mumbai/wards.geojson", ingest.Options{Collection: "wards", ID: "name"}, 24, 0},
		{"mumbai/prabhags_2017.geojson", ingest.Options{Collection: "prabhags", ID: "PRABHAG_NO", Map: map[string]string{"number": "PRABHAG_NO", "population_sc": "SC_POP", "population_st": "ST_POP"}}, 227, 0},
		{"mumbai/slum_clusters.geojson", ingest.Options{Collection: "slum_clusters"}, 2542, 26},
		{"mumbai/bkc_buildings_heights.geojson", ingest.Options{Collection: "buildings", Map: map[string]string{"height_m": "height"}}, 899, 0},
		{"mumbai/prabhag61_buildings.geojson", ingest.Options{Collection: "buildings", ID: "osm_id"}, 147, 0},
		{"mumbai/hospitals.geojson", ingest.Options{Collection: "facilities", Map: map[string]string{"category": "amenity", "hours": "opening_hours"}}, 716, 0},
		{"mumbai/parks.geojson", ingest.Options{Collection: "greens", Map: map[string]string{"kind": "leisure"}}, 809, 0},
		{"mumbai/dharavi_poi.geojson", ingest.Options{Collection: "facilities", Map: map[string]string{"category": "file"}}, 221, 0},
		{"mumbai/ward_offices.kml", ingest.Options{Collection: "facilities", Map: map[string]string{"ward": "WARD_NAME", "address": "LOCATION", "phone": "BRD_LINE_N"}}, 24, 0},
		{"mumbai/aws_stations.csv", ingest.Options{Collection: "sensors", Map: map[string]string{"name": "station"}}, 53, 0},
		{"mumbai/aws_observed_stations.csv", ingest.Options{Collection: "weather_stations"}, 36, 0},
		{"mumbai/aws_observations_2024-06-01_03.csv", ingest.Options{Collection: "weather"}, 7272, 0},
		{"mumbai/waterlevel_stations.csv", ingest.Options{Collection: "water_levels"}, 9, 0},
		{"records/nyc_311_sample.csv", ingest.Options{Collection: "requests"}, 5895, 0},
		{"records/property_tax_prabhag61.csv", ingest.Options{Collection: "property_tax"}, 175, 0},
		{"ogc/pygeoapi_dutch_addresses_4326.gpkg", ingest.Options{Collection: "addresses"}, 2481, 0},
		{"ogc/pygeoapi_ne_110m_populated_places_simple.geojson", ingest.Options{Collection: "places"}, 243, 0},
	}
	for round := range 2 {
		for _, tt := range tests {
			o := tt.o
			o.From = filepath.Join(data, tt.file)
			sum := mustLoad(t, store, o)
			fresh := sum.Loaded == tt.read-tt.rejected && sum.Unchanged == 0
			same := sum.Unchanged == tt.read-tt.rejected && sum.Loaded == 0
			if sum.Read != tt.read || sum.Rejected != tt.rejected || sum.Updated != 0 || round == 0 && !fresh || round == 1 && !same {
				t.Errorf("%s, time %d: %s %q", tt.file, round+1, counts(sum), sum.Warnings)
			}
		}
	}
	checkRealData(t, store)
}

func checkRealData(t *testing.T, store catalog.Store) {
	t.Helper()
	ctx := context.Background()
	wards := map[string]bool{}
	count := func(collection string, fn func(*catalog.Feature)) {
		if _, err := store.Scan(ctx, catalog.Query{Collection: collection}, func(f *catalog.Feature) error { fn(f); return nil }); err != nil {
			t.Error(err)
		}
	}
	count("wards", func(f *catalog.Feature) { wards[f.Props.Get("name").Str()] = true })
	if len(wards) != 24 || !wards["F/N"] {
		t.Errorf("wards %v", wards)
	}
	count("prabhags", func(f *catalog.Feature) {
		if !wards[f.Props.Get("ward").Str()] {
			t.Errorf("prabhag %s lies in the ward %q", f.ID, f.Props.Get("ward"))
		}
	})
	offices := 0
	count("facilities", func(f *catalog.Feature) {
		if w := f.Props.Get("ward"); !w.IsNull() && wards[w.Str()] && !strings.ContainsAny(f.Props.Get("address").Str(), "\n") {
			offices++
		}
	})
	if offices != 24 {
		t.Errorf("%d ward offices", offices)
	}
	low := 0
	count("buildings", func(f *catalog.Feature) {
		if h := f.Props.Get("height_m"); !h.IsNull() && h.Float() < 1 {
			low++
		}
		if f.Props.Get("uid").IsNull() {
			t.Errorf("building %s has no uid", f.ID)
		}
	})
	if low != 229 {
		t.Errorf("%d heights under 1 m, want 229", low)
	}
}
