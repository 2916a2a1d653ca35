package match

import (
	"context"
	"math"
	"testing"

	"github.com/jackc/pgx/v5"

	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
)

// TestOverlapAgreesWithPostGIS: what old and new footprints share, as ST_Intersection
// has it on the same plane; concave outlines, courtyards, several parts.
func TestOverlapAgreesWithPostGIS(t *testing.T) {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, pgtest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	r := seeded(t)
	var batch pgx.Batch
	var want []float64
	kx, ky := geo.MetresPerDegree(lat0)
	metres := func(g geo.Geometry) []byte {
		p := g
		p.Coords = append([]float64{}, g.Coords...)
		for i := range p.Coords {
			p.Coords[i] = (p.Coords[i] - []float64{lon0, lat0}[i%2]) * []float64{kx, ky}[i%2]
		}
		return geo.AppendWKB(nil, &p, geo.ISO)
	}
	for n := range 600 {
		a := ell(0, 0, 20, 16, r, 0, 0)
		b := ell(r.Float64()*16-8, r.Float64()*16-8, 8+14*r.Float64(), 8+14*r.Float64(), r, 0, 0)
		if n%2 == 0 { // a courtyard
			a = poly([]float64{0, 0, 20, 0, 20, 20, 0, 20}, []float64{6, 6, 6, 14, 14, 14, 14, 6})
		}
		if n%3 == 0 { // two wings
			w := rect(30, 0, 8, 8)
			a = geo.Geometry{
				Type: geo.MultiPolygon, Coords: append(append([]float64{}, a.Coords...), w.Coords...),
				Ends: append(append([]int32{}, a.Ends...), int32(a.NumPositions()+w.NumPositions())), Polys: []int32{int32(len(a.Ends)), int32(len(a.Ends) + 1)},
			}
		}
		oa, ob := geo.NewOutline(&a, lon0, lat0), geo.NewOutline(&b, lon0, lat0)
		want = append(want, geo.Overlap(&oa, &ob))
		batch.Queue("SELECT ST_Area(ST_Intersection(ST_GeomFromWKB($1), ST_GeomFromWKB($2)))", metres(a), metres(b))
	}
	res := db.SendBatch(ctx, &batch)
	defer func() { _ = res.Close() }()
	for n, w := range want {
		var got float64
		if err := res.QueryRow().Scan(&got); err != nil {
			t.Fatal(err)
		}
		if math.Abs(got-w) > 1e-6 {
			t.Errorf("pair %d: we find %v m², PostGIS %v", n, w, got)
		}
	}
}
