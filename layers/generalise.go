package layers

import (
	"cmp"
	"context"
	"slices"

	"nagar/geo"
	"nagar/layers/index"
)

// Below fullZoom a tile shows what can be seen, not every feature:
//
//   - points: one per cell of pointCell tile units, the one of the smallest key,
//     with point_count when it stands for several;
//   - lines: thinned by Douglas and Peucker before they are clipped; roads (a text
//     field "class" with a known value) from the zoom of their class on;
//   - polygons: rounded to polygonSnap units, so that neighbours keep their shared
//     borders; those under smallArea are drawn as they are when they are alone in
//     their group (a square of groupCell units), else merged into blocks.
//
// Every rule looks at the world around a feature only as far as reach, on grids
// that are fixed to the world: so neighbouring tiles agree, an edit changes its own
// surroundings only, and the same content gives the same tile.
const (
	pointCell   = 256 // 32 px of a tile shown at 512 px
	groupCell   = 64  // the buffer is one group wide
	polygonSnap = 4   // half a pixel
	smallArea   = 400 // tile units², 20 × 20: 2.5 px wide
	lineTol     = 2.0 // tile units
	tinyLine    = 6   // tile units: shorter lines are left out below z13
)

// classZoom is the zoom from which on roads of a class are drawn (OpenStreetMap's
// highway values).
var classZoom = map[string]uint32{
	"motorway": 5, "motorway_link": 11, "trunk": 7, "trunk_link": 11, "primary": 8, "primary_link": 12,
	"secondary": 10, "secondary_link": 12, "tertiary": 11, "tertiary_link": 13,
	"residential": 13, "unclassified": 13, "living_street": 13, "road": 13, "local": 13,
	"service": 14, "track": 14, "path": 14, "footway": 14, "cycleway": 14, "pedestrian": 13, "steps": 14,
}

// smallPolygon is a polygon that is alone in its group.
type smallPolygon struct {
	ref   index.Ref
	group int32
	mark  uint64
}

// generalised draws the layer as seen from afar.
func (d *renderer) generalised(ctx context.Context, t geo.Tile) error {
	d.thin.reset(t, d.coarse)
	d.blocks.reset(t)
	d.rule = smallRule(t.Z, d.coarse)
	sums := d.sumsOf(t)
	d.summed = sums != nil
	var refs []index.Ref
	if d.summed {
		d.addSums(sums)
		refs = d.find.Among(d.snap, t.GridBox(pointCell), func(part int) []int32 { return sums[part].others })
	} else if lens := d.job.lens; lens.sparse(d.snap, t.GridBox(pointCell)) {
		refs = d.find.Among(d.snap, t.GridBox(pointCell), func(part int) []int32 {
			d.some = lens.handles(d.some[:0], d.snap, part)
			return d.some
		})
	} else {
		refs = d.find.Search(d.snap, t.GridBox(pointCell))
	}
	if !d.summed {
		d.expect(refs)
	}
	for i, r := range refs {
		if i%cancelEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		seg := d.snap.Segment(r.Part)
		if d.job.filter != nil && !d.job.filter.accepts(d.snap, r) {
			continue
		}
		box := seg.Box(r.Handle)
		near := box.Intersects(d.clipGrid)
		for ok := seg.Shape(r.Handle, &d.shape); ok; ok = d.shape.Next() {
			switch d.shape.Type {
			case geo.Point, geo.MultiPoint:
				d.thin.add(d.shape.Coords, int32(i), uint64(seg.Key(r.Handle)))
			case geo.LineString, geo.MultiLineString:
				if near {
					d.thinLine(seg, r, box)
				}
			default:
				if near {
					d.thinPolygon(seg, r, uint64(i))
				}
			}
		}
	}
	d.drawSmall(refs)
	d.drawBlocks()
	d.drawPoints(refs)
	return nil
}

