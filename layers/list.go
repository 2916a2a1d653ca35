package layers

import (
	"cmp"
	"context"
	"slices"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// ListRequest asks for the features of a collection as a list, in the order of a field.
type ListRequest struct {
	Collection string
	By         string   // a field that the view sees, of any type but JSON; features without a value come last
	Rising     bool     // the least first; else the greatest, or latest
	Ranks      []string // of a text field whose values have an order of their own: from the least
	Box        *geo.Box // only those that meet it; nil: everywhere, features without geometry too
	Filter     string   // CQL2 text
	View       catalog.View
	Limit      int    // 1 to MaxLimit; 0: 100
	After      string // Answer.Next of the page before
}

const cursorList = 'l'

// List answers the features in order, ties by key. It looks at all of them: it is
// for lists that people read. Its cursor names the last feature of a page; where that
// is there no more, the next page begins at its place.
func (e *Engine) List(ctx context.Context, r ListRequest) (*Answer, error) {
	limit, err := limitOf(r.Limit)
	if err != nil {
		return nil, err
	}
	var at, key uint64
	if r.After != "" {
		if at, key, err = readCursor(cursorList, r.After); err != nil {
			return nil, err
		}
	}
	place, err := placeOf(r.Box, nil, nil, 0)
	if err != nil {
		return nil, err
	}
	q, err := e.open(ctx, r.Collection, r.View, r.Filter, catalog.At{}, nil)
	if err != nil {
		return nil, err
	}
	defer q.close()
	by, err := fieldOf(&q.c.info, r.View, r.By)
	if err != nil {
		return nil, err
	}
	if by < 0 {
		return nil, &catalog.Invalid{Path: "by", Reason: "want a field"}
	}
	if err := q.enter(q.c.snap.Len()); err != nil {
		return nil, err
	}
	q.look()
	found, err := q.listed(ctx, &place, by, r.Ranks)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b listed) int { return a.compare(b, r.Rising) })
	begin := 0
	if r.After != "" {
		begin = min(int(at&(1<<40-1)), len(found))
		if i := slices.IndexFunc(found, func(x listed) bool { return x.key == catalog.Key(key) }); i >= 0 {
			begin = i + 1
		}
	}
	end, next := min(begin+limit, len(found)), ""
	if end < len(found) {
		next = makeCursor(cursorList, uint64(end), uint64(found[end-1].key))
	}
	q.begin()
	for _, f := range found[begin:end] {
		q.feature(f.ref)
		q.out.endFeature()
	}
	return q.answer(next), nil
}

// listed is a feature of a list.
type listed struct {
	value catalog.Value
	key   catalog.Key
	ref   index.Ref
}

// compare orders by value, nulls last, then by key.
func (x listed) compare(y listed, rising bool) int {
	c := compareValues(x.value, y.value)
	if !rising && !x.value.IsNull() && !y.value.IsNull() {
		c = -c
	}
	return cmp.Or(c, cmp.Compare(x.key, y.key))
}

// listed collects the features that are asked for, with their value.
func (q *openQuery) listed(ctx context.Context, p *place, by int, ranks []string) ([]listed, error) {
	var out []listed
	asked := 0
	one := func(ref index.Ref) bool {
		if asked++; asked%cancelEvery == 0 && ctx.Err() != nil {
			return false
		}
		if q.filter != nil && !q.filter.accepts(q.c.snap, ref) {
			return true
		}
		seg, shown := q.c.snap.Segment(ref.Part), q.lens.showing(ref)
		x := listed{key: seg.Key(ref.Handle), ref: ref} // which one without a geometry has too
		if by < seg.NumColumns() && (shown == nil || shown[by]) {
			if x.value = seg.Value(ref.Handle, by); ranks != nil && !x.value.IsNull() {
				x.value = catalog.Integer(int64(slices.Index(ranks, x.value.Str())))
			}
		}
		out = append(out, x)
		return true
	}
	if p.all() {
		q.c.snap.All(one)
		return out, ctx.Err()
	}
	for _, ref := range p.search(&q.find, q.c.snap) {
		if _, met := p.meets(q.c.snap.Segment(ref.Part), ref.Handle, &q.shape); met && !one(ref) {
			break
		}
	}
	return out, ctx.Err()
}
