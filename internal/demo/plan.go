package demo

import (
	"cmp"
	"math"
	"slices"
)

// Room to leave beside things, in metres from their drawn line: half the width of
// a road with its footpaths, of a railway's tracks, of a bank.
var roadGap = map[string]float64{"motorway": 20, "trunk": 22, "primary": 17, "secondary": 13, "tertiary": 9}

const (
	railGap   = 15.0
	shoreGap  = 9.0
	bankGap   = 8.0
	greenGap  = 3.0
	streetGap = 8.5  // a tertiary street
	joinReach = 160. // a main road's end this near another one is meant to meet it
)

// block is an area between streets.
type block struct {
	shape
	id   uint64
	ward string
	kind string
	out  float64 // how late it is built: see base.late
	far  float64 // how far out in its district it lies: see base.district
	lawn bool    // a garden or playground instead of buildings
}

// street is one local street.
type street struct {
	pts   []vec
	class string
	ward  string
	id    uint64
	out   float64 // it is there once a block beside it is built
	gap   float64
}

// plan is the city's ground plan: blocks in the order in which they are built, and
// the streets between them.
type plan struct {
	*base
	seed    uint64
	mains   [][]vec // the base's roads, with ends joined; same order as the layer
	blocks  []block
	streets []street
	cut     cutter
	guard   *segmentGrid // main roads and railways, against building on them
	guards  []strand
}

func newPlan(b *base, seed uint64) *plan {
	p := &plan{base: b, seed: seed}
	p.joinMains()
	p.guardLines()
	var lots []face
	var wards []string
	for _, f := range faces(p.arrange()) {
		if q := f.middle(); !p.taken(q) {
			if w := p.wardAt(q); w != "" {
				lots, wards = append(lots, f), append(wards, w)
			}
		}
	}
	p.borderStreets(lots, wards)
	for i, f := range lots {
		p.grow(f.shape, wards[i], mix(seed+uint64(i)*0x9e3779b97f4a7c15), 0)
	}
	p.order()
	return p
}

// joinMains carries the ends of main roads to the road they were drawn to meet.
func (p *plan) joinMains() {
	roads := p.layers["roads"]
	for i, r := range roads {
		pts := slices.Clone(r.lines[0])
		if !r.Bridge {
			if q, ok := p.meet(i, pts[0]); ok {
				pts = slices.Insert(pts, 0, q)
			}
			if q, ok := p.meet(i, pts[len(pts)-1]); ok {
				pts = append(pts, q)
			}
		}
		p.mains = append(p.mains, pts)
	}
}

func (p *plan) meet(self int, end vec) (vec, bool) {
	best, at := joinReach, vec{}
	for j, r := range p.layers["roads"] {
		if j == self || r.Bridge {
			continue
		}
		l := r.lines[0]
		for k := 1; k < len(l); k++ {
			if q := nearestOn(end, l[k-1], l[k]); q.sub(end).len() < best {
				best, at = q.sub(end).len(), q
			}
		}
	}
	return at, best > nodeGrid && best < joinReach
}

func (p *plan) guardLines() {
	p.guard = newSegmentGrid(200)
	add := func(pts []vec, gap float64) {
		for k := 1; k < len(pts); k++ {
			p.guard.add(pts[k-1], pts[k], gap, len(p.guards))
			p.guards = append(p.guards, strand{a: pts[k-1], b: pts[k], gap: gap})
		}
	}
	for i, r := range p.layers["roads"] {
		add(p.mains[i], 0.7*max(roadGap[r.Class], roadGap["tertiary"]))
	}
	for _, r := range p.layers["rail"] {
		for _, l := range r.lines {
			if r.Kind == "line" {
				add(l, 9)
			} else {
				add(l, 5)
			}
		}
	}
}

