package demo

import "math"

// strands are all lines that bound faces.
func (p *plan) strands() []strand {
	ss := p.wardStrands()
	ring := func(f *baseFeature, gap float64) {
		for _, rings := range f.polys {
			for _, r := range rings {
				for i, a := range r {
					ss = append(ss, strand{a: a, b: r[(i+1)%len(r)], gap: gap})
				}
			}
		}
	}
	for _, f := range p.layers["greens"] {
		ring(f, greenGap)
	}
	for _, f := range p.layers["water"] {
		if f.Kind != "sea" && f.Kind != "creek" { // the wards end at these shores
			ring(f, bankGap)
		}
	}
	line := func(l []vec, gap float64) {
		for k := 1; k < len(l); k++ {
			ss = append(ss, strand{a: l[k-1], b: l[k], gap: gap})
		}
	}
	for i, r := range p.layers["roads"] {
		if !r.Bridge {
			line(p.mains[i], max(roadGap[r.Class], roadGap["tertiary"]))
		}
	}
	for _, r := range p.layers["rail"] {
		if r.Kind == "line" {
			for _, l := range r.lines {
				line(l, railGap)
			}
		}
	}
	return ss
}

// wardStrands are the wards' borders: between two wards only a line on paper,
// elsewhere the shore or the city's limit.
func (p *plan) wardStrands() (ss []strand) {
	shared := map[[2]point]int{}
	key := func(a, b vec) [2]point {
		k := [2]point{snap(a), snap(b)}
		if comparePoints(k[0], k[1]) > 0 {
			k[0], k[1] = k[1], k[0]
		}
		return k
	}
	eachEdge := func(fn func(a, b vec)) {
		for _, w := range p.layers["wards"] {
			for _, rings := range w.polys {
				for _, r := range rings {
					for i, a := range r {
						fn(a, r[(i+1)%len(r)])
					}
				}
			}
		}
	}
	eachEdge(func(a, b vec) { shared[key(a, b)]++ })
	eachEdge(func(a, b vec) {
		if shared[key(a, b)] > 1 {
			ss = append(ss, strand{a: a, b: b, border: true})
		} else {
			ss = append(ss, strand{a: a, b: b, gap: shoreGap})
		}
	})
	return ss
}

// arrange nodes the strands, and ties islands to what surrounds them by a line
// west and a line east, which become streets where land is built on.
func (p *plan) arrange() []edge {
	ss := p.strands()
	edges := nodeStrands(ss)
	for range 5 {
		ends := islands(prune(edges))
		if len(ends) == 0 {
			break
		}
		for _, e := range ends {
			for k, d := range [2]vec{{-1, 0}, {1, 0}} {
				from := e[k].vec()
				if to, ok := castRay(edges, from, d); ok {
					ss = append(ss, strand{a: from, b: to, border: true})
				}
			}
		}
		edges = nodeStrands(ss)
	}
	return edges
}

// castRay returns where a ray from a node first meets another edge.
func castRay(edges []edge, from, d vec) (vec, bool) {
	best := math.Inf(1)
	for _, e := range edges {
		a, b := e.a.vec(), e.b.vec()
		r := b.sub(a)
		k := d.cross(r)
		if k == 0 {
			continue
		}
		t, u := a.sub(from).cross(r)/k, a.sub(from).cross(d)/k
		if u >= 0 && u <= 1 && t > 1 && t < best {
			best = t
		}
	}
	return from.add(d.mul(best)), !math.IsInf(best, 1)
}

// borderStreets makes a street of every border on paper that has built land on
// both sides, and leaves a little room at the others.
func (p *plan) borderStreets(fs []face, wards []string) {
	key := func(f *face, i int) [2]point {
		k := [2]point{snap(f.pts[i]), snap(f.pts[(i+1)%len(f.pts)])}
		if comparePoints(k[0], k[1]) > 0 {
			k[0], k[1] = k[1], k[0]
		}
		return k
	}
	sides := map[[2]point]int{}
	for i := range fs {
		for j := range fs[i].pts {
			if fs[i].border[j] {
				sides[key(&fs[i], j)]++
			}
		}
	}
	for i := range fs {
		f := &fs[i]
		var run []vec
		flush := func(at int) {
			if len(run) > 1 {
				p.streets = append(p.streets, street{pts: run, class: "tertiary", ward: wards[i], id: mix(p.seed ^ uint64(i)<<20 ^ uint64(at)), gap: streetGap})
			}
			run = nil
		}
		for j := range f.pts {
			a, b := f.pts[j], f.pts[(j+1)%len(f.pts)]
			k := key(f, j)
			if f.border[j] && sides[k] == 2 {
				f.gap[j] = max(f.gap[j], streetGap)
				if snap(a) == k[0] { // of the two faces, the one that has it in key order draws it
					if len(run) == 0 {
						run = append(run, a)
					}
					run = append(run, b)
					continue
				}
			} else {
				f.gap[j] = max(f.gap[j], greenGap)
			}
			flush(j)
		}
		flush(len(f.pts))
	}
}