// thinLine draws a line feature, or counts it as dropped.
func (d *renderer) thinLine(seg *index.Segment, r index.Ref, box geo.GridBox) {
	unit := float64(int64(1) << (20 - d.z))
	long := max(float64(int64(box.MaxX)-int64(box.MinX)), float64(int64(box.MaxY)-int64(box.MinY))) / unit
	if z, known := d.classOf(seg, r); known && d.z < z || long < 1 || d.z < 13 && !known && long < tinyLine {
		d.dropped++
		return
	}
	d.w.Feature(uint64(seg.Key(r.Handle)))
	whole := d.clipGrid.ContainsBox(box)
	for i := range d.shape.Ends {
		d.line(d.shape.Ring(i), whole, lineTol*float64(int(1)<<d.coarse))
	}
	d.finish(r, 0)
}

func (d *renderer) classOf(seg *index.Segment, r index.Ref) (uint32, bool) {
	class := d.job.lens.class
	if class < 0 || class >= seg.NumColumns() {
		return 0, false
	}
	if shown := d.job.lens.showing(r); shown != nil && !shown[class] {
		return 0, false
	}
	s, ok := seg.Column(class).Text(r.Handle)
	if !ok {
		return 0, false
	}
	z, ok := classZoom[s]
	return z, ok
}

// rule says which polygons are small at a zoom and coarseness.
type rule struct {
	width, area float64 // grid units, grid units²: both below these
}

func smallRule(z uint32, coarse int) rule {
	unit := float64(int64(1) << (20 - z))
	return rule{width: groupCell * unit, area: smallArea * unit * unit * float64(int64(1)<<(2*coarse))}
}

// small measures the polygon of rings from to to of a shape: the box of its outer
// ring and, where that is narrow enough, its area in grid units².
func (q rule) small(sh *index.Shape, from, to int) (b geo.GridBox, area float64, small bool) {
	b = boxOf(sh.Ring(from))
	if max(float64(int64(b.MaxX)-int64(b.MinX)), float64(int64(b.MaxY)-int64(b.MinY))) >= q.width {
		return b, 0, false
	}
	for i := from; i < to; i++ {
		area += float64(geo.RingArea2(sh.Ring(i))) / 2 // holes are negative
	}
	return b, area, area < q.area
}

// thinPolygon draws the large polygons of a feature and notes its small ones,
// unless the sums have them.
func (d *renderer) thinPolygon(seg *index.Segment, r index.Ref, hit uint64) {
	opened := false
	for p := range d.shape.NumPolygons() {
		from, to := d.shape.Rings(p)
		if from == to {
			continue
		}
		b, area, small := d.rule.small(&d.shape, from, to)
		if small {
			if !d.summed {
				d.blocks.note(b, area, hit)
			}
			continue
		}
		if !opened {
			d.w.Feature(uint64(seg.Key(r.Handle)))
			opened = true
		}
		d.polygon(from, to, d.clipGrid.ContainsBox(b), polygonSnap)
	}
	if opened && !d.finish(r, 0) && d.clipGrid.ContainsBox(seg.Box(r.Handle)) {
		d.dropped++
	}
}

func boxOf(coords []int32) geo.GridBox {
	b := geo.EmptyGridBox()
	for i := 0; i+1 < len(coords); i += 2 {
		b = b.Extend(coords[i], coords[i+1])
	}
	return b
}

// drawSmall draws the small polygons that are alone in their group, and leaves the
// others to the blocks. A mark is a hit, or where there are sums a packed Ref.
func (d *renderer) drawSmall(refs []index.Ref) {
	d.small = d.small[:0]
	for g, n := range d.blocks.count {
		switch {
		case n > 1:
			d.dropped += int(n)
		case n == 1 && d.summed:
			m := d.blocks.marks[g]
			d.small = append(d.small, smallPolygon{unmark(m), int32(g), m})
		case n == 1:
			m := d.blocks.marks[g]
			d.small = append(d.small, smallPolygon{refs[m], int32(g), m})
		}
	}
	slices.SortFunc(d.small, func(a, b smallPolygon) int {
		switch {
		case a.mark == b.mark: // polygons of one feature
			return int(a.group) - int(b.group)
		case d.summed:
			return d.snap.Compare(a.ref, b.ref)
		}
		return cmp.Compare(a.mark, b.mark)
	})
	for _, s := range d.small {
		if d.drawAlone(s) {
			d.blocks.solo[s.group] = true
		} else {
			d.dropped++
		}
	}
}

