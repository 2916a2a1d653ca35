package layers

import (
	"context"
	"math/bits"

	"nagar/geo"
	"nagar/geo/mvt"
	"nagar/layers/index"
)

const (
	extent   = geo.TileExtent
	buffer   = 64 // tile units drawn beyond the tile on every side
	fullZoom = 14 // from here on every feature is drawn as it is

	// tileBudget is the most bytes of a compressed generalised tile, unless Options say otherwise.
	tileBudget = 500_000
	// maxCoarse is how often a generalised tile over its budget is drawn again, coarser.
	maxCoarse = 6
)

// reach is how far, in tile units, a change of a feature shows beyond its box.
func reach(z uint32) int {
	if z < fullZoom {
		return pointCell + groupCell
	}
	return buffer
}

// layerJob is one layer to be drawn.
type layerJob struct {
	c      *collection
	lens   *lens
	filter *filter

	guarded []bool // by position in fields; nil: none
}

func newLayerJob(c *collection, r *TileRequest) (layerJob, error) {
	j := layerJob{c: c, lens: newLens(&c.info, r.View)}
	j.guarded = guardedFields(&c.info, j.lens.fields)
	var err error
	j.filter, err = newFilter(&c.info, r.View, j.lens, r.Filter)
	return j, err
}

// renderer draws tiles in memory that it keeps. It is used by one goroutine at a time.
type renderer struct {
	w      mvt.Writer
	gzip   gzipper
	find   index.Finder
	clip   geo.Clipper
	simple geo.Simplifier
	shape  index.Shape

	features, dropped int
	holds             []Carried // by layer, of those that hold any

	// the tile
	z        uint32
	ox, oy   int64       // its origin on the grid
	clipGrid geo.GridBox // the tile and its buffer on the grid
	coarse   int

	// the layer
	job  *layerJob
	snap *index.Snapshot
	attributes
	some   []int32 // handles of the rows that are seen
	points []int32 // a geometry in tile units
	ends   []int32
	pieces []int32
	pends  []int32
	rings  []ringRef
	blocks blocks
	thin   thinner
	small  []smallPolygon
	sums   []*sums
	rule   rule
	summed bool // small polygons come from sums
}

// clipTile is the rectangle that is drawn, in tile units.
var clipTile = geo.GridBox{MinX: -buffer, MinY: -buffer, MaxX: extent + buffer, MaxY: extent + buffer}

// tile draws all layers into d.w.
func (d *renderer) tile(ctx context.Context, r *TileRequest, jobs []layerJob, coarse int) error {
	d.w.Reset()
	d.features, d.dropped, d.holds = 0, 0, nil
	d.z, d.coarse = r.Tile.Z, coarse
	d.ox, d.oy = r.Tile.Origin()
	d.clipGrid = r.Tile.GridBox(buffer)
	for i := range jobs {
		d.begin(&jobs[i])
		var err error
		if r.All || d.z >= fullZoom {
			err = d.full(ctx, r.Tile)
		} else {
			err = d.generalised(ctx, r.Tile)
		}
		if err != nil {
			return err
		}
		d.flush()
		d.features += d.w.Count()
		d.carried(r.Tile, d.w.Count())
		d.w.EndLayer(extent)
	}
	return nil
}

// begin opens a layer.
func (d *renderer) begin(j *layerJob) {
	d.job, d.snap = j, j.c.snap
	d.w.Layer(j.c.info.Name)
	d.beginAttributes()
}

// cancelEvery is how many features are drawn between two looks at the context.
const cancelEvery = 512

// full draws every feature as it is.
func (d *renderer) full(ctx context.Context, t geo.Tile) error {
	refs := d.find.Search(d.snap, d.clipGrid)
	d.expect(refs)
	d.w.Expect(len(refs))
	for i, r := range refs {
		if i%cancelEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		seg := d.snap.Segment(r.Part)
		if d.job.filter != nil && !d.job.filter.accepts(d.snap, r) {
			continue
		}
		for ok := seg.Shape(r.Handle, &d.shape); ok; ok = d.shape.Next() {
			d.w.Feature(uint64(seg.Key(r.Handle)))
			d.geometry(seg.Box(r.Handle), 1, true)
			d.finish(r, 0)
		}
	}
	return nil
}

