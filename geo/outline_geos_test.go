//go:build cgo

package geo

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/twpayne/go-geos"
)

// star is a concave polygon around a place in metres, with a hole more often than
// not; the plane is that of NewOutline at 0, 0. rev turns its rings round.
func star(r *rand.Rand, x, y float64, rev bool) Geometry {
	kx, ky := MetresPerDegree(0)
	ring := func(cx, cy, least, most float64, n int) []float64 {
		var c []float64
		for i := range n {
			a := 2 * math.Pi * float64(i) / float64(n)
			d := least + (most-least)*r.Float64()
			c = append(c, (cx+d*math.Cos(a))/kx, (cy+d*math.Sin(a))/ky)
		}
		return append(c, c[0], c[1])
	}
	rings := [][]float64{ring(x, y, 6, 20, 4+r.IntN(14))}
	if r.IntN(3) > 0 {
		rings = append(rings, ring(x, y, 1, 4, 3+r.IntN(5)))
	}
	if rev {
		for _, l := range rings {
			for i, j := 0, len(l)-2; i < j; i, j = i+2, j-2 {
				l[i], l[i+1], l[j], l[j+1] = l[j], l[j+1], l[i], l[i+1]
			}
		}
	}
	return NewPolygon(rings...)
}

// TestOverlapAgreesWithGEOS: concave polygons with holes, rings either way, many
// parts, aligned edges.
func TestOverlapAgreesWithGEOS(t *testing.T) {
	r := validSeed(t)
	ctx := geos.NewContext()
	kx, ky := MetresPerDegree(0)
	multi := func(a, b Geometry) Geometry {
		m := Geometry{Type: MultiPolygon, Coords: append(append([]float64{}, a.Coords...), b.Coords...)}
		m.Ends = append(m.Ends, a.Ends...)
		m.Polys = append(m.Polys, int32(len(m.Ends)))
		for _, e := range b.Ends {
			m.Ends = append(m.Ends, e+int32(a.NumPositions()))
		}
		m.Polys = append(m.Polys, int32(len(m.Ends)))
		return m
	}
	block := func() Geometry { // on a grid of metres, where edges fall on each other
		x, y, w, h := float64(r.IntN(12)), float64(r.IntN(12)), float64(4+r.IntN(10)), float64(4+r.IntN(10))
		l := []float64{x, y, x + w, y, x + w, y + h/2, x + w/2, y + h/2, x + w/2, y + h, x, y + h, x, y}
		for i := range l {
			l[i] /= []float64{kx, ky}[i%2]
		}
		return NewPolygon(l)
	}
	compared := 0
	for n := range 6_000 {
		a, b := star(r, 0, 0, n%2 == 0), star(r, 30*r.Float64()-15, 30*r.Float64()-15, n%3 == 0)
		switch n % 5 {
		case 1:
			b = multi(b, star(r, 80, 0, false))
		case 2:
			a, b = block(), block()
		case 3:
			b = a
		}
		ga, err := ctx.NewGeomFromWKB(AppendWKB(nil, &a, ISO))
		if err != nil {
			t.Fatal(err)
		}
		gb, err := ctx.NewGeomFromWKB(AppendWKB(nil, &b, ISO))
		if err != nil {
			t.Fatal(err)
		}
		if !ga.IsValid() || !gb.IsValid() {
			continue
		}
		compared++
		oa, ob := NewOutline(&a, 0, 0), NewOutline(&b, 0, 0)
		want := ga.Intersection(gb).Area() * kx * ky
		if got := Overlap(&oa, &ob); math.Abs(got-want) > 1e-6 {
			t.Fatalf("overlap %v, GEOS %v\n%s\n%s", got, want, ga.ToWKT(), gb.ToWKT())
		}
		if back := Overlap(&ob, &oa); math.Abs(back-want) > 1e-6 {
			t.Fatalf("the other way round %v, want %v", back, want)
		}
		c := ga.Centroid()
		if math.Abs(oa.Area-ga.Area()*kx*ky) > 1e-6 || math.Abs(oa.CX-c.X()*kx) > 1e-6 || math.Abs(oa.CY-c.Y()*ky) > 1e-6 {
			t.Fatalf("area %v centroid %v %v, GEOS %v %v %v", oa.Area, oa.CX, oa.CY, ga.Area()*kx*ky, c.X()*kx, c.Y()*ky)
		}
	}
	if compared < 3_000 {
		t.Errorf("only %d pairs were valid", compared)
	}
}

func BenchmarkOverlap(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var os []Outline
	for range 64 {
		g := star(r, 10*r.Float64(), 10*r.Float64(), false)
		os = append(os, NewOutline(&g, 0, 0))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Overlap(&os[i%64], &os[(i*5+1)%64])
	}
}
