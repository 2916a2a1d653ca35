package index

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// random returns a generator with a logged seed; SEED repeats a run.
func random(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func things() *catalog.Collection {
	return &catalog.Collection{Name: "things", Geometry: catalog.GeometryAny, Fields: []catalog.Field{
		{Name: "text", Type: catalog.TypeText}, {Name: "int", Type: catalog.TypeInteger}, {Name: "real", Type: catalog.TypeReal},
		{Name: "bool", Type: catalog.TypeBoolean}, {Name: "time", Type: catalog.TypeTime}, {Name: "date", Type: catalog.TypeDate},
		{Name: "json", Type: catalog.TypeJSON}, {Name: "many", Type: catalog.TypeInteger}, {Name: "uid", Type: catalog.TypeText}, {Name: "never", Type: catalog.TypeText},
	}}
}

// thing is a feature of any geometry type with some of the properties.
func thing(r *rand.Rand, i int) catalog.Feature {
	x, y := 72.8+r.Float64()*0.1, 19+r.Float64()*0.1
	sq := func(x, y, d float64) []float64 { return []float64{x, y, x + d, y, x + d, y + d, x, y + d, x, y} }
	f := catalog.Feature{ID: fmt.Sprint("t", i)}
	switch r.IntN(8) {
	case 0:
		f.Geometry = geo.NewPoint(x, y)
	case 1:
		f.Geometry = geo.NewLineString([]float64{x, y, x + r.Float64()*0.01, y + r.Float64()*0.01, x + 0.005, y})
	case 2:
		f.Geometry = geo.NewPolygon(sq(x, y, 0.002), sq(x+0.0005, y+0.0005, 0.0005))
	case 3:
		f.Geometry = geo.Geometry{Type: geo.MultiPoint, Coords: []float64{x, y, x + 0.001, y + 0.002}}
	case 4:
		f.Geometry = geo.Geometry{Type: geo.MultiPolygon, Coords: append(sq(x, y, 0.001), sq(x+0.002, y, 0.001)...), Ends: []int32{5, 10}, Polys: []int32{1, 2}}
	case 5:
		f.Geometry = geo.Geometry{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(x, y), geo.NewPolygon(sq(x, y, 0.001)),
			{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewLineString([]float64{x, y, x + 0.003, y + 0.001})}}}}
	case 6: // none
	default:
		f.Geometry = geo.NewPolygon(sq(x, y, 0.001))
	}
	add := func(name string, v catalog.Value) {
		if r.IntN(4) > 0 {
			f.Props = append(f.Props, catalog.Property{Name: name, Value: v})
		}
	}
	add("uid", catalog.Text(fmt.Sprintf("%016x", r.Uint64())))
	add("text", catalog.Text([]string{"", "a", "दादर", "x\"y"}[r.IntN(4)]))
	add("int", catalog.Integer([]int64{math.MinInt64, -1, 0, 1, math.MaxInt64}[r.IntN(5)]))
	add("real", catalog.Real(r.NormFloat64()))
	add("bool", catalog.Boolean(r.IntN(2) == 0))
	add("time", catalog.Time(time.UnixMicro(r.Int64N(2e15))))
	add("date", catalog.Date(time.Unix(r.Int64N(2e9), 0).UTC()))
	add("json", catalog.JSON(`{"a":[1,null]}`))
	add("many", catalog.Integer(r.Int64()))
	return f
}

