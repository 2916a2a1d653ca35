package geo

import (
	"math"
	"testing"
)

// starRing is a simple ring round a centre, by angle.
func starRing(angles []float64, radius func(i int) float64, cx, cy float64) []int32 {
	var out []int32
	for i, a := range angles {
		s, c := math.Sincos(a)
		out = append(out, int32(math.Round(cx+c*radius(i))), int32(math.Round(cy+s*radius(i))))
	}
	return out
}

// combRing is a comb with teeth that a border cuts many times.
func combRing(x, y, teeth, w, h int32) []int32 {
	out := []int32{x, y, x + teeth*2*w, y}
	for i := teeth - 1; i >= 0; i-- {
		out = append(out, x+(2*i+2)*w, y+h, x+(2*i+1)*w, y+h, x+(2*i+1)*w, y+w, x+2*i*w+w/2, y+w)
	}
	return out
}

func sideOf(x, y int32, coords, ends []int32) Side {
	in := false
	var from int32
	for _, e := range ends {
		switch RingSide(x, y, coords[from*2:e*2]) {
		case OnBorder:
			return OnBorder
		case Inside:
			in = !in
		}
		from = e
	}
	if in {
		return Inside
	}
	return Outside
}

func area2(coords, ends []int32) float64 {
	sum := 0.0
	var from int32
	for _, e := range ends {
		sum += float64(RingArea2(coords[from*2 : e*2]))
		from = e
	}
	return sum
}

// far reports whether no edge passes within d of the position.
func far(x, y int32, coords, ends []int32, d float64) bool {
	var from int32
	for _, e := range ends {
		r := coords[from*2 : e*2]
		n := len(r)
		for i := 0; i < n; i += 2 {
			j := (i + 2) % n
			px, py := ClosestOnSegment(float64(x), float64(y), float64(r[i]), float64(r[i+1]), float64(r[j]), float64(r[j+1]))
			if math.Hypot(px-float64(x), py-float64(y)) < d {
				return false
			}
		}
		from = e
	}
	return true
}

func TestClippedPolygonHoldsTheSamePositions(t *testing.T) {
	r := random(t)
	var c Clipper
	box := GridBox{-64, -64, 4160, 4160}
	for n := range 3000 {
		var coords, ends []int32
		cx, cy := r.Float64()*6000-1000, r.Float64()*6000-1000
		if n%3 == 0 {
			coords = combRing(int32(cx)-2000, int32(cy)-1000, 2+r.Int32N(8), 40+r.Int32N(200), 500+r.Int32N(4000))
		} else {
			var angles []float64
			for a := 0.0; a < 2*math.Pi-0.3; a += 0.1 + r.Float64()*0.8 {
				angles = append(angles, a)
			}
			size := 500 + r.Float64()*5000
			coords = starRing(angles, func(int) float64 { return size * (0.5 + r.Float64()*0.5) }, cx, cy)
			if n%2 == 0 {
				hole := starRing(angles, func(int) float64 { return size * (0.1 + r.Float64()*0.2) }, cx, cy)
				for i, j := 0, len(hole)-2; i < j; i, j = i+2, j-2 {
					hole[i], hole[j], hole[i+1], hole[j+1] = hole[j], hole[i], hole[j+1], hole[i+1]
				}
				ends = append(ends, int32(len(coords)/2))
				coords = append(coords, hole...)
			}
		}
		ends = append(ends, int32(len(coords)/2))
		if RingArea2(coords[:ends[0]*2]) < 0 && len(ends) == 1 {
			for i, j := 0, len(coords)-2; i < j; i, j = i+2, j-2 {
				coords[i], coords[j], coords[i+1], coords[j+1] = coords[j], coords[i], coords[j+1], coords[i+1]
			}
		}
		oc, oe := c.Polygon(coords, ends, box)
		for i := 0; i+1 < len(oc); i += 2 {
			if oc[i] < box.MinX || oc[i] > box.MaxX || oc[i+1] < box.MinY || oc[i+1] > box.MaxY {
				t.Fatalf("%d: %d %d lies outside", n, oc[i], oc[i+1])
			}
		}
		for range 60 {
			x, y := -64+r.Int32N(4225), -64+r.Int32N(4225)
			if !far(x, y, coords, ends, 2) {
				continue
			}
			if a, b := sideOf(x, y, coords, ends), sideOf(x, y, oc, oe); a != b && b != OnBorder {
				t.Fatalf("%d: %d %d is %d in the polygon, %d in the clipped one\n%v %v\n%v %v", n, x, y, a, b, coords, ends, oc, oe)
			}
		}
		// Holes and outer rings cancel out: the area is that of a slow count by rows.
		if n%50 == 0 {
			sum := 0
			for x := int32(-60); x < 4160; x += 8 {
				for y := int32(-60); y < 4160; y += 8 {
					if sideOf(x, y, coords, ends) == Inside {
						sum += 64
					}
				}
			}
			if got := area2(oc, oe) / 2; math.Abs(got-float64(sum)) > 0.04*float64(sum)+60_000 {
				t.Errorf("%d: area %.0f, by counting %d", n, got, sum)
			}
		}
	}
}

