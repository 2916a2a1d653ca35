package geo

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCleanChangesHowNotWhat(t *testing.T) {
	tests := []struct {
		name string
		in   Geometry
		want Geometry
		fix  Fixes
	}{
		{"right already", NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0}), NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0}), Fixes{}},
		{"open", NewPolygon([]float64{0, 0, 1, 0, 1, 1}), NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0}), Fixes{Closed: 1}},
		{"clockwise", NewPolygon([]float64{0, 0, 1, 1, 1, 0, 0, 0}), NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0}), Fixes{Reversed: 1}},
		{"repeated", NewPolygon([]float64{0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0}), NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0}), Fixes{Repeated: 2}},
		{"hole the wrong way", NewPolygon([]float64{0, 0, 9, 0, 9, 9, 0, 9, 0, 0}, []float64{1, 1, 2, 1, 2, 2, 1, 1}),
			NewPolygon([]float64{0, 0, 9, 0, 9, 9, 0, 9, 0, 0}, []float64{1, 1, 2, 2, 2, 1, 1, 1}), Fixes{Reversed: 1}},
		{"all at once, second polygon", Geometry{Type: MultiPolygon, Coords: []float64{0, 0, 1, 0, 1, 1, 0, 0, 5, 5, 6, 6, 6, 6, 6, 5}, Ends: []int32{4, 8}, Polys: []int32{1, 2}},
			Geometry{Type: MultiPolygon, Coords: []float64{0, 0, 1, 0, 1, 1, 0, 0, 5, 5, 6, 5, 6, 6, 5, 5}, Ends: []int32{4, 8}, Polys: []int32{1, 2}}, Fixes{1, 1, 1}},
		{"a line's repeats", NewLineString([]float64{0, 0, 0, 0, 1, 1}), NewLineString([]float64{0, 0, 1, 1}), Fixes{Repeated: 1}},
		{"a vertical step is no repeat", Geometry{Type: LineString, HasZ: true, Coords: []float64{0, 0, 1, 0, 0, 2}, Ends: []int32{2}},
			Geometry{Type: LineString, HasZ: true, Coords: []float64{0, 0, 1, 0, 0, 2}, Ends: []int32{2}}, Fixes{}},
		{"in a collection", Geometry{Type: GeometryCollection, Geoms: []Geometry{NewPoint(1, 2), NewPolygon([]float64{0, 0, 1, 0, 1, 1})}},
			Geometry{Type: GeometryCollection, Geoms: []Geometry{NewPoint(1, 2), NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0})}}, Fixes{Closed: 1}},
		{"points repeat freely", Geometry{Type: MultiPoint, Coords: []float64{1, 1, 1, 1}}, Geometry{Type: MultiPoint, Coords: []float64{1, 1, 1, 1}}, Fixes{}},
	}
	for _, tt := range tests {
		before := AppendWKB(nil, &tt.in, ISO)
		got, fix := Clean(&tt.in)
		if !got.Equal(&tt.want) || fix != tt.fix {
			t.Errorf("%s: got %+v %+v", tt.name, got, fix)
		}
		if string(AppendWKB(nil, &tt.in, ISO)) != string(before) {
			t.Errorf("%s: the argument was changed", tt.name)
		}
		if again, fix := Clean(&got); fix.Any() || !again.Equal(&got) {
			t.Errorf("%s: not clean the second time: %+v", tt.name, fix)
		}
	}
}

func multi(polys ...Geometry) Geometry {
	g := Geometry{Type: MultiPolygon}
	for _, p := range polys {
		n := int32(g.NumPositions())
		g.Coords = append(g.Coords, p.Coords...)
		for _, e := range p.Ends {
			g.Ends = append(g.Ends, n+e)
		}
		g.Polys = append(g.Polys, int32(len(g.Ends)))
	}
	return g
}

func square(x, y, size float64) []float64 {
	return []float64{x, y, x + size, y, x + size, y + size, x, y + size, x, y}
}