// same reports what differs between the snapshot and a fresh build of the features.
func same(t *testing.T, s *Snapshot, c *catalog.Collection, want map[string]catalog.Feature) {
	t.Helper()
	if s.Len() != len(want) {
		t.Fatalf("%d features, want %d", s.Len(), len(want))
	}
	b := NewBuilder(c)
	for _, f := range want {
		b.Add(&f)
	}
	fresh := NewSnapshot(b.Build())
	n := 0
	s.All(func(r Ref) bool {
		n++
		g := s.Segment(r.Part)
		f, ok := want[g.ID(r.Handle)]
		if !ok {
			t.Fatalf("%s should not be there", g.ID(r.Handle))
		}
		for i := range c.Fields {
			if v := g.Value(r.Handle, i); v != f.Props.Get(c.Fields[i].Name) {
				t.Fatalf("%s.%s is %v, want %v", f.ID, c.Fields[i].Name, v, f.Props.Get(c.Fields[i].Name))
			}
		}
		if x, ok := s.FindID(c.Name, f.ID); !ok || x != r {
			t.Fatalf("%s is not found by id", f.ID)
		}
		if _, ok := s.FindKey(catalog.KeyOf(c.Name, f.ID)); !ok {
			t.Fatalf("%s is not found by key", f.ID)
		}
		return true
	})
	if n != len(want) {
		t.Fatalf("All yields %d, want %d", n, len(want))
	}
	var f1, f2 Finder
	var sh1, sh2 Shape
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		x, y := geo.Project(72.8+r.Float64()*0.1, 19+r.Float64()*0.1)
		q := geo.GridBox{MinX: x, MinY: y, MaxX: x + r.Int32N(1<<18), MaxY: y + r.Int32N(1<<18)}
		a, b := f1.Search(s, q), f2.Search(fresh, q)
		if len(a) != len(b) {
			t.Fatalf("search finds %d, want %d", len(a), len(b))
		}
		for i := range a {
			ga, gb := s.Segment(a[i].Part), fresh.Segment(b[i].Part)
			if ga.ID(a[i].Handle) != gb.ID(b[i].Handle) {
				t.Fatalf("order: %s at %d, want %s", ga.ID(a[i].Handle), i, gb.ID(b[i].Handle))
			}
			oka, okb := ga.Shape(a[i].Handle, &sh1), gb.Shape(b[i].Handle, &sh2)
			for oka && okb {
				if sh1.Type != sh2.Type || !slices.Equal(sh1.Coords, sh2.Coords) || !slices.Equal(sh1.Ends, sh2.Ends) || !slices.Equal(sh1.Polys, sh2.Polys) {
					t.Fatalf("%s: shapes differ: %+v %+v", ga.ID(a[i].Handle), sh1, sh2)
				}
				oka, okb = sh1.Next(), sh2.Next()
			}
			if oka != okb {
				t.Fatalf("%s: members differ", ga.ID(a[i].Handle))
			}
		}
	}
}

func TestEditSequencesEqualAFreshBuild(t *testing.T) {
	r := random(t)
	c := things()
	for range 3 {
		want := map[string]catalog.Feature{}
		s := NewSnapshot(NewBuilder(c).Build())
		var pending *Merge
		var planned int
		for step := range 400 {
			var edits []Edit
			used := map[string]bool{}
			for range 1 + r.IntN(60) {
				i := r.IntN(3000)
				f := thing(r, i)
				if used[f.ID] {
					continue
				}
				used[f.ID] = true
				if r.IntN(3) == 0 {
					edits = append(edits, Edit{ID: f.ID})
					delete(want, f.ID)
				} else {
					edits = append(edits, Edit{ID: f.ID, New: &f})
					want[f.ID] = f
				}
			}
			s = s.Apply(c, edits, func(geo.GridBox) {})
			// A merge is made of an older snapshot and installed in a later one.
			if pending == nil && r.IntN(10) == 0 && len(s.parts) > 1 {
				pending = &Merge{from: s.parts}
				if r.IntN(2) == 0 {
					pending = &Merge{from: s.parts[:len(s.parts)/2+1]}
				}
				planned = step
			} else if pending != nil && step-planned > r.IntN(30) {
				pending.Run(c)
				s = pending.Install(s)
				pending = nil
			}
			if len(s.parts) > 60 {
				t.Fatalf("%d segments", len(s.parts))
			}
		}
		same(t, s, c, want)
	}
}

func TestFieldsAddedLaterAreNullBefore(t *testing.T) {
	c := things()
	b := NewBuilder(c)
	f := catalog.Feature{ID: "a", Geometry: geo.NewPoint(72.8, 19), Props: catalog.Properties{{Name: "text", Value: catalog.Text("x")}}}
	b.Add(&f)
	s := NewSnapshot(b.Build())
	c.Fields = append(c.Fields, catalog.Field{Name: "late", Type: catalog.TypeText})
	want := map[string]catalog.Feature{"a": f}
	for i := range 20 {
		g := catalog.Feature{ID: fmt.Sprint("b", i), Geometry: geo.NewPoint(72.8, 19), Props: catalog.Properties{{Name: "late", Value: catalog.Text("y")}}}
		want[g.ID] = g
		s = s.Apply(c, []Edit{{ID: g.ID, New: &g}}, func(geo.GridBox) {})
	}
	m := &Merge{from: s.parts}
	m.Run(c)
	s = m.Install(s)
	same(t, s, c, want)
	if s.Parts() != 1 {
		t.Errorf("%d segments", s.Parts())
	}
}

