package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

var windowCases = []testCase{
	{name: "window/brute-force", run: testWindow},
	{name: "window/borders", run: testBorders},
	{name: "cancel/scan", run: testCancelScan},
	{name: "cancel/apply", run: testCancelApply},
	{name: "cancel/changes", run: testCancelChanges},
}

// testWindow compares scans in random boxes, now and in the past, with a loop
// over everything.
func testWindow(e *env) {
	e.define(places())
	rng := e.rng()
	model := newOracle()
	var revs []catalog.Rev
	var asofs []time.Time
	for step := range 6 {
		from := year(2000 + 3*step)
		var ops []catalog.Op
		for i := range 400 {
			op := since(from, put(fmt.Sprint("f", i), "n", step))
			op.Feature.Geometry = randomGeometry(rng)
			switch rng.IntN(8) {
			case 0:
				op = since(from, del(fmt.Sprint("f", i)))
			case 1, 2, 3:
				if step > 0 {
					continue
				}
			}
			ops = append(ops, op)
		}
		r := e.apply(e.s, ops...)
		if _, err := model.apply(ops, r.Rev, time.Now()); err != nil {
			e.Fatal(err)
		}
		revs = append(revs, r.Rev)
		asofs = append(asofs, from, from.AddDate(1, 0, 0))
	}
	found := 0
	for i := range 120 {
		at := catalog.At{}
		if i%3 > 0 {
			at = catalog.At{AsOf: asofs[rng.IntN(len(asofs))], Known: revs[rng.IntN(len(revs))]}
		}
		box := randomBox(rng)
		asof := at.AsOf
		if asof.IsZero() {
			asof = time.Now()
		}
		want := model.scan(asof, at.Known)
		for id, f := range want {
			if !f.Geometry.Box().Intersects(box) {
				delete(want, id)
			}
		}
		found += len(want)
		got, _ := e.scan(e.s, catalog.Query{Collection: "places", Box: &box, At: at})
		e.compareAll(fmt.Sprintf("box %v asof %s known %d", box, stamp(at.AsOf), at.Known), want, got, false)
		if e.Failed() {
			return
		}
	}
	if found == 0 {
		e.Error("no box met anything: the test tests nothing")
	}
}

// randomGeometry draws a small geometry near Mumbai on a coarse grid, so that
// borders often touch, or none, or one that spans the world.
func randomGeometry(rng *rand.Rand) geo.Geometry {
	x := func() float64 { return 72.75 + float64(rng.IntN(40))/160 }
	y := func() float64 { return 18.9 + float64(rng.IntN(40))/130 }
	switch rng.IntN(10) {
	case 0:
		return geo.Geometry{}
	case 1:
		return geo.NewLineString([]float64{x(), y(), x(), y()})
	case 2:
		return geo.Geometry{Type: geo.MultiPoint, Coords: []float64{x(), y(), x(), y()}}
	case 3:
		return geo.Geometry{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(x(), y()), {Type: geo.Polygon}}}
	case 4:
		return geo.NewLineString([]float64{-180, y(), 180, y()})
	case 5, 6:
		w, s := x(), y()
		return geo.NewPolygon([]float64{w, s, w + 0.01, s, w + 0.01, s + 0.01, w, s + 0.01, w, s})
	case 7:
		return geo.NewPoint(x()+rng.Float64()*1e-12, y()-rng.Float64()*1e-12)
	}
	return geo.NewPoint(x(), y())
}

func randomBox(rng *rand.Rand) geo.Box {
	w, s := 72.75+float64(rng.IntN(40))/160, 18.9+float64(rng.IntN(40))/130
	switch rng.IntN(6) {
	case 0:
		return geo.Box{W: w, S: s, E: w, N: s} // a point
	case 1:
		return geo.World()
	case 2:
		return geo.Box{W: w, S: s, E: w + rng.Float64()*1e-9, N: s + 1}
	case 3:
		return geo.Box{W: -10, S: -10, E: 10, N: 10}
	}
	return geo.Box{W: w, S: s, E: w + float64(rng.IntN(10))/160, N: s + float64(rng.IntN(10))/130}
}

// testBorders holds that borders count, to the last bit, and that a box with no
// inside selects nothing.
func testBorders(e *env) {
	e.define(places())
	x, y := 72.87654321012345, 19.01234567890123
	op := put("a")
	op.Feature.Geometry = geo.NewPoint(x, y)
	bare := put("bare")
	bare.Feature.Geometry = geo.Geometry{}
	e.apply(e.s, op, bare)
	up, down := func(v float64) float64 { return math.Nextafter(v, 1e9) }, func(v float64) float64 { return math.Nextafter(v, -1e9) }
	for _, c := range []struct {
		box  geo.Box
		want int
	}{
		{geo.Box{W: x, S: y, E: x, N: y}, 1},
		{geo.Box{W: x, S: y, E: 180, N: 90}, 1},
		{geo.Box{W: -180, S: -90, E: x, N: y}, 1},
		{geo.Box{W: up(x), S: y, E: 180, N: 90}, 0},
		{geo.Box{W: x, S: up(y), E: 180, N: 90}, 0},
		{geo.Box{W: -180, S: -90, E: down(x), N: y}, 0},
		{geo.Box{W: -180, S: -90, E: x, N: down(y)}, 0},
		{geo.EmptyBox(), 0},
		{geo.Box{W: math.Inf(-1), S: math.Inf(-1), E: math.Inf(1), N: math.Inf(1)}, 1},
	} {
		for _, known := range []catalog.Rev{0, e.head(e.s)} {
			got, _ := e.scan(e.s, catalog.Query{Collection: "places", Box: &c.box, At: catalog.At{Known: known}})
			if len(got) != c.want {
				e.Errorf("box %v known %d: %d features, want %d", c.box, known, len(got), c.want)
			}
		}
	}
	if got, _ := e.scan(e.s, catalog.Query{Collection: "places"}); len(got) != 2 {
		e.Errorf("without a box: %d features", len(got))
	}
}