func TestClipKeepsSharedEdges(t *testing.T) {
	var c Clipper
	// The same edge in both directions is cut at the same places.
	r := random(t)
	box := GridBox{0, 0, 4096, 4096}
	for range 10_000 {
		p := [4]int32{r.Int32N(9000) - 3000, r.Int32N(9000) - 3000, r.Int32N(9000) - 3000, r.Int32N(9000) - 3000}
		a, _ := c.Line(nil, nil, []int32{p[0], p[1], p[2], p[3]}, box)
		b, _ := c.Line(nil, nil, []int32{p[2], p[3], p[0], p[1]}, box)
		if len(a) != len(b) {
			t.Fatalf("%v: %v and %v", p, a, b)
		}
		if len(a) == 4 && (a[0] != b[2] || a[1] != b[3] || a[2] != b[0] || a[3] != b[1]) {
			t.Fatalf("%v: %v and %v", p, a, b)
		}
	}
}

func TestClipLineParts(t *testing.T) {
	var c Clipper
	box := GridBox{0, 0, 10, 10}
	for _, k := range []struct {
		line, coords, ends []int32
	}{
		{[]int32{2, 2, 8, 8}, []int32{2, 2, 8, 8}, []int32{2}},
		{[]int32{-5, 5, 15, 5}, []int32{0, 5, 10, 5}, []int32{2}},
		{[]int32{5, 5, 15, 5, 15, 7, 5, 7}, []int32{5, 5, 10, 5, 10, 7, 5, 7}, []int32{2, 4}},
		{[]int32{-5, 0, 0, -5}, nil, nil},
		{[]int32{-5, 5, 0, 5, -5, 6}, nil, nil}, // touches the border
		{[]int32{11, 0, 11, 10}, nil, nil},
		{[]int32{10, 0, 10, 10}, []int32{10, 0, 10, 10}, []int32{2}}, // along the border
	} {
		coords, ends := c.Line(nil, nil, k.line, box)
		if len(coords) != len(k.coords) || len(ends) != len(k.ends) {
			t.Errorf("%v: %v %v, want %v %v", k.line, coords, ends, k.coords, k.ends)
			continue
		}
		for i := range coords {
			if coords[i] != k.coords[i] {
				t.Errorf("%v: %v, want %v", k.line, coords, k.coords)
			}
		}
	}
}

func TestPolygonThatCoversTheBox(t *testing.T) {
	var c Clipper
	big := []int32{-10000, -10000, 10000, -10000, 10000, 10000, -10000, 10000}
	coords, ends := c.Polygon(big, []int32{4}, GridBox{0, 0, 4096, 4096})
	if len(ends) != 1 || area2(coords, ends)/2 != 4096*4096 {
		t.Errorf("%v %v", coords, ends)
	}
	// A hole that covers the box leaves nothing.
	hole := []int32{-9000, -9000, -9000, 9000, 9000, 9000, 9000, -9000}
	if _, ends := c.Polygon(append(big, hole...), []int32{4, 8}, GridBox{0, 0, 4096, 4096}); len(ends) == 0 {
		return
	}
	coords, ends = c.Polygon(append(big, hole...), []int32{4, 8}, GridBox{0, 0, 4096, 4096})
	if a := area2(coords, ends); a != 0 {
		t.Errorf("area %v of a hole", a)
	}
}

