package layers

import (
	"fmt"
	"math"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// place is where a query looks: a box, a polygon, around a geometry, or everywhere.
type place struct {
	area   geo.GridBox   // of what may be met
	region *index.Region // or nil
	reach  *index.Reach  // or nil
	given  bool          // false: everywhere, features without geometry too
}

// placeOf checks what is asked for and puts it on the grid; at most one of box,
// polygon and around is given.
func placeOf(box *geo.Box, polygon, around *geo.Geometry, metres float64) (place, error) {
	p := place{area: everywhere, given: true}
	given := 0
	for _, is := range [...]bool{box != nil, polygon != nil, around != nil} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return place{area: p.area}, nil
	case given > 1:
		return p, &catalog.Invalid{Path: "bbox", Reason: "want one of a box, a polygon and a geometry with a distance"}
	case box != nil:
		if err := checkBox(*box); err != nil {
			return p, err
		}
		p.area = geo.ProjectBox(*box)
	case polygon != nil:
		if polygon.Type != geo.Polygon && polygon.Type != geo.MultiPolygon {
			return p, &catalog.Invalid{Path: "geometry", Reason: "want a Polygon or MultiPolygon"}
		}
		if err := checkGeometry(polygon); err != nil {
			return p, err
		}
		p.region = index.NewRegion(polygon)
		p.area = p.region.Box()
	default:
		if !(metres >= 0 && metres <= MaxDistance) {
			return p, &catalog.Invalid{Path: "distance", Reason: fmt.Sprintf("want 0 to %d metres, got %v", MaxDistance, metres)}
		}
		if err := checkGeometry(around); err != nil {
			return p, err
		}
		p.reach = index.NewReach(around, metres)
		p.area = p.reach.Box()
	}
	return p, nil
}

var everywhere = geo.GridBox{MinX: math.MinInt32, MinY: math.MinInt32, MaxX: math.MaxInt32, MaxY: math.MaxInt32}

// checkGeometry checks the size and the positions of a query's geometry.
func checkGeometry(g *geo.Geometry) error {
	if n := positions(g); n == 0 || n > maxRegion {
		return &catalog.Invalid{Path: "geometry", Reason: fmt.Sprintf("%d positions; want 1 to %d", n, maxRegion)}
	}
	return checkPositions(g)
}

func positions(g *geo.Geometry) int {
	n := g.NumPositions()
	for i := range g.Geoms {
		n += positions(&g.Geoms[i])
	}
	return n
}

func checkPositions(g *geo.Geometry) error {
	for i := range g.Geoms {
		if err := checkPositions(&g.Geoms[i]); err != nil {
			return err
		}
	}
	for i, s := 0, g.Stride(); i+1 < len(g.Coords); i += s {
		if err := checkPosition(g.Coords[i], g.Coords[i+1]); err != nil {
			return &catalog.Invalid{Path: "geometry", Reason: fmt.Sprintf("position %d is not a longitude and latitude", i/s)}
		}
	}
	return nil
}

// all reports whether nothing bounds the place.
func (p *place) all() bool { return !p.given }

// past is what a look at the past needs of the store; nil: everything.
func (p *place) past() *geo.Box {
	if p.all() {
		return nil
	}
	b := p.area.Grow(2).Box()
	return &b
}

// search returns the features whose box says that they may be met, in canonical
// order; the slice is the Finder's.
func (p *place) search(f *index.Finder, s *index.Snapshot) []index.Ref {
	if p.reach != nil {
		return f.Reaching(s, p.reach)
	}
	return f.Search(s, p.area)
}

// meets reports whether feature h, which has a geometry, is met, and how far away it
// is, which is 0 but for a distance.
func (p *place) meets(s *index.Segment, h int32, sh *index.Shape) (metres float64, met bool) {
	switch {
	case p.reach != nil:
		return s.WithinReach(h, p.reach, sh)
	case p.region != nil:
		return 0, s.MeetsRegion(h, p.region, sh)
	}
	return 0, s.MeetsBox(h, p.area, sh)
}
