package httpapi

import (
	"slices"
	"strconv"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers"
)

// notice is a layers.Dirty that waits, and a revision that all it merges come
// after or from.
type notice struct {
	layers.Dirty
	first catalog.Rev
}

// enqueue adds a notice to a list of at most one per collection.
func enqueue(list []notice, d layers.Dirty, first catalog.Rev) []notice {
	i := slices.IndexFunc(list, func(p notice) bool { return p.Collection == d.Collection })
	if i < 0 {
		return append(list, notice{d, first})
	}
	list[i].Dirty = join(list[i].Dirty, d)
	list[i].first = min(list[i].first, first)
	return list
}

// known is the latest revision, at most rev, up to which a client knows everything
// while the notices wait.
func known(rev catalog.Rev, waiting ...[]notice) catalog.Rev {
	for _, list := range waiting {
		for i := range list {
			rev = min(rev, list[i].first-1)
		}
	}
	return rev
}

// maxTiles is from how many tiles on an event carries a box.
const maxTiles = 200

// join merges two notices for one collection. One that names neither tiles nor
// box stands for the whole collection.
func join(a, b layers.Dirty) layers.Dirty {
	out := layers.Dirty{Collection: a.Collection, Rev: max(a.Rev, b.Rev)}
	if everything(&a) || everything(&b) {
		return out
	}
	if a.Box == nil && b.Box == nil {
		out.Tiles = slices.Clone(a.Tiles)
		have := make(map[geo.Tile]bool, len(a.Tiles))
		for _, t := range a.Tiles {
			have[t] = true
		}
		for _, t := range b.Tiles {
			if !have[t] {
				out.Tiles = append(out.Tiles, t)
			}
		}
		if len(out.Tiles) <= maxTiles {
			return out
		}
		out.Tiles = nil
	}
	box := dirtyBox(&a).Union(dirtyBox(&b))
	out.Box = &box
	return out
}

func everything(d *layers.Dirty) bool { return d.Box == nil && len(d.Tiles) == 0 }

func dirtyBox(d *layers.Dirty) geo.Box {
	if d.Box != nil {
		return *d.Box
	}
	box := geo.EmptyBox()
	for _, t := range d.Tiles {
		box = box.Union(t.Box())
	}
	return box
}

// within returns what of the notice concerns a box (nil: everywhere), and whether
// anything does. The notice's own tiles stay as they are: others read them.
func within(d layers.Dirty, box *geo.Box) (layers.Dirty, bool) {
	if box == nil || everything(&d) {
		return d, true
	}
	if d.Box != nil {
		return d, d.Box.Intersects(*box)
	}
	kept := make([]geo.Tile, 0, len(d.Tiles))
	for _, t := range d.Tiles {
		if t.Box().Intersects(*box) {
			kept = append(kept, t)
		}
	}
	d.Tiles = kept
	return d, len(kept) > 0
}

// appendTiles appends a tiles event without its end, which is its id.
func appendTiles(b []byte, d *layers.Dirty) []byte {
	b = append(b, "event: tiles\ndata: {\"collection\":"...)
	b = catalog.AppendJSONString(b, d.Collection)
	b = strconv.AppendInt(append(b, `,"rev":`...), int64(d.Rev), 10)
	switch {
	case d.Box != nil:
		b = appendBox(append(b, `,"bbox":`...), *d.Box)
	case len(d.Tiles) > 0:
		b = append(b, `,"tiles":[`...)
		for i, t := range d.Tiles {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), t.String()...), '"')
		}
		b = append(b, ']')
	default:
		b = appendBox(append(b, `,"bbox":`...), geo.World())
	}
	return append(b, "}\n"...)
}

// appendID ends an event.
func appendID(b []byte, rev catalog.Rev) []byte {
	b = strconv.AppendInt(append(b, "id: "...), int64(rev), 10)
	return append(b, "\n\n"...)
}
