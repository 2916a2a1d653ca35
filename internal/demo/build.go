package demo

import "math"

// building is one building on the plane.
type building struct {
	rings  [][]vec // the outer one counter-clockwise, a courtyard clockwise
	block  *block
	height float64
	floors int
	use    string
	roof   string
	year   int
	name   string
	words  [2]int // of the name: the city's first and house words
}

func (b *building) middle() vec { return centroid(b.rings[0]) }

// builder puts buildings on blocks. It has the scratch memory of that, and is for
// one goroutine.
type builder struct {
	*plan
	dense float64 // how many times more buildings than usual on the same land
	cut   cutter
	a, b  []vec
}

// build puts the buildings of one block, in the same order each time, and calls
// emit for each until it returns false.
func (w *builder) build(bl *block, emit func(*building) bool) {
	c := characters[bl.kind]
	if c == nil || bl.lawn {
		return
	}
	r := newRNG(w.seed, bl.id^0xb10c)
	k := w.dense
	if c.tiny {
		k = math.Sqrt(k)
	}
	j := job{builder: w, bl: bl, c: c, r: r, lot: c.lot / k, scale: min(1.1, 1/math.Sqrt(k)), emit: emit}
	j.tall = r.between(.8, 1.25) * (1.2 - .3*min(bl.far, 1.3))
	j.lots(bl.shape, 0)
}

// job is the building of one block.
type job struct {
	*builder
	bl    *block
	c     *character
	r     rng
	lot   float64 // area of a lot
	scale float64 // of lengths: 1, less when the city is denser
	tall  float64
	emit  func(*building) bool
	done  bool
}

// lots divides the block into lots and builds on each.
func (j *job) lots(s shape, depth int) {
	if j.done {
		return
	}
	a := area(s.pts)
	f := s.box()
	if a < j.lot*j.r.between(1.15, 1.9) || depth > 30 {
		if a > .35*j.lot && !j.r.chance(j.c.vacant) {
			j.lotBuildings(s)
		}
		return
	}
	slack := .06 + j.c.bend/4
	o := f.c.add(f.u.mul(f.lu * j.r.between(-slack, slack)))
	d := f.u.left().turn(j.r.NormFloat64() * j.c.bend * .35)
	pieces, _ := j.cut.split(s, o, d, -j.c.side*j.scale-1e-3)
	if len(pieces) < 2 {
		return
	}
	for _, p := range pieces {
		j.lots(p, depth+1)
	}
}

// lotBuildings builds on one lot.
func (j *job) lotBuildings(s shape) {
	u, fronted := streetSide(&s)
	env := j.envelope(&s, u)
	if env == nil || area(env) < max(7, .16*j.lot) {
		return
	}
	kind := form(j.r.pick(j.c.forms[:]))
	if kind == formBlock {
		j.put(tidy(env))
		return
	}
	rc, ok := inscribed(env, u)
	if !ok {
		return
	}
	reach := j.c.reach * j.scale
	if kind != formBars {
		rc.trim(reach, reach*j.r.between(.5, .8), fronted)
	} else {
		rc.trim(reach, math.Inf(1), fronted)
	}
	if rc.w < 3.2 || rc.h < 3.2 || rc.w*rc.h < 14 {
		if j.c.tiny || j.scale < .7 {
			j.put(tidy(env))
		}
		return
	}
	for _, rings := range rc.form(kind, j.r, j.scale) {
		j.put(rings...)
	}
}

// streetSide is the direction of the lot's longest edge on a street, else of its
// longest edge.
func streetSide(s *shape) (u vec, fronted bool) {
	best := 0.0
	for i, a := range s.pts {
		e := s.pts[(i+1)%len(s.pts)].sub(a)
		l := e.len()
		if s.gap[i] >= 0 {
			l += 1e6
		}
		if l > best {
			best, u = l, e.unit()
		}
	}
	return u, best >= 1e6
}

// envelope is where the lot may be built on: right of no edge's set-back line. The
// result is convex, whatever the lot is, and valid until the next call.
func (j *job) envelope(s *shape, u vec) []vec {
	f := boxAlong(s.pts, u)
	a, b := f.u.mul(f.lu/2), f.u.left().mul(f.lv/2)
	cur := append(j.a[:0], f.c.sub(a).sub(b), f.c.add(a).sub(b), f.c.add(a).add(b), f.c.sub(a).add(b))
	other := j.b
	for i, p := range s.pts {
		d := s.pts[(i+1)%len(s.pts)].sub(p).unit()
		room := -s.gap[i]
		if s.gap[i] >= 0 {
			room = s.gap[i] + j.c.front*j.scale
		}
		other = clipHalf(other, cur, p.add(d.left().mul(room)), d)
		cur, other = other, cur
		if len(cur) < 3 {
			j.a, j.b = cur, other
			return nil
		}
	}
	for i, p := range j.bl.pts { // a street that only a sliver of a neighbouring lot parts from this one
		q := j.bl.pts[(i+1)%len(j.bl.pts)]
		if j.bl.gap[i] > 0 && len(cur) >= 3 && nearRing(cur, p, q, j.bl.gap[i]) {
			d := q.sub(p).unit()
			other = clipHalf(other, cur, p.add(d.left().mul(j.bl.gap[i])), d)
			cur, other = other, cur
		}
	}
	j.a, j.b = cur, other
	if len(cur) < 3 {
		return nil
	}
	return cur
}

// nearRing reports whether an outline comes nearer to a segment than reach.
func nearRing(ring []vec, a, b vec, reach float64) bool {
	for i, p := range ring {
		if segDist(p, ring[(i+1)%len(ring)], a, b) < reach-1e-6 {
			return true
		}
	}
	return false
}

// tidy copies an outline without its very short edges.
func tidy(p []vec) []vec {
	out := make([]vec, 0, len(p))
	for i, a := range p {
		if a.sub(p[(i+1)%len(p)]).len() > .4 {
			out = append(out, a)
		}
	}
	if len(out) < 3 || area(out) < 5 {
		return nil
	}
	return out
}

// put finishes a building and hands it on, unless a main road or railway is in the way.
func (j *job) put(rings ...[]vec) {
	if j.done || len(rings) == 0 || len(rings[0]) < 3 || j.blocked(rings[0]) {
		return
	}
	c, r := j.c, j.r
	b := building{rings: rings, block: j.bl}
	f := boxAlong(rings[0], rings[0][1].sub(rings[0][0]).unit())
	most := min(float64(c.most), max(2, f.lv*2.4)) // nothing stands as thin as a pencil
	b.floors = int(math.Round(min(most, max(float64(c.least), r.around(c.floors, c.spread)*j.tall))))
	b.roof, b.use = r.of(c.roofs), r.of(c.uses)
	top := .9 // a parapet
	if b.roof != "flat" {
		top = min(f.lv*.22, 4)
		if b.floors > 5 {
			b.roof, top = "flat", .9
		}
	}
	b.height = math.Round((float64(b.floors)*c.storey*r.between(.95, 1.06)+top)*10) / 10
	b.year = c.from + int(float64(c.to-c.from)*math.Pow(r.Float64(), .8))
	if b.floors > 12 {
		b.year = max(b.year, 1975+int(r.Float64()*50))
	}
	if r.chance(c.named) {
		b.words[0] = r.IntN(len(j.words.First))
		b.words[1] = r.IntN(len(j.words.House))
		b.name = j.words.First[b.words[0]].En + " " + j.words.House[b.words[1]].En
	}
	j.done = !j.emit(&b)
}
