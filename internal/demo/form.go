package demo

import "math"

// rect is an oriented rectangle: a corner, unit axes, width along u, depth along v.
type rect struct {
	o, u, v vec
	w, h    float64
}

func (r *rect) at(x, y float64) vec { return r.o.add(r.u.mul(x)).add(r.v.mul(y)) }

// ring maps pairs of x, y on the rectangle to the plane.
func (r *rect) ring(xy ...float64) []vec {
	out := make([]vec, 0, len(xy)/2)
	for i := 0; i+1 < len(xy); i += 2 {
		out = append(out, r.at(xy[i], xy[i+1]))
	}
	return out
}

// trim cuts the rectangle to at most w by h; one that faces a street stays at it.
func (r *rect) trim(w, h float64, fronted bool) {
	if r.w > w {
		r.o = r.o.add(r.u.mul((r.w - w) / 2))
		r.w = w
	}
	if r.h > h {
		if !fronted {
			r.o = r.o.add(r.v.mul((r.h - h) / 2))
		}
		r.h = h
	}
}

// inscribed finds a large rectangle along u in a convex polygon: of all pairs of a
// dozen levels across it, the one that spans the most. v points away from the edge
// that gave u, so the rectangle's y = 0 side faces the street.
func inscribed(p []vec, u vec) (rect, bool) {
	v := u.left()
	v0, v1 := math.Inf(1), math.Inf(-1)
	for _, q := range p {
		v0, v1 = min(v0, q.dot(v)), max(v1, q.dot(v))
	}
	const levels = 12
	var lo, hi [levels]float64
	step := (v1 - v0) / (levels - 1)
	for i := range levels {
		lo[i], hi[i] = spanAt(p, u, v, v0+step*(float64(i)*.998+.001*(levels-1)))
	}
	var best rect
	for i := range levels {
		for k := i + 1; k < levels; k++ {
			a, b := max(lo[i], lo[k]), min(hi[i], hi[k])
			y0 := v0 + step*(float64(i)*.998+.001*(levels-1))
			if w, h := b-a, step*.998*float64(k-i); w > 0 && w*h > best.w*best.h {
				best = rect{o: u.mul(a).add(v.mul(y0)), u: u, v: v, w: w, h: h}
			}
		}
	}
	return best, best.w > 0
}

// spanAt is the extent along u of a convex polygon at level y along v.
func spanAt(p []vec, u, v vec, y float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for i, a := range p {
		b := p[(i+1)%len(p)]
		ya, yb := a.dot(v), b.dot(v)
		if (ya > y) == (yb > y) {
			continue
		}
		x := a.dot(u) + (b.dot(u)-a.dot(u))*(y-ya)/(yb-ya)
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

// form gives the outlines of the buildings on the rectangle, each with its rings.
// What the rectangle has no room for becomes plain. scale shrinks what is asked of it.
func (r *rect) form(kind form, g rng, scale float64) [][][]vec {
	w, h := r.w, r.h
	small := min(w, h)
	t := min(max(.4*small, 6*scale), 13*scale) // depth of a wing
	one := func(rings ...[]vec) [][][]vec { return [][][]vec{rings} }
	switch {
	case kind == formL && small > 2*t:
		if g.chance(.5) {
			return one(r.ring(0, 0, w, 0, w, t, t, t, t, h, 0, h))
		}
		return one(r.ring(0, 0, w, 0, w, h, w-t, h, w-t, t, 0, t))
	case kind == formU && w > 2.7*t && h > 1.6*t:
		return one(r.ring(0, 0, w, 0, w, h, w-t, h, w-t, t, t, t, t, h, 0, h))
	case kind == formCourt && w > 2.8*t && h > 2.8*t:
		return one(r.ring(0, 0, w, 0, w, h, 0, h), r.ring(t, t, t, h-t, w-t, h-t, w-t, t))
	case kind == formH && w > 14*scale && h > 11*scale:
		a, b, d := w*g.between(.3, .38), w*g.between(.62, .7), h*g.between(.2, .3)
		return one(r.ring(0, 0, a, 0, a, d, b, d, b, 0, w, 0, w, h, b, h, b, h-d, a, h-d, a, h, 0, h))
	case kind == formTower && small > 11*scale:
		return one(r.tower(g))
	case kind == formBars && h > 26*scale:
		return r.bars(g, scale)
	}
	return one(r.ring(0, 0, w, 0, w, h, 0, h))
}

// tower is a compact plan with notched corners.
func (r *rect) tower(g rng) []vec {
	w := min(r.w, r.h*1.35)
	h := min(r.h, w*1.2)
	x, y := (r.w-w)/2, (r.h-h)/2
	n, m := w*g.between(.14, .24), h*g.between(.14, .24)
	return r.ring(x+n, y, x+w-n, y, x+w-n, y+m, x+w, y+m, x+w, y+h-m, x+w-n, y+h-m, x+w-n, y+h, x+n, y+h, x+n, y+h-m, x, y+h-m, x, y+m, x+n, y+m)
}

// bars are slabs side by side across the depth of the lot.
func (r *rect) bars(g rng, scale float64) (out [][][]vec) {
	depth := g.between(10, 13) * scale
	n := int((r.h + 9*scale) / (depth + 9*scale))
	gap := (r.h - float64(n)*depth) / float64(max(1, n-1))
	for i := range n {
		y := float64(i) * (depth + gap)
		out = append(out, [][]vec{r.ring(0, y, r.w, y, r.w, y+depth, 0, y+depth)})
	}
	return out
}
