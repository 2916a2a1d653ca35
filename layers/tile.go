package layers

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"nagar/catalog"
	"nagar/geo"
)

// maxTileCollections is the most layers of one tile.
const maxTileCollections = 64

// Tile renders one tile, or takes it from the cache. Input that is wrong is
// *catalog.Invalid; a collection that is not there or not seen is ErrNotFound.
func (e *Engine) Tile(ctx context.Context, r TileRequest) (*Tile, error) {
	rev := e.Rev() // before the state is read: the tile shows this or a later one
	st, err := e.current()
	if err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	for _, name := range r.Collections {
		if _, err := st.seen(name, r.View); err != nil {
			return nil, err
		}
	}
	if !r.At.IsNow() {
		jobs, err := st.jobs(&r)
		if err != nil {
			return nil, err
		}
		return e.pastTile(ctx, &r, jobs)
	}
	t, hit, err := e.cache.get(ctx, r.Tile, r.form(), r.Collections, func(ctx context.Context) (*Tile, error) {
		// From the state as it is now: a publication between the reading above and the
		// making of the cache's entry would not drop the entry, and what it hid or
		// changed would stay.
		jobs, err := e.state.Load().jobs(&r)
		if err != nil {
			return nil, err
		}
		return e.render(ctx, &r, jobs)
	})
	if err != nil {
		return nil, fmt.Errorf("tile %s: %w", r.Tile, err)
	}
	out := *t
	out.Rev, out.Cached = rev, hit
	return &out, nil
}

// jobs are the layers of a request on this state, as its view sees them.
func (st *state) jobs(r *TileRequest) ([]layerJob, error) {
	jobs := make([]layerJob, len(r.Collections))
	for i, name := range r.Collections {
		c, err := st.seen(name, r.View)
		if err != nil {
			return nil, err
		}
		if jobs[i], err = newLayerJob(c, r); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

func (r *TileRequest) check() error {
	switch {
	case !r.Tile.Valid():
		return &catalog.Invalid{Path: "tile", Reason: fmt.Sprintf("tile %s does not exist (zoom 0 to %d, x and y below 2^zoom)", r.Tile, geo.MaxTileZoom)}
	case len(r.Collections) == 0:
		return &catalog.Invalid{Path: "collections", Reason: "no collection named"}
	case len(r.Collections) > maxTileCollections:
		return &catalog.Invalid{Path: "collections", Reason: fmt.Sprintf("more than %d collections", maxTileCollections)}
	case r.Encoding > Brotli:
		return &catalog.Invalid{Path: "encoding", Reason: "unknown encoding"}
	}
	for i, n := range r.Collections {
		for _, m := range r.Collections[:i] {
			if n == m {
				return &catalog.Invalid{Path: "collections", Reason: fmt.Sprintf("collection %q is named twice", n)}
			}
		}
	}
	return nil
}

// form is the cache key beside the tile.
func (r *TileRequest) form() string {
	n := len(r.View.Key()) + len(r.Filter) + 8
	for _, c := range r.Collections {
		n += len(c) + 1
	}
	b := make([]byte, 0, n)
	for _, c := range r.Collections {
		b = append(append(b, c...), ',')
	}
	b = append(append(b, 0, '0'+byte(r.Encoding)), r.View.Key()...)
	if r.All {
		b = append(b, 0, 'a')
	}
	if r.Filter != "" {
		b = append(append(b, 0, 'f'), r.Filter...)
	}
	return string(b)
}

// render waits for its turn and draws the tile.
func (e *Engine) render(ctx context.Context, r *TileRequest, jobs []layerJob) (*Tile, error) {
	features := 0
	for i := range jobs {
		n := jobs[i].c.snap.Count(r.Tile.GridBox(buffer), bigLoad)
		if n > bigJob && jobs[i].summed(r) {
			n = bigJob
		}
		features += n
	}
	leave, err := e.workers.enter(ctx, features)
	if err != nil {
		return nil, err
	}
	defer leave()
	for i := range jobs {
		jobs[i].lens.on(jobs[i].c, e.rows)
	}
	return e.draw(ctx, r, jobs, features)
}

// draw draws the jobs' collections, of which the tile hits about so many features,
// and encodes it.
func (e *Engine) draw(ctx context.Context, r *TileRequest, jobs []layerJob, features int) (*Tile, error) {
	d := e.renders.get(features)
	defer e.renders.put(d, features)
	packed, err := d.fit(ctx, r, jobs, e.opts.TileBytes)
	if err != nil {
		return nil, err
	}
	t := &Tile{Features: d.features, Dropped: d.dropped, Carried: d.holds}
	raw := d.w.Bytes()
	e.counts.rendered.Add(1)
	e.counts.dropped.Add(int64(t.Dropped))
	t.ETag = etag(raw, r.Encoding)
	switch {
	case len(raw) == 0:
	case r.Encoding == Gzip && packed != nil:
		t.Data = packed
	default:
		t.Data = d.compress(r.Encoding, raw)
	}
	return t, nil
}

// fit draws the tile into d.w, coarser until it is within the budget of compressed
// bytes where it is generalised. It returns the tile as gzip where it had to weigh it.
func (d *renderer) fit(ctx context.Context, r *TileRequest, jobs []layerJob, budget int) (packed []byte, err error) {
	for coarse := 0; ; coarse++ {
		if err := d.tile(ctx, r, jobs, coarse); err != nil {
			return nil, err
		}
		raw := d.w.Bytes()
		if r.All || r.Tile.Z >= fullZoom || len(raw) <= budget || coarse == maxCoarse {
			return nil, nil
		}
		// Judge by gzip, whatever was asked for: every encoding shows the same.
		if packed = d.compress(Gzip, raw); len(packed) <= budget {
			return packed, nil
		}
	}
}

// etag is a strong tag of content and encoding: equal content, equal tag, on any server.
func etag(raw []byte, enc Encoding) string {
	var b strings.Builder
	b.WriteByte('"')
	b.WriteString(strconv.FormatUint(xxhash.Sum64(raw), 36))
	if enc != Identity && len(raw) > 0 {
		b.WriteByte('-')
		b.WriteString(enc.String())
	}
	b.WriteByte('"')
	return b.String()
}
