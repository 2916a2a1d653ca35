package geo

import "math"

// Outline is the area of a Polygon or MultiPolygon on a plane in metres, made for
// measuring overlaps. It is read-only, but for Move.
type Outline struct {
	MinX, MinY, MaxX, MaxY float64 // box, metres from the plane's origin
	Area                   float64 // square metres, holes taken off
	Perimeter              float64 // metres, holes' borders counted
	CX, CY                 float64 // centroid of the area
	edges                  []outlineEdge
}

// outlineEdge is an edge from left to right; what lies below it is in (sign > 0) or
// out, so that summing signs over the edges above a position gives 1 inside and 0
// outside.
type outlineEdge struct {
	x0, y0, x1, y1 float64
	sign           float64
}

// NewOutline projects the polygons of g onto the plane that is true to scale at
// lon0, lat0 (degrees), its origin: within 10 km lengths are right to 1e-3, and
// ratios of areas are right to 1e-4. Rings may run either way; other geometries have
// an empty outline.
func NewOutline(g *Geometry, lon0, lat0 float64) Outline {
	kx, ky := MetresPerDegree(lat0)
	o := Outline{MinX: math.Inf(1), MinY: math.Inf(1), MaxX: math.Inf(-1), MaxY: math.Inf(-1), edges: make([]outlineEdge, 0, g.NumPositions())}
	s := g.Stride()
	for p := range g.NumPolygons() {
		from, to := g.PolygonRings(p)
		for r := from; r < to; r++ {
			o.ring(g.Line(r), s, r > from, func(x, y float64) (float64, float64) { return (x - lon0) * kx, (y - lat0) * ky })
		}
	}
	if o.Area != 0 {
		o.CX, o.CY = o.CX/o.Area, o.CY/o.Area
	} else if len(o.edges) > 0 {
		o.CX, o.CY = (o.MinX+o.MaxX)/2, (o.MinY+o.MaxY)/2
	}
	return o
}

// ring adds the edges of a ring, and its share of area and (not yet divided) centroid.
func (o *Outline) ring(l []float64, s int, hole bool, project func(x, y float64) (float64, float64)) {
	first := len(o.edges)
	var area, cx, cy float64
	var ox, oy, ax, ay float64 // first and previous position
	for j := 0; j+1 < len(l); j += s {
		bx, by := project(l[j], l[j+1])
		o.MinX, o.MinY, o.MaxX, o.MaxY = min(o.MinX, bx), min(o.MinY, by), max(o.MaxX, bx), max(o.MaxY, by)
		if j == 0 {
			ox, oy = bx, by
		} else {
			k := (ax-ox)*(by-oy) - (bx-ox)*(ay-oy)
			area, cx, cy = area+k/2, cx+k*(ax+bx+ox)/6, cy+k*(ay+by+oy)/6
			o.Perimeter += math.Hypot(bx-ax, by-ay)
			switch { // a counter-clockwise ring has its inside below the edges that run west
			case bx < ax:
				o.edges = append(o.edges, outlineEdge{bx, by, ax, ay, 1})
			case bx > ax:
				o.edges = append(o.edges, outlineEdge{ax, ay, bx, by, -1})
			}
		}
		ax, ay = bx, by
	}
	if (area < 0) != hole { // the ring runs the other way than its kind asks for
		area, cx, cy = -area, -cx, -cy
		for i := range o.edges[first:] {
			o.edges[first+i].sign = -o.edges[first+i].sign
		}
	}
	o.Area, o.CX, o.CY = o.Area+area, o.CX+cx, o.CY+cy
}

// Move shifts the outline by metres.
func (o *Outline) Move(dx, dy float64) {
	o.MinX, o.MaxX, o.CX = o.MinX+dx, o.MaxX+dx, o.CX+dx
	o.MinY, o.MaxY, o.CY = o.MinY+dy, o.MaxY+dy, o.CY+dy
	for i := range o.edges {
		e := &o.edges[i]
		e.x0, e.x1, e.y0, e.y1 = e.x0+dx, e.x1+dx, e.y0+dy, e.y1+dy
	}
}

// Overlap returns the area in square metres that two outlines of one plane share:
// exact for valid polygons, holes and concave ones included, to rounding (1e-12 of
// the area of their common box). It builds no geometry: with the area of a polygon
// as the signed sum of the trapezoids under its edges, what two polygons share is
// the signed sum of what each pair of their trapezoids shares. The cost is the
// product of the numbers of edges.
func Overlap(a, b *Outline) float64 {
	lo, hi := max(a.MinX, b.MinX), min(a.MaxX, b.MaxX)
	floor, top := max(a.MinY, b.MinY), min(a.MaxY, b.MaxY)
	if !(lo < hi && floor < top) {
		return 0
	}
	sum := 0.0
	for i := range a.edges {
		e := &a.edges[i]
		x0, x1 := max(e.x0, lo), min(e.x1, hi)
		if x0 >= x1 || max(e.y0, e.y1) <= floor {
			continue
		}
		for j := range b.edges {
			f := &b.edges[j]
			u, v := max(x0, f.x0), min(x1, f.x1)
			if u >= v || max(f.y0, f.y1) <= floor {
				continue
			}
			sum += e.sign * f.sign * under(e, f, u, v, floor)
		}
	}
	return max(0, sum)
}

// under is the area above floor and below both edges, between u and v.
func under(e, f *outlineEdge, u, v, floor float64) float64 {
	e0, e1 := e.at(u)-floor, e.at(v)-floor
	f0, f1 := f.at(u)-floor, f.at(v)-floor
	d0, d1 := e0-f0, e1-f1
	switch {
	case d0 <= 0 && d1 <= 0:
		return above(e0, e1, v-u)
	case d0 >= 0 && d1 >= 0:
		return above(f0, f1, v-u)
	}
	t := d0 / (d0 - d1) // where they cross
	m, w := e0+t*(e1-e0), v-u
	if d0 < 0 {
		return above(e0, m, t*w) + above(m, f1, (1-t)*w)
	}
	return above(f0, m, t*w) + above(m, e1, (1-t)*w)
}

// above is the area between zero and the line from y0 to y1 over a width, as far as
// the line is above zero.
func above(y0, y1, width float64) float64 {
	switch {
	case y0 >= 0 && y1 >= 0:
		return (y0 + y1) / 2 * width
	case y0 <= 0 && y1 <= 0:
		return 0
	case y0 > 0:
		return y0 / 2 * width * y0 / (y0 - y1)
	}
	return y1 / 2 * width * y1 / (y1 - y0)
}

func (e *outlineEdge) at(x float64) float64 {
	switch x {
	case e.x0:
		return e.y0
	case e.x1:
		return e.y1
	}
	return e.y0 + (e.y1-e.y0)*((x-e.x0)/(e.x1-e.x0))
}