func TestValidate(t *testing.T) {
	big := square(0, 0, 10)
	tests := []struct {
		name string
		g    Geometry
		want string // part of the error; "" when valid
	}{
		{"none", Geometry{}, ""},
		{"empty polygon", Geometry{Type: Polygon}, ""},
		{"square", NewPolygon(big), ""},
		{"clockwise", NewPolygon([]float64{0, 0, 0, 1, 1, 1, 0, 0}), ""},
		{"NaN", NewPoint(math.NaN(), 1), "position 1 has the ordinate NaN"},
		{"infinite Z", Geometry{Type: Point, HasZ: true, Coords: []float64{1, 2, math.Inf(1)}}, "ordinate +Inf"},
		{"open", NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 1}), "the outer ring is not closed at (0, 0)"},
		{"three positions", NewPolygon([]float64{0, 0, 1, 0, 0, 0}), "has 3 positions, fewer than four"},
		{"two different", NewPolygon([]float64{0, 0, 1, 0, 1, 0, 0, 0}), "fewer than three different"},
		{"no area", NewPolygon([]float64{0, 0, 1, 0, 2, 0, 0, 0}), "turns back on itself"},
		{"bow tie", NewPolygon([]float64{0, 0, 1, 1, 1, 0, 0, 1, 0, 0}), "self-intersection: the outer ring crosses itself at (0.5, 0.5)"},
		{"touches itself", NewPolygon([]float64{0, 0, 2, 0, 1, 1, 2, 2, 0, 2, 1, 1, 0, 0}), "touches itself at (1, 1)"},
		{"spike", NewPolygon([]float64{0, 0, 2, 0, 2, 2, 2, 4, 2, 2, 0, 2, 0, 0}), "self-intersection: the outer ring"},
		{"hole", NewPolygon(big, square(1, 1, 2)), ""},
		{"hole touching at a point", NewPolygon(big, []float64{0, 5, 3, 4, 3, 6, 0, 5}), ""},
		{"hole touching twice", NewPolygon(big, []float64{0, 5, 5, 4, 10, 5, 5, 6, 0, 5}), "interior is cut in two"},
		{"hole along the border", NewPolygon(big, square(0, 1, 2)), "hole 1 crosses or runs along the outer ring"},
		{"hole crossing", NewPolygon(big, square(8, 8, 4)), "hole 1 crosses or runs along the outer ring at"},
		{"hole crossing through corners", NewPolygon([]float64{0, 0, 4, 0, 6, 2, 4, 4, 0, 4, 0, 0}, []float64{2, 2, 6, 2, 7, 3, 2, 2}), "crosses"},
		{"hole outside", NewPolygon(big, square(20, 20, 1)), "hole 1 lies outside its outer ring at (20, 20)"},
		{"hole outside, touching", NewPolygon(big, []float64{10, 5, 12, 4, 12, 6, 10, 5}), "hole 1 lies outside"},
		{"hole in a hole", NewPolygon(big, square(1, 1, 6), square(2, 2, 1)), "hole 2 lies in hole 1"},
		{"holes touching at a point", NewPolygon(big, square(1, 1, 2), square(3, 3, 2)), ""},
		{"holes in a circle of touches", NewPolygon(big, []float64{2, 2, 4, 2, 3, 2.5, 2, 2}, []float64{4, 2, 6, 3, 5, 5, 4, 2}, []float64{2, 2, 5, 5, 3, 5, 2, 2}), "interior is cut in two"},
		{"two polygons", multi(NewPolygon(big), NewPolygon(square(20, 0, 5))), ""},
		{"touching at a corner", multi(NewPolygon(big), NewPolygon(square(10, 10, 5))), ""},
		{"sharing a border", multi(NewPolygon(big), NewPolygon(square(10, 0, 10))), "polygons 1 and 2 overlap or share a border"},
		{"overlapping", multi(NewPolygon(big), NewPolygon(square(5, 5, 10))), "polygons 1 and 2 overlap"},
		{"one in the other", multi(NewPolygon(big), NewPolygon(square(2, 2, 1))), "polygon 2 lies in polygon 1 at (2, 2)"},
		{"the other way round", multi(NewPolygon(square(2, 2, 1)), NewPolygon(big)), "polygon 1 lies in polygon 2"},
		{"island in a hole", multi(NewPolygon(big, square(1, 1, 8)), NewPolygon(square(3, 3, 2))), ""},
		{"island filling the hole to its corners", multi(NewPolygon(big, square(2, 2, 4)), NewPolygon([]float64{4, 2, 6, 4, 4, 6, 2, 4, 4, 2})), ""},
		{"second polygon's hole", multi(NewPolygon(big), NewPolygon(square(20, 0, 5), square(30, 0, 1))), "hole 1 of polygon 2 lies outside"},
		{"line of one place", NewLineString([]float64{1, 1, 1, 1}), "all positions of line 1 are the same"},
		{"line crossing itself", NewLineString([]float64{0, 0, 1, 1, 1, 0, 0, 1}), ""},
		{"member of a collection", Geometry{Type: GeometryCollection, Geoms: []Geometry{NewPoint(1, 1), NewPolygon([]float64{0, 0, 1, 1, 1, 0, 0, 1, 0, 0})}}, "member 2: self-intersection"},
	}
	for _, tt := range tests {
		err := Validate(&tt.g)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// circle is a ring of n corners with noise on the radius: 1 makes steps as deep as wide.
func circle(n int, noise float64, r *rand.Rand) []float64 {
	c := make([]float64, 0, 2*n+2)
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		d := 0.1 * (1 + noise*2*math.Pi/float64(n)*r.Float64())
		c = append(c, 72.8+d*math.Cos(a), 19+d*math.Sin(a))
	}
	return append(c, c[0], c[1])
}

func TestMillionCornersAreJudgedInSeconds(t *testing.T) {
	r := validSeed(t)
	c := circle(1_000_000, 1, r)
	g := NewPolygon(c)
	start := time.Now()
	if err := Validate(&g); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	} else {
		t.Logf("took %v", d)
	}
	g.Coords[1_000_000], g.Coords[1_000_001] = c[0], c[1] // the middle corner put on the first one
	if err := Validate(&g); err == nil {
		t.Error("a million corners with one in the wrong place are valid")
	}
}

