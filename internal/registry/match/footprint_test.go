package match

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"nagar/catalog/uid"
	"nagar/geo"
	"nagar/geo/geojson"
)

// The tests' plane: metres east and north of a place in the city.
const lon0, lat0 = 72.85, 19.1

func poly(rings ...[]float64) geo.Geometry {
	kx, ky := geo.MetresPerDegree(lat0)
	out := make([][]float64, len(rings))
	for i, r := range rings {
		for k := 0; k+1 < len(r); k += 2 {
			out[i] = append(out[i], lon0+r[k]/kx, lat0+r[k+1]/ky)
		}
		out[i] = append(out[i], out[i][0], out[i][1])
	}
	return geo.NewPolygon(out...)
}

func rect(x, y, w, h float64) geo.Geometry {
	return poly([]float64{x, y, x + w, y, x + w, y + h, x, y + h})
}

func id(n int) uid.UID { return uid.FromBits(uint64(n)) }

// TestEvents: one case for each thing that may happen, as a surveyor would say it.
func TestEvents(t *testing.T) {
	big := rect(0, 0, 20, 20)
	court := poly([]float64{0, 0, 20, 0, 20, 20, 0, 20}, []float64{5, 5, 5, 15, 15, 15, 15, 5})
	for name, c := range map[string]struct {
		old, new []geo.Geometry
		want     string // kind old>new, * where the UID is kept
	}{
		"untouched":                  {[]geo.Geometry{big}, []geo.Geometry{big}, "same 1>a*"},
		"measured again":             {[]geo.Geometry{big}, []geo.Geometry{rect(.3, -.2, 19.8, 20.3)}, "same 1>a*"},
		"a wing was added":           {[]geo.Geometry{big}, []geo.Geometry{rect(0, 0, 30, 20)}, "changed 1>a*"},
		"the yard was built over":    {[]geo.Geometry{court}, []geo.Geometry{big}, "changed 1>a*"},
		"a kiosk in the yard":        {[]geo.Geometry{court}, []geo.Geometry{court, rect(8, 8, 3, 3)}, "new >b, same 1>a*"},
		"gone":                       {[]geo.Geometry{big}, nil, "gone 1>"},
		"new":                        {nil, []geo.Geometry{big}, "new >a"},
		"another in its place":       {[]geo.Geometry{big}, []geo.Geometry{rect(14, 14, 20, 20)}, "new >a, gone 1>"},
		"a neighbour wall to wall":   {[]geo.Geometry{big}, []geo.Geometry{big, rect(20, 0, 20, 20)}, "new >b, same 1>a*"},
		"halved":                     {[]geo.Geometry{big}, []geo.Geometry{rect(0, 0, 8, 20), rect(8, 0, 12, 20)}, "split 1>a, split 1>b*"},
		"joined":                     {[]geo.Geometry{rect(0, 0, 12, 20), rect(12, 0, 8, 20)}, []geo.Geometry{big}, "merged 1>a*, merged 2>a"},
		"three of two":               {[]geo.Geometry{rect(0, 0, 30, 10), rect(30, 0, 30, 10)}, []geo.Geometry{rect(0, 0, 18, 10), rect(18, 0, 24, 10), rect(42, 0, 18, 10)}, "mixed 1>a*, mixed 1>b, mixed 2>b, mixed 2>c*"},
		"a shed goes with the house": {[]geo.Geometry{rect(0, 0, 20, 20), rect(20, 0, 4, 4)}, []geo.Geometry{rect(0, 0, 24, 20)}, "merged 1>a*, merged 2>a"},
		"a sliver of the neighbour":  {[]geo.Geometry{big, rect(20, 0, 20, 20)}, []geo.Geometry{rect(0, 0, 23, 20), rect(23, 0, 17, 20)}, "changed 1>a*, changed 2>b*"},
		"two parts":                  {[]geo.Geometry{big}, []geo.Geometry{rect(0, 0, 20, 10), rect(0, 10.5, 20, 9.5)}, "split 1>a*, split 1>b"},
	} {
		t.Run(name, func(t *testing.T) {
			var old []Old
			var new []New
			for i, g := range c.old {
				old = append(old, Old{id(i + 1), g})
			}
			for i, g := range c.new {
				new = append(new, New{string(rune('a' + i)), g})
			}
			r, err := Footprints(old, new, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range r.Rows {
				s := b.Kind.String() + " "
				for i := range old {
					if old[i].UID == b.From {
						s += strconv.Itoa(i + 1)
					}
				}
				s += ">" + b.To
				if b.Keeps {
					s += "*"
				}
				got = append(got, s)
			}
			if g := strings.Join(got, ", "); g != c.want {
				t.Errorf("%s, want %s", g, c.want)
			}
		})
	}
}

func seeded(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// resurvey makes a town of n houses and its second survey, in which each corner is
// measured anew and the whole lies dx, dy off. truth is the UID that each new
// footprint must keep; 0 where it must be another's than any old.
func resurvey(r *rand.Rand, n int, dx, dy float64) (old []Old, new []New, truth map[string]uid.UID) {
	truth = map[string]uid.UID{}
	side := int(math.Ceil(math.Sqrt(float64(n))))
	for i := range n {
		x, y := float64(i%side)*24+3*r.Float64(), float64(i/side)*24+3*r.Float64()
		w, h := 6+12*r.Float64(), 6+12*r.Float64()
		u := id(1000 + i)
		old = append(old, Old{u, ell(x, y, w, h, nil, 0, 0)})
		add := func(tag string, keeps uid.UID, x, y, w, h float64) {
			key := fmt.Sprintf("n%05d%s", i, tag)
			new = append(new, New{key, ell(x, y, w, h, r, dx, dy)})
			truth[key] = keeps
		}
		switch k := r.IntN(100); {
		case k == 0: // gone
		case k == 1: // split
			add("a", u, x, y, w*.6, h)
			add("b", 0, x+w*.6, y, w*.4, h)
		case k == 2: // grown
			add("", u, x, y, w+5, h+2)
		case k == 3: // a new one beside it
			add("", u, x, y, w, h)
			add("n", 0, x, y+h+.5, 4, 3)
		default:
			add("", u, x, y, w, h)
		}
	}
	return old, new, truth
}

// ell is an L-shaped house; with r each corner is off by some decimetres.
func ell(x, y, w, h float64, r *rand.Rand, dx, dy float64) geo.Geometry {
	l := []float64{x, y, x + w, y, x + w, y + h*.7, x + w*.6, y + h*.7, x + w*.6, y + h, x, y + h}
	for i := range l {
		if r != nil {
			l[i] += r.NormFloat64()*.12 + []float64{dx, dy}[i%2]
		}
	}
	return poly(l)
}

// TestSurvivorsKeepTheirUIDs over random towns; running it in another order, and
// again with what came out, changes nothing.
func TestSurvivorsKeepTheirUIDs(t *testing.T) {
	r := seeded(t)
	for range 6 {
		dx, dy := 4*r.Float64()-2, 4*r.Float64()-2
		old, new, truth := resurvey(r, 1500, dx, dy)
		res, err := Footprints(old, new, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if math.Hypot(res.DX-dx, res.DY-dy) > .1 {
			t.Errorf("lies off by %.2f %.2f, found %.2f %.2f", dx, dy, res.DX, res.DY)
		}
		for key, want := range truth {
			if got := res.UIDs[key]; got != want {
				t.Errorf("%s goes on as %v, want %v", key, got, want)
			}
		}
		r.Shuffle(len(old), func(i, j int) { old[i], old[j] = old[j], old[i] })
		r.Shuffle(len(new), func(i, j int) { new[i], new[j] = new[j], new[i] })
		again, err := Footprints(old, new, Options{})
		if err != nil || !reflect.DeepEqual(res, again) {
			t.Errorf("another order, another answer (%v)", err)
		}
		next := make([]Old, len(new))
		for i, f := range new {
			u, ok := res.UIDs[f.ID]
			if !ok {
				u = id(1_000_000 + i)
			}
			next[i] = Old{u, f.Geometry}
		}
		settled, err := Footprints(next, new, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range settled.Rows {
			if b.Kind != Same || !b.Keeps || settled.DX != 0 {
				t.Fatalf("after it was applied: %+v", b)
			}
		}
	}
}

func TestFootprintsRefuses(t *testing.T) {
	g := rect(0, 0, 5, 5)
	if _, err := Footprints([]Old{{id(1), g}, {id(1), g}}, nil, Options{}); err == nil || !strings.Contains(err.Error(), id(1).String()) {
		t.Errorf("a UID twice: %v", err)
	}
	if _, err := Footprints(nil, []New{{"x", g}, {"x", g}}, Options{}); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("an id twice: %v", err)
	}
	r, err := Footprints([]Old{{id(1), geo.NewPoint(lon0, lat0)}, {id(2), geo.Geometry{}}}, []New{{"x", geo.Geometry{}}}, Options{})
	if err != nil || len(r.Rows) != 3 || len(r.UIDs) != 0 {
		t.Errorf("footprints without area: %+v %v", r, err)
	}
}

// TestRealBuildings: the buildings of a real district, their survey moved by two
// metres, keep all their UIDs, but for those that stand in the data twice.
func TestRealBuildings(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "data", "mumbai", "bkc_buildings_heights.geojson"))
	if err != nil {
		t.Skip("no real data beside the project")
	}
	var doc struct {
		Features []struct{ Geometry json.RawMessage }
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var old []Old
	var new []New
	for i, f := range doc.Features {
		g, _, err := geojson.DecodeGeometry(f.Geometry)
		if err != nil {
			t.Fatal(err)
		}
		old = append(old, Old{id(i + 1), g})
		m := g
		m.Coords = append([]float64{}, g.Coords...)
		for k := 0; k < len(m.Coords); k += m.Stride() {
			m.Coords[k] += 2 / 105_000.
		}
		new = append(new, New{fmt.Sprint(i), m})
	}
	res, err := Footprints(old, new, Options{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[Kind]int{}
	for _, b := range res.Rows {
		kinds[b.Kind]++
		if b.Kind == Same && res.UIDs[b.To] != b.From {
			t.Errorf("%+v", b)
		}
	}
	t.Logf("%v, off by %.2f %.2f m", kinds, res.DX, res.DY)
	if kinds[Gone]+kinds[Built] > 0 || kinds[Same] < 880 || math.Abs(res.DX-2) > .05 {
		t.Errorf("%v, off by %.2f %.2f m", kinds, res.DX, res.DY)
	}
}

func BenchmarkFootprints(b *testing.B) {
	old, new, _ := resurvey(rand.New(rand.NewPCG(1, 2)), 20_000, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Footprints(old, new, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(new))/b.Elapsed().Seconds(), "footprints/s")
}