func TestColumnsOfEveryWidth(t *testing.T) {
	c := things()
	for _, distinct := range []int{1, 255, 256, 5000, 70_000} {
		b := NewBuilder(c)
		n := 80_000
		for i := range n {
			f := catalog.Feature{ID: fmt.Sprint(i)}
			if i%7 != 0 {
				f.Props = catalog.Properties{{Name: "many", Value: catalog.Integer(int64(i % distinct))}, {Name: "uid", Value: catalog.Text(fmt.Sprint("u", i%distinct))}}
			}
			b.Add(&f)
		}
		s := b.Build()
		for h := range int32(n) {
			i, _ := strconv.Atoi(s.ID(h))
			wantN, wantT := catalog.Null, catalog.Null
			if i%7 != 0 {
				wantN, wantT = catalog.Integer(int64(i%distinct)), catalog.Text(fmt.Sprint("u", i%distinct))
			}
			if s.Value(h, 7) != wantN || s.Value(h, 8) != wantT {
				t.Fatalf("%d different: feature %d is %v, %v", distinct, i, s.Value(h, 7), s.Value(h, 8))
			}
		}
	}
}

func TestNearestWalksInOrderOverManySegments(t *testing.T) {
	r := random(t)
	c := things()
	want := map[string]catalog.Feature{}
	s := NewSnapshot(NewBuilder(c).Build())
	for i := range 600 {
		f := thing(r, i%500)
		want[f.ID] = f
		s = s.Apply(c, []Edit{{ID: f.ID, New: &f}}, func(geo.GridBox) {})
	}
	var f Finder
	for range 20 {
		lon, lat := 72.75+r.Float64()*0.2, 18.95+r.Float64()*0.2
		var all []float64
		for _, x := range want {
			if d := geo.DistanceTo(lon, lat, &x.Geometry); !math.IsInf(d, 1) {
				all = append(all, d)
			}
		}
		slices.Sort(all)
		i, last := 0, Neighbour{Metres: -1}
		f.Nearest(s, lon, lat, func(Ref) (bool, bool) { return true, true }, func(n Neighbour) bool {
			if !last.before(n) {
				t.Fatalf("%+v after %+v", n, last)
			}
			if math.Abs(n.Metres-all[i]) > 0.02+all[i]*1e-5 {
				t.Fatalf("place %d: %.3f m, want %.3f", i, n.Metres, all[i])
			}
			last = n
			i++
			return true
		})
		if i != len(all) {
			t.Fatalf("%d neighbours, want %d", i, len(all))
		}
	}
}

func TestRegionEqualsSlowTest(t *testing.T) {
	r := random(t)
	c := things()
	b := NewBuilder(c)
	for i := range 800 {
		f := thing(r, i)
		b.Add(&f)
	}
	s := b.Build()
	var sh, other Shape
	for range 60 {
		var ring []float64
		x, y, n := 72.8+r.Float64()*0.1, 19+r.Float64()*0.1, 3+r.IntN(40)
		for i := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
			d := 0.001 + r.Float64()*0.02
			ring = append(ring, x+cos*d, y+sin*d)
		}
		ring = append(ring, ring[0], ring[1])
		g := geo.NewPolygon(ring)
		region := NewRegion(&g)
		p := packer{box: geo.EmptyGridBox()}
		p.headed(&g)
		other.rest = p.words
		other.Next()
		for h := range int32(s.Boxed()) {
			if got, want := s.MeetsRegion(h, region, &sh), slowMeets(s, h, &other); got != want {
				t.Fatalf("%s: %v, want %v", s.ID(h), got, want)
			}
		}
	}
}

func slowMeets(s *Segment, h int32, q *Shape) bool {
	var sh Shape
	for ok := s.Shape(h, &sh); ok; ok = sh.Next() {
		for i := 0; i+1 < len(sh.Coords); i += 2 {
			if q.side(sh.Coords[i], sh.Coords[i+1]) != geo.Outside {
				return true
			}
		}
		for i := 0; i+1 < len(q.Coords); i += 2 {
			if sh.side(q.Coords[i], q.Coords[i+1]) != geo.Outside {
				return true
			}
		}
		met := false
		sh.edges(func(ax, ay, bx, by int32) bool {
			q.edges(func(cx, cy, dx, dy int32) bool {
				met = met || geo.SegmentsMeet(ax, ay, bx, by, cx, cy, dx, dy)
				return !met
			})
			return !met
		})
		if met {
			return true
		}
	}
	return false
}

func TestHilbertVisitsNeighbours(t *testing.T) {
	// On a coarse lattice, consecutive places are neighbouring cells, each visited once.
	const n = 32
	at := map[uint64][2]int{}
	for x := range n {
		for y := range n {
			at[hilbert(int32(x<<27)^math.MinInt32, int32(y<<27)^math.MinInt32)>>54] = [2]int{x, y}
		}
	}
	if len(at) != n*n {
		t.Fatalf("%d places for %d cells", len(at), n*n)
	}
	for d := uint64(1); d < n*n; d++ {
		a, b := at[d-1], at[d]
		if abs(a[0]-b[0])+abs(a[1]-b[1]) != 1 {
			t.Fatalf("%v follows %v", b, a)
		}
	}
}

func abs(v int) int { return max(v, -v) }
