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

func TestProjectKnownPositions(t *testing.T) {
	for _, c := range []struct {
		lon, lat float64
		x, y     float64 // EPSG:3857 metres, by PROJ 9.1
	}{
		{0, 0, 0, 0},
		{72.8777, 19.076, 8112708.454, 2163885.730},
		{-179.5, -80, -19981848.597, -15538711.096},
	} {
		x, y := Project(c.lon, c.lat)
		if dx, dy := float64(x)*MercatorUnit-c.x, -float64(y)*MercatorUnit-c.y; math.Abs(dx) > 0.01 || math.Abs(dy) > 0.01 {
			t.Errorf("%v %v: off by %.4f, %.4f m", c.lon, c.lat, dx, dy)
		}
	}
	for _, c := range [][2]float64{{180, 90}, {-180, -90}, {200, 89}} { // onto the border, no overflow
		x, y := Project(c[0], c[1])
		if c[0] > 0 && x != math.MaxInt32 || c[1] > 0 && y != math.MinInt32 || c[1] < 0 && y != math.MaxInt32 {
			t.Errorf("%v: %d %d", c, x, y)
		}
	}
}

func TestSevenDecimalsComeBackExactly(t *testing.T) {
	r := random(t)
	var u Unprojector
	for range 200_000 {
		lon, lat := math.Round((r.Float64()*360-180)*1e7)/1e7, math.Round((r.Float64()*170-85)*1e7)/1e7
		x, y := Project(lon, lat)
		glon, glat := u.LonLat(x, y)
		if math.Round(glon*1e7) != math.Round(lon*1e7) || math.Round(glat*1e7) != math.Round(lat*1e7) {
			t.Fatalf("%v %v came back as %v %v", lon, lat, glon, glat)
		}
		if elon, elat := Unproject(x, y); math.Abs(elon-glon) > 1e-11 || math.Abs(elat-glat) > 1e-11 {
			t.Fatalf("expansion %v %v, exact %v %v", glon, glat, elon, elat)
		}
	}
}

func TestTileMaths(t *testing.T) {
	if got := TileAt(72.8777, 19.076, 14); got != (Tile{14, 11508, 7307}) {
		t.Errorf("Mumbai at z14: %s", got)
	}
	for _, s := range []string{"", "1/2", "0/0/1", "99/0/0", "-1/0/0", "1/2/0", "23/0/0", "a/b/c", "1/0/0/0"} {
		if v, err := ParseTile(s); err == nil {
			t.Errorf("%q was read as %s", s, v)
		}
	}
	r := random(t)
	for range 2000 {
		z := uint32(r.IntN(MaxTileZoom + 1))
		tl := Tile{z, r.Uint32N(1 << z), r.Uint32N(1 << z)}
		got, err := ParseTile(tl.String())
		if err != nil || got != tl {
			t.Fatalf("%s read as %s: %v", tl, got, err)
		}
		b := tl.Box()
		if c := TileAt((b.W+b.E)/2, LatitudeOf(float64(func() int64 { _, y := tl.Origin(); return y }())+float64(int64(1)<<(31-z))), z); c != tl {
			t.Fatalf("%s: its centre is in %s", tl, c)
		}
		if z < MaxTileZoom {
			for _, c := range tl.Children() {
				if c.Parent(z) != tl {
					t.Fatalf("%s: child %s has parent %s", tl, c, c.Parent(z))
				}
			}
		}
		// TilesOf equals asking every neighbour.
		g := tl.GridBox(0)
		g = GridBox{g.MinX / 2, g.MinY / 2, g.MinX/2 + r.Int32N(1<<20), g.MinY/2 + r.Int32N(1<<20)}
		zz := uint32(10 + r.IntN(4))
		rg := TilesOf(g, zz, 64)
		for x := int64(rg.MinX) - 1; x <= int64(rg.MaxX)+1; x++ {
			for y := int64(rg.MinY) - 1; y <= int64(rg.MaxY)+1; y++ {
				o := Tile{zz, uint32(x), uint32(y)}
				if x < 0 || y < 0 || !o.Valid() {
					continue
				}
				if o.GridBox(64).Intersects(g) != rg.Contains(o) {
					t.Fatalf("box %v, tile %s: range %v", g, o, rg)
				}
			}
		}
	}
}

func BenchmarkProject(b *testing.B) {
	b.ReportAllocs()
	var s int32
	for i := range b.N {
		x, y := Project(72.8+float64(i&1023)*1e-5, 19+float64(i&1023)*1e-5)
		s += x + y
	}
	_ = s
}

func BenchmarkUnprojector(b *testing.B) {
	b.ReportAllocs()
	var u Unprojector
	x, y := Project(72.8, 19)
	var s float64
	for i := range b.N {
		lon, lat := u.LonLat(x+int32(i&0xffff), y+int32(i&0xffff))
		s += lon + lat
	}
	_ = s
}

func TestOuterBoxesContainWhatWasProjected(t *testing.T) {
	r := random(t)
	for range 20_000 {
		lon, lat := r.Float64()*360-180, r.Float64()*170-85
		if r.IntN(2) == 0 {
			lon, lat = math.Round(lon*1e7)/1e7, math.Round(lat*1e7)/1e7
		}
		x, y := Project(lon, lat)
		b := EmptyGridBox().Extend(x, y).Outer()
		if !b.Contains(lon, lat) {
			t.Fatalf("%v does not contain %v, %v", b, lon, lat)
		}
		if b.E-b.W > 3.1e-7 || b.N-b.S > 3.1e-7 {
			t.Fatalf("%v is too large for %v, %v", b, lon, lat)
		}
		for _, v := range []float64{b.W, b.S, b.E, b.N} {
			s := strconv.FormatFloat(v, 'f', -1, 64)
			if i := strings.IndexByte(s, '.'); i >= 0 && len(s)-i-1 > 7 {
				t.Fatalf("%s has more than seven decimals", s)
			}
		}
	}
	if b := EmptyGridBox().Outer(); !b.IsEmpty() {
		t.Errorf("of nothing: %v", b)
	}
	if b := (GridBox{math.MinInt32, math.MinInt32, math.MaxInt32, math.MaxInt32}).Outer(); b.W != -180 || b.E != 180 {
		t.Errorf("of the world: %v", b)
	}
}
