package layers

import (
	"context"
	"math"
	"sync"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// querier answers queries in memory that it keeps. It is used by one goroutine at a time.
type querier struct {
	find   index.Finder
	shape  index.Shape
	out    featureWriter
	lenses map[string]keptLens // by collection
}

// keptLens is a lens that the next query of its view can use.
type keptLens struct {
	view string
	c    catalog.Collection
	lens *lens
}

const keptLenses = 64

// lensOf returns the lens of a view on a collection.
func (q *querier) lensOf(c *catalog.Collection, v catalog.View) *lens {
	k, known := q.lenses[c.Name]
	same := known && k.view == v.Key() && k.c.Rev == c.Rev && k.c.Class == c.Class && k.c.Owner == c.Owner &&
		len(k.c.Fields) == len(c.Fields) && (len(c.Fields) == 0 || &k.c.Fields[0] == &c.Fields[0])
	if same {
		return k.lens
	}
	if q.lenses == nil || len(q.lenses) >= keptLenses {
		q.lenses = map[string]keptLens{}
	}
	l := newLens(c, v)
	q.lenses[c.Name] = keptLens{v.Key(), *c, l}
	return l
}

// Within answers the features that meet a box or polygon, borders included, or are
// within a distance of a geometry, in canonical order (see layers/index). A box must
// have W ≤ E and S ≤ N: one across the antimeridian is refused; ask for its two halves.
func (e *Engine) Within(ctx context.Context, r WithinRequest) (*Answer, error) {
	limit, err := limitOf(r.Limit)
	if err != nil {
		return nil, err
	}
	place, err := placeOf(r.Box, r.Polygon, r.Around, r.Distance)
	if err != nil {
		return nil, err
	}
	if place.all() {
		return nil, &catalog.Invalid{Path: "bbox", Reason: "want a box, a polygon or a geometry with a distance"}
	}
	var after *index.Place
	if r.After != "" {
		rank, key, err := readCursor(cursorWithin, r.After)
		if err != nil {
			return nil, err
		}
		after = &index.Place{Rank: rank, Key: catalog.Key(key)}
	}
	q, err := e.open(ctx, r.Collection, r.View, r.Filter, r.At, place.past)
	if err != nil {
		return nil, err
	}
	defer q.close()
	if err := q.enter(q.c.snap.Count(place.area, bigLoad)); err != nil {
		return nil, err
	}
	q.look()
	snap := q.c.snap
	q.begin()
	next := ""
	var last index.Place
	for i, ref := range place.search(&q.find, snap) {
		if i%cancelEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if after != nil && !snap.Place(ref).After(*after) {
			continue
		}
		metres, met := place.meets(snap.Segment(ref.Part), ref.Handle, &q.shape)
		if !met || q.filter != nil && !q.filter.accepts(snap, ref) {
			continue
		}
		if q.out.count == limit {
			next = makeCursor(cursorWithin, last.Rank, uint64(last.Key))
			break
		}
		q.feature(ref)
		if place.reach != nil {
			q.out.number("distance_m", math.Round(metres*1000)/1000)
		}
		q.out.endFeature()
		if q.out.count == limit {
			last = snap.Place(ref)
		}
	}
	return q.answer(next), nil
}

// Near answers the features nearest to a position, nearest first, ties by key.
func (e *Engine) Near(ctx context.Context, r NearRequest) (*Answer, error) {
	limit, err := limitOf(r.Limit)
	if err != nil {
		return nil, err
	}
	if err := checkPosition(r.Lon, r.Lat); err != nil {
		return nil, err
	}
	after := index.Neighbour{Metres: -1}
	if r.After != "" {
		m, key, err := readCursor(cursorNear, r.After)
		if err != nil {
			return nil, err
		}
		after = index.Neighbour{Metres: math.Float64frombits(m), Key: catalog.Key(key)}
		if !(after.Metres >= 0) {
			return nil, &catalog.Invalid{Path: "after", Reason: "not a cursor of this query"}
		}
	}
	if !r.At.IsNow() {
		return e.nearPast(ctx, &r, limit, after)
	}
	q, err := e.open(ctx, r.Collection, r.View, r.Filter, r.At, nil)
	if err != nil {
		return nil, err
	}
	defer q.close()
	load := limit
	if r.Filter != "" { // it may have to look at everything
		load = q.c.snap.Len()
	}
	if err := q.enter(load); err != nil {
		return nil, err
	}
	q.look()
	a, _ := q.nearest(ctx, r.Lon, r.Lat, limit, after)
	return a, ctx.Err()
}

// nearest answers the neighbours after a cursor; farthest is the distance of the last one.
func (q *openQuery) nearest(ctx context.Context, lon, lat float64, limit int, after index.Neighbour) (a *Answer, farthest float64) {
	q.begin()
	next := ""
	var last index.Neighbour
	asked := 0
	accept := func(r index.Ref) (use, more bool) {
		if asked++; asked%cancelEvery == 0 && ctx.Err() != nil {
			return false, false
		}
		return q.filter == nil || q.filter.accepts(q.c.snap, r), true
	}
	q.find.Nearest(q.c.snap, lon, lat, accept, func(n index.Neighbour) bool {
		if n.Metres < after.Metres || n.Metres == after.Metres && n.Key <= after.Key {
			return ctx.Err() == nil
		}
		if q.out.count == limit {
			next = makeCursor(cursorNear, math.Float64bits(last.Metres), uint64(last.Key))
			return false
		}
		q.feature(n.Ref)
		q.out.number("distance_m", math.Round(n.Metres*1000)/1000)
		q.out.endFeature()
		last = n
		return ctx.Err() == nil
	})
	return q.answer(next), last.Metres
}

// nearPast looks in ever larger boxes of the past until nothing outside can be nearer.
func (e *Engine) nearPast(ctx context.Context, r *NearRequest, limit int, after index.Neighbour) (*Answer, error) {
	for radius := 1000.0; ; radius *= 4 {
		mx, my := geo.MetresPerDegree(min(max(math.Abs(r.Lat)+radius/111_000, 0), 89))
		b := geo.Box{W: r.Lon - radius/mx, E: r.Lon + radius/mx, S: r.Lat - radius/my, N: r.Lat + radius/my}
		whole := radius > 2_000_000
		q, err := e.open(ctx, r.Collection, r.View, r.Filter, r.At, func() *geo.Box {
			if whole {
				return nil
			}
			return &b
		})
		if err != nil {
			return nil, err
		}
		if err := q.enter(pastLoad); err != nil {
			q.close()
			return nil, err
		}
		q.look()
		a, farthest := q.nearest(ctx, r.Lon, r.Lat, limit, after)
		q.close()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if whole || a.Next != "" && farthest < radius*0.99 {
			return a, nil
		}
	}
}

// AtPoint answers what is at a position, collection by collection.
func (e *Engine) AtPoint(ctx context.Context, r AtRequest) (*Answer, error) {
	limit, err := limitOf(r.Limit)
	if err != nil {
		return nil, err
	}
	if err := checkPosition(r.Lon, r.Lat); err != nil {
		return nil, err
	}
	st, err := e.current()
	if err != nil {
		return nil, err
	}
	names := r.Collections
	if names == nil {
		for _, n := range st.names {
			if c := st.cols[n]; r.View.Sees(&c.info) && c.info.Geometry != catalog.GeometryNone {
				names = append(names, n)
			}
		}
	}
	x, y := geo.Project(r.Lon, r.Lat)
	here := geo.GridBox{MinX: x, MinY: y, MaxX: x, MaxY: y}.Grow(1)
	q := &openQuery{e: e, ctx: ctx, querier: e.queries.Get().(*querier), rev: e.Rev()}
	defer q.close()
	load := 1
	if !r.At.IsNow() {
		load = pastLoad
	}
	if err := q.enter(load); err != nil {
		return nil, err
	}
	q.page = answerPages.Get().(*answerPage)
	q.out.begin(q.page.b, nil, nil)
	for _, name := range names {
		if q.c, err = st.seen(name, r.View); err != nil {
			return nil, err
		}
		q.lens = q.lensOf(&q.c.info, r.View)
		if q.filter, err = newFilter(&q.c.info, r.View, q.lens, ""); err != nil {
			return nil, err
		}
		kept := e.rows
		if !r.At.IsNow() {
			b := here.Grow(2).Box()
			if q.c, err = e.scanPast(ctx, q.c, r.At, &b); err != nil {
				return nil, err
			}
			q.rev, kept = min(q.rev, q.c.rev), nil
		}
		q.lens.on(q.c, kept)
		q.out.collection(&q.c.info, q.lens.fields)
		for _, ref := range q.find.Search(q.c.snap, here) {
			seg := q.c.snap.Segment(ref.Part)
			if q.out.count == limit {
				return q.answer(""), nil
			}
			if seg.MeetsPosition(ref.Handle, x, y, &q.shape) && (q.filter == nil || q.filter.accepts(q.c.snap, ref)) {
				q.feature(ref)
				q.out.text("collection", name)
				q.out.endFeature()
			}
		}
	}
	return q.answer(""), nil
}

// openQuery is a query under way.
type openQuery struct {
	*querier
	e      *Engine
	ctx    context.Context
	rev    catalog.Rev
	c      *collection
	lens   *lens
	filter *filter
	page   *answerPage
	leave  func()
}

// open finds the collection, now or as it was; box is asked for the part of the past that matters.
func (e *Engine) open(ctx context.Context, name string, v catalog.View, text string, at catalog.At, box func() *geo.Box) (*openQuery, error) {
	rev := e.Rev() // before the state is read
	st, err := e.current()
	if err != nil {
		return nil, err
	}
	c, err := st.seen(name, v)
	if err != nil {
		return nil, err
	}
	q := &openQuery{querier: e.queries.Get().(*querier), e: e, ctx: ctx, rev: rev, c: c}
	q.lens = q.lensOf(&c.info, v)
	if q.filter, err = newFilter(&c.info, v, q.lens, text); err != nil {
		q.close()
		return nil, err
	}
	if !at.IsNow() {
		if q.c, err = e.past(ctx, c, at, box()); err != nil {
			q.close()
			return nil, err
		}
		q.rev = q.c.rev
	}
	return q, nil
}

// enter waits for a place to work in, unless the query has one.
func (q *openQuery) enter(features int) (err error) {
	if q.leave != nil {
		return nil
	}
	q.leave, err = q.e.workers.enter(q.ctx, features)
	return err
}

// look turns the view to the content, once there is a place to work in.
func (q *openQuery) look() { q.lens.on(q.c, q.e.rows) }

// feature writes what is seen of a feature; endFeature follows.
func (q *openQuery) feature(r index.Ref) {
	q.out.shown = q.lens.showing(r)
	q.out.feature(q.c.snap.Segment(r.Part), r.Handle, &q.shape)
}

// begin starts an answer of features of the query's collection.
func (q *openQuery) begin() {
	q.page = answerPages.Get().(*answerPage)
	q.out.begin(q.page.b, &q.c.info, q.lens.fields)
}

func (q *openQuery) close() {
	if q.leave != nil {
		q.leave()
	}
	if q.page != nil { // no answer was made
		q.page.b = q.out.buf
		q.page.keep()
	}
	q.out.forget()
	q.e.queries.Put(q.querier)
}

func (q *openQuery) answer(next string) *Answer {
	a := &Answer{Count: q.out.count, Next: next, Rev: q.rev, Carried: q.out.account.finish(), page: q.page}
	a.Features = q.out.finish()
	a.page.b, q.page = a.Features, nil
	return a
}

// answerPage is memory that an answer is written into.
type answerPage struct{ b []byte }

// answerPages are those that are not in use. An answer goes out before its page is taken
// again; very large ones are not kept.
var answerPages = sync.Pool{New: func() any { return &answerPage{make([]byte, 0, 4<<10)} }}

const keptPage = 4 << 20 // bytes

func (p *answerPage) keep() {
	if cap(p.b) <= keptPage {
		answerPages.Put(p)
	}
}

// Release gives the memory of Features back; they are not to be looked at any more.
// An answer that is not released is garbage like others.
func (a *Answer) Release() {
	if a.page != nil {
		a.page.keep()
	}
	a.Features, a.page = nil, nil
}
