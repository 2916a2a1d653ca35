package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers"
)

// Options say what pyramid is written.
type Options struct {
	MinZoom, MaxZoom uint32            // 0 to geo.MaxTileZoom
	View             catalog.View      // what of the collections is in the tiles
	Filter           string            // CQL2 text; "" for all features
	Progress         func(tiles int64) // called after each tile; may be nil
}

// Stats are an archive's figures.
type Stats struct {
	Tiles    int64 // tiles that have an address
	Contents int64 // different ones
	Dropped  int64 // features that tiles stand for without drawing each, summed over tiles
	Bytes    int64 // of the file
}

// Write draws every tile of a Still that is not empty and writes the archive to f,
// from its beginning. On an error what f holds is of no use.
func Write(ctx context.Context, f io.WriteSeeker, s *layers.Still, o Options) (Stats, error) {
	if o.MinZoom > o.MaxZoom || o.MaxZoom > geo.MaxTileZoom {
		return Stats{}, &catalog.Invalid{Path: "zoom", Reason: fmt.Sprintf("zooms %d to %d: want 0 to %d", o.MinZoom, o.MaxZoom, geo.MaxTileZoom)}
	}
	pens := make([]*layers.Pen, runtime.GOMAXPROCS(0))
	for i := range pens {
		var err error
		if pens[i], err = s.NewPen(o.View, o.Filter); err != nil {
			return Stats{}, err
		}
	}
	w, err := newWriter(f)
	if err != nil {
		return Stats{}, err
	}
	p := &pyramid{still: s, opts: o, tiles: make(chan *tile), order: make(chan *tile, tilesAhead)}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.list(ctx) })
	for _, pen := range pens {
		group.Go(func() error { return p.draw(ctx, pen) })
	}
	group.Go(func() error { return p.write(ctx, w) })
	if err := group.Wait(); err != nil {
		return Stats{}, err
	}
	box, metadata := describe(s, o)
	return w.finish(Header{
		TileCompression: Gzip, TileType: MVT, Bounds: box,
		Center: [3]float64{(box.W + box.E) / 2, (box.S + box.N) / 2, startZoom(box)},
	}, metadata)
}

// tilesAhead is how many tiles may be drawn while an earlier one is still in work:
// it bounds the memory.
const tilesAhead = 64

// pyramid draws tiles in parallel and hands them on in order.
type pyramid struct {
	still *layers.Still
	opts  Options
	tiles chan *tile // to be drawn
	order chan *tile // the same, in the order of their ids
	packs sync.Pool  // *bytes.Buffer
}

type tile struct {
	id      uint64
	drawn   chan struct{} // closed when what follows is set
	packed  *bytes.Buffer // nil: there is nothing to draw
	dropped int
}

// list finds the tiles that may hold something, zoom by zoom along the curve. The
// children of a tile that holds nothing are not looked at.
func (p *pyramid) list(ctx context.Context) error {
	defer close(p.tiles)
	defer close(p.order)
	level := []uint64{0}
	for z := uint32(0); z <= p.opts.MaxZoom; z++ {
		var next []uint64
		for _, id := range level {
			if !p.still.Near(tileOf(id)) {
				continue
			}
			if z >= p.opts.MinZoom {
				if err := p.hand(ctx, &tile{id: id, drawn: make(chan struct{})}); err != nil {
					return err
				}
			}
			if z < p.opts.MaxZoom {
				first := firstOf(z+1) + 4*(id-firstOf(z))
				next = append(next, first, first+1, first+2, first+3)
			}
		}
		level = next
	}
	return nil
}

func (p *pyramid) hand(ctx context.Context, t *tile) error {
	for _, to := range [2]chan *tile{p.order, p.tiles} {
		select {
		case to <- t:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// draw draws and packs tiles until there are no more.
func (p *pyramid) draw(ctx context.Context, pen *layers.Pen) error {
	z, err := gzip.NewWriterLevel(io.Discard, packLevel)
	if err != nil {
		return err
	}
	for t := range p.tiles {
		d, err := pen.Draw(ctx, tileOf(t.id))
		if err != nil {
			return err
		}
		t.dropped = d.Dropped
		if len(d.Data) > 0 {
			buf, _ := p.packs.Get().(*bytes.Buffer)
			if buf == nil {
				buf = new(bytes.Buffer)
			}
			buf.Reset()
			z.Reset(buf)
			if _, err := z.Write(d.Data); err != nil {
				return err
			}
			if err := z.Close(); err != nil {
				return err
			}
			t.packed = buf
		}
		close(t.drawn)
	}
	return nil
}

// packLevel is the gzip level of tiles: they are packed once and sent often.
const packLevel = 6

// write writes tiles as they are drawn, in order.
func (p *pyramid) write(ctx context.Context, w *writer) error {
	for t := range p.order {
		select {
		case <-t.drawn:
		case <-ctx.Done():
			return ctx.Err()
		}
		w.stats.Dropped += int64(t.dropped)
		if t.packed == nil {
			continue
		}
		if err := w.add(t.id, t.packed.Bytes()); err != nil {
			return fmt.Errorf("tile %s: %w", tileOf(t.id), err)
		}
		p.packs.Put(t.packed)
		if p.opts.Progress != nil {
			p.opts.Progress(w.stats.Tiles)
		}
	}
	return nil
}

// describe makes the bounds and the metadata (spec section 5): nothing in it
// tells when or from which revision the archive was made, so that the same
// content gives the same bytes.
func describe(s *layers.Still, o Options) (geo.Box, map[string]any) {
	box := geo.EmptyBox()
	var names, titles, thanks []string
	var list []map[string]any
	for _, c := range s.Collections() {
		box = box.Union(c.Box)
		fields := map[string]string{}
		for i := range c.Fields {
			if f := &c.Fields[i]; o.View.SeesField(&c.Collection, f) {
				fields[f.Name] = fieldType(f.Type)
			}
		}
		names, titles = append(names, c.Name), append(titles, c.Title.In("en"))
		for _, t := range [2]string{c.Source, c.Licence} {
			if t != "" && !slices.Contains(thanks, t) {
				thanks = append(thanks, t)
			}
		}
		list = append(list, map[string]any{
			"id": c.Name, "description": c.Title.In("en"), "fields": fields, "minzoom": o.MinZoom, "maxzoom": o.MaxZoom,
		})
	}
	if box.IsEmpty() {
		box = geo.World()
	}
	return box, map[string]any{
		"name": strings.Join(names, ","), "description": strings.Join(titles, ", "), "attribution": strings.Join(thanks, ", "),
		"type": "overlay", "version": "1", "generator": "nagar", "vector_layers": list,
	}
}

// fieldType is how TileJSON names the type of a field.
func fieldType(t catalog.FieldType) string {
	switch t {
	case catalog.TypeInteger, catalog.TypeReal:
		return "Number"
	case catalog.TypeBoolean:
		return "Boolean"
	}
	return "String"
}

// startZoom is the zoom at which the box fits on a screen of two by two tiles.
func startZoom(b geo.Box) float64 {
	z := uint32(0)
	for ; z < maxZoom && (b.E-b.W)*float64(uint64(1)<<(z+1)) <= 720; z++ {
	}
	return float64(z)
}