// drawAlone finds and draws the only small polygon of a group.
func (d *renderer) drawAlone(s smallPolygon) bool {
	seg := d.snap.Segment(s.ref.Part)
	for ok := seg.Shape(s.ref.Handle, &d.shape); ok; ok = d.shape.Next() {
		for p := range d.shape.NumPolygons() {
			from, to := d.shape.Rings(p)
			if from == to {
				continue
			}
			b, _, small := d.rule.small(&d.shape, from, to)
			if !small || d.blocks.local(groupAt(b, d.blocks.shift)) != s.group {
				continue
			}
			d.w.Feature(uint64(seg.Key(s.ref.Handle)))
			d.polygon(from, to, d.clipGrid.ContainsBox(b), 1)
			return d.finish(s.ref, 0)
		}
	}
	return false
}

// drawBlocks draws what is left as one feature without an id: the blocks, with
// the number of features they stand for.
func (d *renderer) drawBlocks() {
	n := d.blocks.trace()
	if n == 0 {
		return
	}
	d.w.Feature(0)
	d.blocks.each(func(ring []int32) { d.w.Ring(ring) })
	d.finish(mergedRef, int32(n))
}

// drawPoints draws the point that stands for each cell.
func (d *renderer) drawPoints(refs []index.Ref) {
	cells := d.thin.chosen()
	for _, c := range cells {
		if c.x < clipTile.MinX || c.x > clipTile.MaxX || c.y < clipTile.MinY || c.y > clipTile.MaxY {
			continue
		}
		r := refs[c.hit]
		seg := d.snap.Segment(r.Part)
		d.w.Feature(uint64(seg.Key(r.Handle)))
		d.points = append(d.points[:0], c.x, c.y)
		d.w.Points(d.points)
		d.finish(r, c.count)
		d.dropped += int(c.count) - 1
	}
}

// thinner keeps one point per cell.
type thinner struct {
	ox, oy int64
	shift  uint // grid units to tile units
	cell   int32
	across int32
	cells  []pointCellOf
	list   []pointCellOf
}

type pointCellOf struct {
	count int32
	hit   int32
	key   uint64
	x, y  int32
}

func (t *thinner) reset(tile geo.Tile, coarse int) {
	t.ox, t.oy = tile.Origin()
	t.shift = 20 - uint(tile.Z)
	t.cell = int32(min(pointCell<<coarse, extent))
	t.across = extent/t.cell + 2
	t.cells = append(t.cells[:0], make([]pointCellOf, t.across*t.across)...)
}

// add counts the positions of a feature; a feature counts once per cell for each
// of its positions there.
func (t *thinner) add(coords []int32, hit int32, key uint64) {
	half := int64(1) << t.shift >> 1
	for i := 0; i+1 < len(coords); i += 2 {
		x, y := int32((int64(coords[i])-t.ox+half)>>t.shift), int32((int64(coords[i+1])-t.oy+half)>>t.shift)
		cx, cy := (x+t.cell)/t.cell, (y+t.cell)/t.cell
		if x < -t.cell || y < -t.cell || cx >= t.across || cy >= t.across {
			continue
		}
		c := &t.cells[cy*t.across+cx]
		c.count++
		if c.count == 1 || key < c.key || key == c.key && (x < c.x || x == c.x && y < c.y) {
			c.hit, c.key, c.x, c.y = hit, key, x, y
		}
	}
}

// chosen returns the cells that have a point, in the order of the hits.
func (t *thinner) chosen() []pointCellOf {
	t.list = t.list[:0]
	for _, c := range t.cells {
		if c.count > 0 {
			t.list = append(t.list, c)
		}
	}
	slices.SortFunc(t.list, func(a, b pointCellOf) int {
		if a.hit != b.hit {
			return int(a.hit) - int(b.hit)
		}
		if a.y != b.y {
			return int(a.y) - int(b.y)
		}
		return int(a.x) - int(b.x)
	})
	return t.list
}