func TestManyHolesAndPolygons(t *testing.T) {
	rings := [][]float64{square(0, 0, 1000)}
	var polys []Geometry
	for i := range 100 {
		for j := range 100 {
			rings = append(rings, square(float64(i)*10+1, float64(j)*10+1, 5))
			polys = append(polys, NewPolygon(square(float64(i)*10, float64(j)*10, 10*float64((i+j)%2)+2*float64(1-(i+j)%2))))
		}
	}
	start := time.Now()
	g := NewPolygon(rings...)
	if err := Validate(&g); err != nil {
		t.Error(err)
	}
	m := multi(polys...) // a chess board whose dark squares are shrunk into a corner: borders shared
	if err := Validate(&m); err == nil {
		t.Error("squares that share borders are valid")
	}
	rings = append(rings, square(502, 502, 1))
	g = NewPolygon(rings...)
	if err := Validate(&g); err == nil || !strings.Contains(err.Error(), "hole 10001 lies in hole") {
		t.Errorf("got %v", err)
	}
	t.Logf("took %v", time.Since(start))
}

// TestAdversarialShapesAreBounded: a million radial teeth of which each passes by
// thousands of others.
func TestAdversarialShapesAreBounded(t *testing.T) {
	g := NewPolygon(circle(1_000_000, 10_000, validSeed(t)))
	start := time.Now()
	err := Validate(&g)
	if err == nil || !strings.Contains(err.Error(), "too intricate") {
		t.Errorf("got %v", err)
	}
	// The bound is on the work; what it takes depends on the machine and its load.
	t.Logf("took %v", time.Since(start))
}

func validSeed(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 2))
}

func TestTurnIsExact(t *testing.T) {
	// Points along the diagonal, nudged by one ulp: naive arithmetic gets these wrong.
	a, b := xy{12, 12}, xy{24, 24}
	for i := range 64 {
		for j := range 64 {
			p := xy{0.5 + float64(i)*0x1p-53, 0.5 + float64(j)*0x1p-53}
			want := 0
			if j > i {
				want = 1
			} else if j < i {
				want = -1
			}
			if got := turn(a, b, p); got != want {
				t.Fatalf("turn at %d, %d: %d, want %d", i, j, got, want)
			}
			if got := turn(b, p, a); got != want {
				t.Fatalf("turned round at %d, %d: %d, want %d", i, j, got, want)
			}
		}
	}
}

func FuzzValidate(f *testing.F) {
	f.Add([]byte{0, 0, 4, 0, 4, 4, 0, 4, 255, 1, 1, 1, 2, 2, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		g := fuzzPolygons(b)
		c, _ := Clean(&g)
		err := Validate(&c)
		if again, fix := Clean(&c); fix.Any() || !again.Equal(&c) {
			t.Fatalf("clean twice: %+v", fix)
		}
		// Valid does not depend on direction or on where a ring begins.
		r := reversedRings(&c)
		if err2 := Validate(&r); (err == nil) != (err2 == nil) {
			t.Fatalf("%v, reversed %v: %+v", err, err2, c)
		}
	})
}

func reversedRings(g *Geometry) Geometry {
	out := *g
	out.Coords = append([]float64(nil), g.Coords...)
	for i := range out.Ends {
		reversePositions(out.Line(i), out.Stride())
	}
	return out
}

// fuzzPolygons reads small integer corners; 255 begins a hole, 254 a polygon.
func fuzzPolygons(b []byte) Geometry {
	g := Geometry{Type: MultiPolygon}
	end := func() {
		if n := int32(g.NumPositions()); len(g.Ends) == 0 && n > 0 || len(g.Ends) > 0 && n > g.Ends[len(g.Ends)-1] {
			g.Ends = append(g.Ends, n)
		}
	}
	poly := func() {
		end()
		if n := int32(len(g.Ends)); n > 0 && (len(g.Polys) == 0 || n > g.Polys[len(g.Polys)-1]) {
			g.Polys = append(g.Polys, n)
		}
	}
	for i := 0; i+1 < len(b); {
		switch b[i] {
		case 255:
			end()
			i++
		case 254:
			poly()
			i++
		default:
			g.Coords = append(g.Coords, float64(b[i]%16), float64(b[i+1]%16))
			i += 2
		}
	}
	poly()
	return g
}

func BenchmarkValidateFootprint(b *testing.B) {
	g := NewPolygon([]float64{72.8512345, 19.0512345, 72.8513345, 19.0512845, 72.8512845, 19.0513345, 72.8511845, 19.0512845, 72.8512345, 19.0512345})
	b.ReportAllocs()
	for b.Loop() {
		c, _ := Clean(&g)
		if Validate(&c) != nil {
			b.Fatal("invalid")
		}
	}
}

func BenchmarkValidateLarge(b *testing.B) {
	g := NewPolygon(circle(100_000, 1, rand.New(rand.NewPCG(1, 1))))
	b.ReportAllocs()
	for b.Loop() {
		if Validate(&g) != nil {
			b.Fatal("invalid")
		}
	}
}
