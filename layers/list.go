package layers

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// ListRequest asks for the features of a collection as a list, the latest first.
type ListRequest struct {
	Collection string
	By         string   // field of type time that the view sees; features without one come last
	Box        *geo.Box // only those that meet it; nil: everywhere, features without geometry too
	Filter     string   // CQL2 text
	View       catalog.View
	Limit      int    // 1 to MaxLimit; 0: 100
	After      string // Answer.Next of the page before
}

const cursorList = 'l'

// List answers the latest features first, ties by key. It looks at all of them: it
// is for lists that people read.
func (e *Engine) List(ctx context.Context, r ListRequest) (*Answer, error) {
	limit, err := limitOf(r.Limit)
	if err != nil {
		return nil, err
	}
	after, from, err := readListCursor(r.After)
	if err != nil {
		return nil, err
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
	if by < 0 || q.c.info.Fields[by].Type != catalog.TypeTime {
		return nil, &catalog.Invalid{Path: "by", Reason: fmt.Sprintf("want a field of type time, got %.40q", r.By)}
	}
	if err := q.enter(q.c.snap.Len()); err != nil {
		return nil, err
	}
	q.look()
	found, err := q.dated(ctx, &place, by)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, dated.compare)
	if from {
		i, there := slices.BinarySearchFunc(found, after, dated.compare)
		if there {
			i++
		}
		found = found[i:]
	}
	next := ""
	if len(found) > limit {
		next = makeCursor(cursorList, uint64(found[limit-1].at), uint64(found[limit-1].key))
		found = found[:limit]
	}
	q.begin()
	for _, f := range found {
		q.feature(f.ref)
		q.out.endFeature()
	}
	return q.answer(next), nil
}

func readListCursor(s string) (d dated, given bool, err error) {
	if s == "" {
		return d, false, nil
	}
	at, key, err := readCursor(cursorList, s)
	return dated{at: int64(at), key: catalog.Key(key)}, true, err
}

// dated is a feature of a list.
type dated struct {
	at  int64 // Unix µs
	key catalog.Key
	ref index.Ref
}

func (d dated) compare(e dated) int {
	return cmp.Or(cmp.Compare(e.at, d.at), cmp.Compare(d.key, e.key))
}

// dated collects the features that are asked for, with their time.
func (q *openQuery) dated(ctx context.Context, p *place, by int) ([]dated, error) {
	var out []dated
	asked := 0
	one := func(ref index.Ref) bool {
		if asked++; asked%cancelEvery == 0 && ctx.Err() != nil {
			return false
		}
		if q.filter != nil && !q.filter.accepts(q.c.snap, ref) {
			return true
		}
		seg, shown := q.c.snap.Segment(ref.Part), q.lens.showing(ref)
		d := dated{key: seg.Key(ref.Handle), ref: ref} // which one without a geometry has too
		if by < seg.NumColumns() && (shown == nil || shown[by]) {
			if v := seg.Value(ref.Handle, by); !v.IsNull() {
				d.at = v.AsTime().UnixMicro()
			}
		}
		out = append(out, d)
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