// geometry adds d.shape, a geometry within box, to the open feature. Coordinates
// are rounded to multiples of snap tile units. With keep, a line or polygon that
// rounds to nothing is drawn as the smallest one.
func (d *renderer) geometry(box geo.GridBox, snap int32, keep bool) {
	sh := &d.shape
	whole := d.clipGrid.ContainsBox(box)
	switch sh.Type {
	case geo.Point, geo.MultiPoint:
		coords := sh.Coords
		if !whole {
			coords = d.inside(coords)
		}
		d.transform(coords, snap)
		d.w.Points(d.points)
	case geo.LineString, geo.MultiLineString:
		for i := range sh.Ends {
			d.line(sh.Ring(i), whole, 0)
		}
	case geo.Polygon, geo.MultiPolygon:
		if whole && len(sh.Ends) == 1 { // most footprints
			d.transform(sh.Coords, snap)
			if d.w.CleanRing(d.points) {
				return
			}
		}
		for p := range sh.NumPolygons() {
			from, to := sh.Rings(p)
			d.polygon(from, to, whole, snap)
		}
	}
	if keep && d.w.Parts() == 0 {
		d.speck()
	}
}

// transform puts grid coordinates into d.points in tile units, rounded to
// multiples of snap, a power of two.
func (d *renderer) transform(coords []int32, snap int32) {
	n := len(coords)
	if cap(d.points) < n {
		d.points = make([]int32, 2*n)
	}
	p := d.points[:n]
	d.points = p
	if d.z > 20 {
		s := d.z - 20
		for i := 0; i+1 < n; i += 2 {
			p[i], p[i+1] = int32((int64(coords[i])-d.ox)<<s), int32((int64(coords[i+1])-d.oy)<<s)
		}
		return
	}
	up := uint(bits.TrailingZeros32(uint32(snap)))
	s := (20 - uint(d.z) + up) & 63
	half := int64(1) << s >> 1
	ox, oy := d.ox-half, d.oy-half
	if up == 0 {
		for i := 0; i+1 < n; i += 2 {
			p[i], p[i+1] = int32((int64(coords[i])-ox)>>s), int32((int64(coords[i+1])-oy)>>s)
		}
		return
	}
	for i := 0; i+1 < n; i += 2 {
		p[i], p[i+1] = int32((int64(coords[i])-ox)>>s)<<up, int32((int64(coords[i+1])-oy)>>s)<<up
	}
}

// inside returns the grid positions that lie in the tile or its buffer.
func (d *renderer) inside(coords []int32) []int32 {
	b := d.clipGrid
	d.ends = d.ends[:0]
	for i := 0; i+1 < len(coords); i += 2 {
		if x, y := coords[i], coords[i+1]; x >= b.MinX && x <= b.MaxX && y >= b.MinY && y <= b.MaxY {
			d.ends = append(d.ends, x, y)
		}
	}
	return d.ends
}

// line adds one line; tol thins it, in tile units.
func (d *renderer) line(coords []int32, whole bool, tol float64) {
	if !whole && tol == 0 {
		d.pieces, d.pends = d.clip.Line(d.pieces[:0], d.pends[:0], coords, d.clipGrid)
		var from int32
		for _, e := range d.pends {
			d.transform(d.pieces[from*2:e*2], 1)
			d.w.Line(d.points)
			from = e
		}
		return
	}
	d.transform(coords, 1)
	pts := d.points
	if tol > 0 {
		d.ends = d.simple.Line(d.ends[:0], pts, tol)
		pts = d.ends
	}
	if whole {
		d.w.Line(pts)
		return
	}
	d.pieces, d.pends = d.clip.Line(d.pieces[:0], d.pends[:0], pts, clipTile)
	var from int32
	for _, e := range d.pends {
		d.w.Line(d.pieces[from*2 : e*2])
		from = e
	}
}

// speck draws what rounded to nothing, a unit wide, at its first position inside
// the tile.
func (d *renderer) speck() {
	sh := &d.shape
	if sh.Type == geo.Point || sh.Type == geo.MultiPoint {
		return
	}
	for i := 0; i+1 < len(sh.Coords); i += 2 {
		x, y := sh.Coords[i], sh.Coords[i+1]
		if x < d.clipGrid.MinX || x >= d.clipGrid.MaxX || y < d.clipGrid.MinY || y >= d.clipGrid.MaxY {
			continue
		}
		d.transform(sh.Coords[i:i+2], 1)
		tx, ty := d.points[0], d.points[1]
		if sh.Type == geo.LineString || sh.Type == geo.MultiLineString {
			d.w.Line([]int32{tx, ty, tx + 1, ty})
		} else {
			d.w.Ring([]int32{tx, ty, tx + 1, ty, tx + 1, ty + 1, tx, ty + 1})
		}
		return
	}
}