func TestCleanRing(t *testing.T) {
	for _, k := range []struct{ in, want []int32 }{
		{[]int32{0, 0, 5, 0, 5, 0, 5, 5, 0, 5}, []int32{0, 0, 5, 0, 5, 5, 0, 5}},
		{[]int32{0, 0, 2, 0, 5, 0, 5, 5, 0, 5}, []int32{0, 0, 5, 0, 5, 5, 0, 5}},
		{[]int32{0, 0, 5, 0, 9, 0, 5, 0, 5, 5, 0, 5}, []int32{0, 0, 5, 0, 5, 5, 0, 5}}, // a spike
		{[]int32{2, 0, 5, 0, 5, 5, 0, 5, 0, 0}, []int32{5, 0, 5, 5, 0, 5, 0, 0}},       // the seam on a line
		{[]int32{0, 0, 5, 0, 9, 0}, nil},
		{[]int32{0, 0, 5, 5, 0, 0, 5, 5}, nil},
		{[]int32{1, 1}, nil},
		{nil, nil},
	} {
		got := CleanRing(append([]int32(nil), k.in...))
		if len(got) != len(k.want) {
			t.Errorf("%v: %v, want %v", k.in, got, k.want)
			continue
		}
		for i := range got {
			if got[i] != k.want[i] {
				t.Errorf("%v: %v, want %v", k.in, got, k.want)
				break
			}
		}
	}
}

func FuzzClipPolygon(f *testing.F) {
	f.Add([]byte{0, 0, 200, 0, 200, 200, 0, 200, 50, 50, 50, 100, 100, 100}, byte(4))
	f.Fuzz(func(t *testing.T, b []byte, split byte) {
		var coords []int32
		for _, v := range b {
			coords = append(coords, int32(v)*40-2000)
		}
		coords = coords[:len(coords)/2*2]
		n := int32(len(coords) / 2)
		if n == 0 {
			return
		}
		ends := []int32{n}
		if s := int32(split) % n; s > 0 {
			ends = []int32{s, n}
		}
		var c Clipper
		box := GridBox{-64, -64, 4160, 4160}
		oc, oe := c.Polygon(coords, ends, box)
		var from int32
		for _, e := range oe {
			if e < from {
				t.Fatal("ends fall")
			}
			if r := CleanRing(oc[from*2 : e*2]); r != nil && (len(r) < 6 || boxOfRing(r).Union(box) != box) {
				t.Fatalf("ring %v", r)
			}
			from = e
		}
	})
}

func boxOfRing(r []int32) GridBox {
	b := EmptyGridBox()
	for i := 0; i+1 < len(r); i += 2 {
		b = b.Extend(r[i], r[i+1])
	}
	return b
}

func TestSimplifyKeepsWithinTolerance(t *testing.T) {
	r := random(t)
	var s Simplifier
	for range 500 {
		var line []int32
		x, y := int32(0), int32(0)
		for range 2 + r.IntN(200) {
			x, y = x+r.Int32N(21)-8, y+r.Int32N(21)-10
			line = append(line, x, y)
		}
		tol := 1 + r.Float64()*10
		got := s.Line(nil, line, tol)
		if got[0] != line[0] || got[len(got)-1] != line[len(line)-1] {
			t.Fatal("an end moved")
		}
		for i := 0; i < len(line); i += 2 {
			best := math.Inf(1)
			for j := 0; j+3 < len(got); j += 2 {
				px, py := ClosestOnSegment(float64(line[i]), float64(line[i+1]), float64(got[j]), float64(got[j+1]), float64(got[j+2]), float64(got[j+3]))
				best = min(best, math.Hypot(px-float64(line[i]), py-float64(line[i+1])))
			}
			if len(got) >= 4 && best > tol+1e-9 {
				t.Fatalf("a position is %.2f off, tolerance %.2f", best, tol)
			}
		}
	}
}
