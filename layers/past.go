package layers

import (
	"context"
	"fmt"
	"math"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// The past is answered from the store: what a scan finds is indexed like the
// present and drawn or searched by the same code.

// pastLoad is what a look at the past counts among the big jobs: two at a time,
// since what the scan will find is not known.
const pastLoad = bigLoad / 2

// past returns the collection as it was, as far as its features meet the box (nil: all).
func (e *Engine) past(ctx context.Context, c *collection, at catalog.At, box *geo.Box) (*collection, error) {
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
	leave, err := e.workers.enter(ctx, pastLoad)
	if err != nil {
		return nil, err
	}
	defer leave()
	box := r.Tile.GridBox(margin).Box()
	rev := catalog.Rev(math.MaxInt64)
	for i := range jobs {
		c, err := e.past(ctx, jobs[i].c, r.At, &box)
		if err != nil {
			return nil, fmt.Errorf("tile %s: %w", r.Tile, err)
		}
		jobs[i].c = c
		jobs[i].lens.on(c, nil)
		rev = min(rev, c.rev)
	}
	t, err := e.draw(ctx, r, jobs, pastLoad)
	if err != nil {
		return nil, fmt.Errorf("tile %s: %w", r.Tile, err)
	}
	t.Rev = rev
	return t, nil
}
