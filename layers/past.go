package layers

import (
	"context"
	"fmt"
	"math"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// The past is answered from the store, in one of two ways. What differs between a
// moment and the present is put over the present index, and the outcome kept for a
// while (layers/pasts.go): tiles and queries of that moment then cost what they cost
// now. Where little is asked for, or too much differs, what a scan finds in the place
// that matters is indexed like the present. Both are drawn and searched by the same
// code, and show the same.

// pastLoad is what a look at the past counts among the big jobs: two at a time,
// since what the scan will find is not known.
const pastLoad = bigLoad / 2

// pastFew is up to how many features of the present in a place a scan of it is
// quicker than all the differences.
const pastFew = 1_000

// past returns the collection as it was, as far as its features meet the box (nil:
// all). The caller holds no place among the workers.
func (e *Engine) past(ctx context.Context, c *collection, at catalog.At, box *geo.Box) (*collection, error) {
	few := box != nil && c.snap.Count(geo.ProjectBox(*box), pastFew) < pastFew
	if was, err := e.wholePast(ctx, c, at, !few); was != nil || err != nil {
		return was, err
	}
	leave, err := e.workers.enter(ctx, pastLoad)
	if err != nil {
		return nil, err
	}
	defer leave()
	return e.scanPast(ctx, c, at, box)
}

// scanPast is past, of what the store finds there.
func (e *Engine) scanPast(ctx context.Context, c *collection, at catalog.At, box *geo.Box) (*collection, error) {
	b := index.NewBuilder(&c.info)
	rev, err := e.src.Scan(ctx, catalog.Query{Collection: c.info.Name, Box: box, At: at}, func(f *catalog.Feature) error {
		b.Add(f)
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read the past of %s: %w", c.info.Name, err)
	}
	return &collection{info: c.info, snap: index.NewSnapshot(b.Build()), rev: rev}, nil
}

// pastTile draws a tile as of another moment. It is not cached.
func (e *Engine) pastTile(ctx context.Context, r *TileRequest, jobs []layerJob) (*Tile, error) {
	margin := buffer
	if !r.All && r.Tile.Z < fullZoom {
		margin = pointCell
	}
	// What touches the border only once it is rounded to the grid is in the tile too.
	box := r.Tile.GridBox(margin).Outer()
	rev := catalog.Rev(math.MaxInt64)
	for i := range jobs {
		c, err := e.past(ctx, jobs[i].c, r.At, &box)
		if err != nil {
			return nil, fmt.Errorf("tile %s: %w", r.Tile, err)
		}
		jobs[i].c = c
		rev = min(rev, c.rev)
	}
	t, err := e.render(ctx, r, jobs)
	if err != nil {
		return nil, fmt.Errorf("tile %s: %w", r.Tile, err)
	}
	t.Rev = rev
	return t, nil
}