// blocked reports whether a building's outline would touch a main road or railway.
func (p *plan) blocked(ring []vec) bool {
	lo, hi := ring[0], ring[0]
	for _, q := range ring {
		lo, hi = vec{min(lo.x, q.x), min(lo.y, q.y)}, vec{max(hi.x, q.x), max(hi.y, q.y)}
	}
	hit := false
	p.guard.near(lo, hi, 0, func(id int) {
		g := p.guards[id]
		for i := 0; i < len(ring) && !hit; i++ {
			hit = segDist(ring[i], ring[(i+1)%len(ring)], g.a, g.b) < g.gap
		}
	})
	return hit
}

func (p *plan) taken(q vec) bool {
	for _, layer := range [...]string{"greens", "water"} {
		for _, f := range p.layers[layer] {
			if f.contains(q) {
				return true
			}
		}
	}
	return false
}

func (p *plan) wardAt(q vec) string {
	for _, f := range p.layers["wards"] {
		if f.contains(q) {
			return f.Name
		}
	}
	return ""
}

// grow cuts land by streets until blocks are left, and returns when the first of
// them is built. Wide streets come first, so that they run through; streets turn
// with the land they divide.
func (p *plan) grow(s shape, ward string, id uint64, depth int) float64 {
	a := area(s.pts)
	if a < 150 || len(s.pts) < 3 {
		return math.Inf(1)
	}
	mid := centroid(s.pts)
	kind, out := p.district(mid)
	c := characters[kind]
	f := s.box()
	r := newRNG(p.seed, id)
	if c == nil {
		if a < 50_000 || depth > 40 {
			return math.Inf(1)
		}
		c = characters[""]
	}
	narrow := 34.0
	if c.tiny {
		narrow = 20
	}
	if a < c.block*r.between(1.0, 1.7) || f.lv < narrow || depth > 40 {
		b := block{shape: s, id: id, ward: ward, kind: kind, out: p.late(mid, out) * c.rush, far: out}
		b.lawn = a > 900 && r.chance(c.garden) && f.lv > 28
		p.blocks = append(p.blocks, b)
		return b.out
	}
	st := street{class: "residential", ward: ward, id: id, gap: c.street + 1.5}
	switch {
	case a > 220_000:
		st.class, st.gap = "tertiary", streetGap
	case c.tiny && a < 5*c.block:
		st.class, st.gap = "footway", c.street
	case a < 2.5*c.block:
		st.gap = c.street
		if c.street < 4 {
			st.class = "service"
		}
	}
	return p.divide(s, f, c, st, r, depth)
}

func (p *plan) divide(s shape, f frame, c *character, st street, r rng, depth int) float64 {
	along := f.u
	if f.lu < 1.35*f.lv && r.chance(.4) {
		along = f.u.left()
		f.lu, f.lv = f.lv, f.lu
	}
	slack := .03 + c.bend/2
	o := f.c.add(along.mul(f.lu * r.between(-slack, slack)))
	d := along.left().turn(r.NormFloat64() * c.bend * .6)
	pieces, cuts := p.cut.split(s, o, d, st.gap)
	first := len(p.streets)
	for _, k := range cuts {
		st.pts = []vec{k[0], k[1]}
		p.streets = append(p.streets, st)
		st.id = mix(st.id + 1)
	}
	last := len(p.streets)
	soonest := math.Inf(1)
	for i, piece := range pieces {
		soonest = min(soonest, p.grow(piece, st.ward, mix(st.id+uint64(i)+7), depth+1))
	}
	for i := first; i < last; i++ {
		p.streets[i].out = soonest
	}
	return soonest
}

// order sorts the blocks by when they are built: every ward's first block, then
// all districts from their middles outwards.
func (p *plan) order() {
	slices.SortStableFunc(p.blocks, func(a, b block) int {
		return cmp.Or(cmp.Compare(a.out, b.out), cmp.Compare(a.id, b.id))
	})
	seen := map[string]bool{}
	first := func(b *block) bool {
		if b.lawn || seen[b.ward] || area(b.pts) < 3000 {
			return false
		}
		seen[b.ward] = true
		return true
	}
	var head, tail []block
	for i := range p.blocks {
		if first(&p.blocks[i]) {
			head = append(head, p.blocks[i])
		} else {
			tail = append(tail, p.blocks[i])
		}
	}
	p.blocks = append(head, tail...)
}