// fill puts n features in one batch.
func (e *env) fill(n int) catalog.Result {
	e.Helper()
	return e.applyBatch(e.s, catalog.Batch{Ops: func(yield func(*catalog.Op, error) bool) {
		for i := range n {
			if op := put(fmt.Sprint("f", i), "n", i); !yield(&op, nil) {
				return
			}
		}
	}})
}

// soon asserts that f ends by itself, and not when the store loses its patience with
// others (a minute, usually).
func (e *env) soon(what string, f func()) {
	e.Helper()
	start := time.Now()
	f()
	if d := time.Since(start); d > waitLong/2 {
		e.Errorf("%s took %v after its context ended", what, d)
	}
}

func testCancelScan(e *env) {
	e.define(places())
	e.fill(3000)
	for _, box := range []*geo.Box{nil, {W: -180, S: -90, E: 180, N: 90}} {
		q := catalog.Query{Collection: "places", Box: box}
		ctx, cancel := context.WithCancel(e.ctx)
		n := 0
		e.soon("Scan", func() {
			_, err := e.s.Scan(ctx, q, func(*catalog.Feature) error {
				if n++; n == 10 {
					cancel()
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				e.Errorf("a cancelled scan: %d features, %v", n, err)
			}
		})
		cancel()
		n = 0
		if _, err := e.s.Scan(e.ctx, q, func(*catalog.Feature) error { n++; return errStopped }); !errors.Is(err, errStopped) || n != 1 {
			e.Errorf("a stopped scan: %d features, %v", n, err)
		}
	}
	// A store is whole after scans were left; and a scan sees one moment while others write.
	n := 0
	rev, err := e.s.Scan(e.ctx, catalog.Query{Collection: "places"}, func(f *catalog.Feature) error {
		if n++; n == 5 {
			e.apply(e.open1(), put("f2999", "n", -1), put("new", "n", -1), del("f2998"))
		}
		if f.Props.Get("n") == catalog.Integer(-1) {
			e.Errorf("a scan sees a later write: %s", show(f))
		}
		return nil
	})
	if err != nil || n != 3000 || rev != e.head(e.s)-1 {
		e.Errorf("a scan while another writes: %d features of revision %d (head %d), %v", n, rev, e.head(e.s), err)
	}
}

func testCancelApply(e *env) {
	e.define(places())
	head := e.head(e.s)
	for _, at := range []int{1, 100, 6000} {
		ctx, cancel := context.WithCancel(e.ctx)
		e.soon("Apply", func() {
			_, err := e.s.Apply(ctx, catalog.Batch{Key: "k", Ops: func(yield func(*catalog.Op, error) bool) {
				for i := range 12000 {
					if i == at {
						cancel()
					}
					if op := put(fmt.Sprint("f", i)); !yield(&op, nil) {
						return
					}
				}
			}})
			if !errors.Is(err, context.Canceled) {
				e.Errorf("cancelled at op %d: %v", at, err)
			}
		})
		cancel()
		if got, rev := e.scan(e.s, catalog.Query{Collection: "places"}); len(got) != 0 || rev != head {
			e.Errorf("cancelled at op %d: %d features are left, head %d", at, len(got), rev)
		}
	}
	ended, cancel := context.WithCancel(e.ctx)
	cancel()
	if _, err := e.s.Apply(ended, catalog.Batch{Ops: catalog.Ops(put("a"))}); !errors.Is(err, context.Canceled) {
		e.Errorf("Apply with an ended context: %v", err)
	}
	if _, err := e.s.Define(ended, catalog.Collection{Name: "x", Geometry: catalog.GeometryAny}); !errors.Is(err, context.Canceled) {
		e.Errorf("Define with an ended context: %v", err)
	}
	if r := e.applyBatch(e.s, catalog.Batch{Key: "k", Ops: catalog.Ops(put("a"))}); r.Created != 1 || r.Replayed {
		e.Errorf("after cancelled batches: %+v", r)
	}
}

func testCancelChanges(e *env) {
	e.define(places())
	for i := range 30 {
		e.apply(e.s, put("a", "n", i))
	}
	head := e.head(e.s)
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var last catalog.Rev
	e.soon("Changes", func() {
		reached, err := e.s.Changes(ctx, 0, func(c catalog.Commit) error {
			last = c.Rev
			if c.Rev == head-20 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || reached > last || last == head {
			e.Errorf("cancelled at %d: reached %d of %d, %v", last, reached, head, err)
		}
	})
	ctx, cancel = context.WithTimeout(e.ctx, 50*time.Millisecond)
	defer cancel()
	if err := e.s.Wait(ctx, head); !errors.Is(err, context.DeadlineExceeded) {
		e.Errorf("Wait at the head: %v", err)
	}
	if _, err := e.s.Changes(e.ctx, head+1, func(catalog.Commit) error { return nil }); !errors.Is(err, catalog.ErrBadCursor) {
		e.Errorf("Changes from beyond the head: %v", err)
	}
}
