package assets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
)

// eachStore runs a test on a GeoPackage and on PostGIS; url is the latter's.
func eachStore(t *testing.T, test func(t *testing.T, store catalog.Store, url string)) {
	t.Run("gpkg", func(t *testing.T) {
		store, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "city.gpkg"))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		test(t, store, "")
	})
	t.Run("postgis", func(t *testing.T) {
		url := pgtest.Start(t)
		store, err := postgis.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		test(t, store, url)
	})
}

func define(t *testing.T, store catalog.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		c, ok := catalog.StandardCollection(name)
		if !ok {
			t.Fatal(name)
		}
		if _, err := store.Define(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func put(t *testing.T, store catalog.Store, collection, id string, from time.Time, g geo.Geometry, props ...catalog.Property) {
	t.Helper()
	_, err := store.Apply(t.Context(), catalog.Batch{Ops: catalog.Ops(catalog.Op{Kind: catalog.Put, Collection: collection,
		Feature: catalog.Feature{ID: id, Geometry: g, ValidFrom: from, Props: props}})})
	if err != nil {
		t.Fatal(err)
	}
}

// turned is a rectangle of w by h metres around a position, turned by an angle.
func turned(lon, lat, w, h, angle float64) geo.Geometry {
	kx, ky := geo.MetresPerDegree(lat)
	s, c := math.Sincos(angle)
	var ring []float64
	for _, p := range [][2]float64{{-w, -h}, {w, -h}, {w, h}, {-w, h}, {-w, -h}} {
		x, y := p[0]/2, p[1]/2
		ring = append(ring, lon+(x*c-y*s)/kx, lat+(x*s+y*c)/ky)
	}
	return geo.NewPolygon(ring)
}

// TestFSI measures a plot with random buildings on it, beside it and over its border,
// and holds the areas equal to those of PostGIS.
func TestFSI(t *testing.T) {
	eachStore(t, func(t *testing.T, store catalog.Store, url string) {
		define(t, store, Plots, Zones, Buildings)
		const lon, lat = 72.85, 19.05
		k := &Keeper{Store: store}
		put(t, store, Plots, "p1", time.Time{}, turned(lon, lat, 120, 80, .3), catalog.Property{Name: "cts_number", Value: catalog.Text("CTS 7")})
		put(t, store, Zones, "z1", time.Time{}, turned(lon-.002, lat, 2*.002*105_000, 400, 0), catalog.Property{Name: "code", Value: catalog.Text("R1")}, catalog.Property{Name: "fsi", Value: catalog.Real(1.33)})
		put(t, store, Zones, "z2", time.Time{}, turned(lon+.002, lat, 2*.002*105_000, 400, 0), catalog.Property{Name: "code", Value: catalog.Text("C1")}, catalog.Property{Name: "fsi", Value: catalog.Real(3)})
		rng := rand.New(rand.NewPCG(7, 9))
		later := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		for i := range 60 {
			g := turned(lon+(rng.Float64()-.5)*.003, lat+(rng.Float64()-.5)*.002, 8+20*rng.Float64(), 8+20*rng.Float64(), 3*rng.Float64())
			from := time.Time{}
			if i%4 == 0 {
				from = later
			}
			put(t, store, Buildings, fmt.Sprint("b", i), from, g, catalog.Property{Name: "floors", Value: catalog.Integer(int64(1 + i%9))})
		}
		put(t, store, Buildings, "tall", later, turned(lon, lat, 10, 10, 0), catalog.Property{Name: "height_m", Value: catalog.Real(33)})
		put(t, store, Buildings, "shed", later, turned(lon, lat, 4, 4, 0))
		s, err := k.FSI(t.Context(), "p1", catalog.At{}, catalog.Everything)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(s.Area/9600-1) > 1e-4 || len(s.Structures) < 10 || len(s.Zones) != 2 || s.Permitted == nil || s.CTS != "CTS 7" || math.Abs(s.FSI-s.BuiltUp/s.Area) > 1e-4 {
			t.Errorf("%+v", s)
		}
		if p := *s.Permitted; p < 2.1 || p > 2.2 || s.Exceeds != (s.BuiltUp > *s.PermittedM2) {
			t.Errorf("permitted %v of %+v", p, s.Zones)
		}
		sum := 0.0
		for _, b := range s.Structures {
			sum += b.BuiltUp
			if want := map[string]string{"tall": "10 height", "shed": "1 assumed"}[b.ID]; want != "" && fmt.Sprint(b.Floors, " ", b.Basis) != want {
				t.Errorf("%+v, want %s", b, want)
			}
		}
		if math.Abs(sum-s.BuiltUp) > .5 {
			t.Errorf("the structures have %v, the plot %v", sum, s.BuiltUp)
		}
		before, err := k.FSI(t.Context(), "p1", catalog.At{AsOf: later.AddDate(-1, 0, 0)}, catalog.Everything)
		if err != nil || len(before.Structures) >= len(s.Structures) || before.BuiltUp >= s.BuiltUp {
			t.Errorf("the year before: %+v, %v", before, err)
		}
		if _, err := k.FSI(t.Context(), "none", catalog.At{}, catalog.Everything); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("no plot: %v", err)
		}
		if url != "" {
			compare(t, url, s)
		}
	})
}

// compare works the same out in SQL.
func compare(t *testing.T, url string, s *FSI) {
	t.Helper()
	ctx := context.Background()
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	var area, built float64
	var n int
	err = db.QueryRow(ctx, `SELECT (SELECT ST_Area(geom::geography) FROM plots WHERE cts_number = 'CTS 7'),
		sum(ST_Area(ST_Intersection(ST_Force2D(b.geom), ST_Force2D(p.geom))::geography) *
			coalesce(b.floors, greatest(1, round(b.height_m / 3.2)), 1)),
		count(*) FROM buildings b, plots p WHERE p.cts_number = 'CTS 7' AND ST_Intersects(b.geom, p.geom)`).Scan(&area, &built, &n)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(area/s.Area-1) > 1e-4 || math.Abs(built/s.BuiltUp-1) > 1e-4 || n != len(s.Structures) {
		t.Errorf("PostGIS: plot %v, built up %v by %d; here %v, %v by %d", area, built, n, s.Area, s.BuiltUp, len(s.Structures))
	}
}
