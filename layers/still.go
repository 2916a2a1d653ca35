package layers

import (
	"context"
	"fmt"
	"math"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// Still is some collections at one moment, in memory: what a whole pyramid of
// tiles is drawn from. It never changes, and any number of Pens may draw from it
// at once.
type Still struct {
	cols []*collection
	rev  catalog.Rev
	rows *keptRows // of the views that draw
}

// StillOptions say what is read.
type StillOptions struct {
	At  catalog.At // on both clocks; zero: as it is at Now
	Box *geo.Box   // features whose box meets it, degrees; nil: all
	Now time.Time  // the city's now; zero: time.Now()
}

// ReadStill reads collections from the store, each once; one that does not exist
// is ErrNotFound. Several may differ by what was written meanwhile.
func ReadStill(ctx context.Context, src Source, names []string, o StillOptions) (*Still, error) {
	all, err := src.Collections(ctx)
	if err != nil {
		return nil, fmt.Errorf("read collections: %w", err)
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	s := &Still{rev: catalog.Rev(math.MaxInt64), rows: newKeptRows(keptRowsLimit)}
	for _, name := range names {
		c, err := readStill(ctx, src, all, name, o)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		s.cols = append(s.cols, c)
		s.rev = min(s.rev, c.rev)
	}
	return s, nil
}

func readStill(ctx context.Context, src Source, all []catalog.Collection, name string, o StillOptions) (*collection, error) {
	for i := range all {
		if all[i].Name != name {
			continue
		}
		b := index.NewBuilder(&all[i])
		passing := newTimetable()
		rev, err := scanAhead(ctx, src, catalog.Query{Collection: name, Box: o.Box, At: o.At}, func(f *catalog.Feature) {
			if !o.At.IsNow() || passing.admit(name, f, o.Now) {
				b.Add(f)
			}
		})
		if err != nil {
			return nil, err
		}
		return &collection{info: all[i], snap: index.NewSnapshot(b.Build()), rev: rev}, nil
	}
	return nil, catalog.ErrNotFound
}

// Rev is the revision that the oldest of the collections shows.
func (s *Still) Rev() catalog.Rev { return s.rev }

// Collections describes what was read, in the order asked for.
func (s *Still) Collections() []Info {
	out := make([]Info, len(s.cols))
	for i, c := range s.cols {
		out[i] = c.describe()
	}
	return out
}

// Near reports whether anything is near enough to be drawn in the tile. Where
// nothing is, nothing is in the tiles below it.
func (s *Still) Near(t geo.Tile) bool {
	margin := buffer
	if t.Z < fullZoom {
		margin = pointCell
	}
	for _, c := range s.cols {
		if c.snap.Count(t.GridBox(margin), 1) > 0 {
			return true
		}
	}
	return false
}

// Pen draws tiles of a Still as one view sees it, all collections, one layer
// each. It keeps its memory from tile to tile and is used by one goroutine at a time.
type Pen struct {
	d      renderer
	jobs   []layerJob
	budget int
}

// NewPen returns a pen for a view and a filter (CQL2 text; "" for all) that reads
// fields which the view sees. A collection that the view does not see is ErrNotFound.
func (s *Still) NewPen(v catalog.View, filter string) (*Pen, error) {
	p := &Pen{budget: tileBudget}
	for _, c := range s.cols {
		if !v.Sees(&c.info) {
			return nil, fmt.Errorf("collection %q: %w", c.info.Name, catalog.ErrNotFound)
		}
		j, err := newLayerJob(c, &TileRequest{View: v, Filter: filter})
		if err != nil {
			return nil, fmt.Errorf("collection %q: %w", c.info.Name, err)
		}
		j.lens.on(c, s.rows)
		p.jobs = append(p.jobs, j)
	}
	return p, nil
}

// Drawn is a tile as a Pen drew it.
type Drawn struct {
	Data     []byte // not compressed; empty when there is nothing to draw. The Pen's: valid until its next tile
	Features int    // see Tile
	Dropped  int
}

// Draw draws the tile just as Engine.Tile does.
func (p *Pen) Draw(ctx context.Context, t geo.Tile) (Drawn, error) {
	if _, err := p.d.fit(ctx, &TileRequest{Tile: t}, p.jobs, p.budget); err != nil {
		return Drawn{}, fmt.Errorf("tile %s: %w", t, err)
	}
	return Drawn{Data: p.d.w.Bytes(), Features: p.d.features, Dropped: p.d.dropped}, nil
}
