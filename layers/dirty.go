package layers

import (
	"maps"
	"slices"
	"sync"

	"nagar/catalog"
	"nagar/geo"
)

// Dirty says which tiles of a collection changed. Tiles are of MaxZoom and stand
// for their whole chain: every tile that changed, at any zoom, is one of them, a
// parent of one, or below one. When they are many, Box (degrees) covers them.
type Dirty struct {
	Collection string
	Rev        catalog.Rev // the tiles show it, or a later one
	Tiles      []geo.Tile  // by row, then column; nil when Box is set
	Box        *geo.Box
}

// maxDirtyTiles is the most tiles that a Dirty names one by one.
const maxDirtyTiles = 200

// noticeLog is how many notices a subscription may lag behind before it is told
// that everything may have changed.
const noticeLog = 4096

// subscribers keeps one log of notices for all subscriptions: a notice costs a
// wake-up per subscriber and no more, and a slow one costs no memory.
type subscribers struct {
	mu    sync.Mutex
	log   [noticeLog]Dirty
	next  uint64 // number of the next notice
	names []string
	rev   catalog.Rev
	subs  map[*Subscription]struct{}
}

// Subscription is one client's view of what changes. Notices that are not taken
// yet are merged, at most one per collection.
type Subscription struct {
	hub  *subscribers
	wake chan struct{}
	seen uint64 // number of the next notice to take
}

// Subscribe returns a subscription to what is published from now on; Close it.
func (e *Engine) Subscribe() *Subscription {
	h := &e.subs
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[*Subscription]struct{}{}
	}
	s := &Subscription{hub: h, wake: make(chan struct{}, 1), seen: h.next}
	h.subs[s] = struct{}{}
	return s
}

// Wait is a channel that has an item when there may be something to Take.
func (s *Subscription) Wait() <-chan struct{} { return s.wake }

// Close ends the subscription; Wait's channel stays open and silent.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	delete(s.hub.subs, s)
	s.hub.mu.Unlock()
}

// Take returns what changed since the last Take, by collection name. A
// subscription that was asleep for too long gets the world for every collection.
func (s *Subscription) Take() []Dirty {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-s.wake:
	default:
	}
	from := s.seen
	s.seen = h.next
	if h.next-from > noticeLog {
		out := make([]Dirty, 0, len(h.names))
		for _, n := range h.names {
			w := geo.World()
			out = append(out, Dirty{Collection: n, Rev: h.rev, Box: &w})
		}
		return out
	}
	merged := map[string]*dirtySet{}
	for i := from; i < h.next; i++ {
		d := &h.log[i%noticeLog]
		m := merged[d.Collection]
		if m == nil {
			m = &dirtySet{tiles: map[geo.Tile]struct{}{}, box: geo.EmptyBox()}
			merged[d.Collection] = m
		}
		m.rev = d.Rev
		for _, t := range d.Tiles {
			m.add(t)
		}
		if d.Box != nil {
			m.many, m.box = true, m.box.Union(*d.Box)
		}
	}
	out := make([]Dirty, 0, len(merged))
	for _, n := range slices.Sorted(maps.Keys(merged)) {
		out = append(out, merged[n].dirty(n))
	}
	return out
}

func (h *subscribers) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs)
}

// notify logs a change and wakes everybody.
func (h *subscribers) notify(c *change, st *state, zoom uint32) {
	if !c.all && len(c.boxes) == 0 {
		return // nothing on the map changed
	}
	d := dirtyOf(c, zoom)
	d.Rev = st.rev
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log[h.next%noticeLog] = d
	h.next++
	h.names, h.rev = st.names, st.rev
	for s := range h.subs {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// dirtySet gathers tiles until they are too many, then only their box.
type dirtySet struct {
	rev   catalog.Rev
	tiles map[geo.Tile]struct{}
	box   geo.Box
	many  bool
}

func (m *dirtySet) add(t geo.Tile) {
	if !m.many {
		m.tiles[t] = struct{}{}
		m.many = len(m.tiles) > maxDirtyTiles
	}
	m.box = m.box.Union(t.Box())
}

func (m *dirtySet) dirty(collection string) Dirty {
	d := Dirty{Collection: collection, Rev: m.rev}
	if m.many {
		b := m.box
		d.Box = &b
		return d
	}
	for t := range m.tiles {
		d.Tiles = append(d.Tiles, t)
	}
	slices.SortFunc(d.Tiles, func(a, b geo.Tile) int {
		if a.Y != b.Y {
			return int(a.Y) - int(b.Y)
		}
		return int(a.X) - int(b.X)
	})
	return d
}

// dirtyOf works out which tiles of a zoom stand for what changed. A feature shows
// up to reach(z) tile units beyond its box at zoom z; where that makes a tile of
// a lower zoom differ that has none of the tiles near the box below it, its
// nearest tile is named as well.
func dirtyOf(c *change, zoom uint32) Dirty {
	m := &dirtySet{tiles: map[geo.Tile]struct{}{}, box: geo.EmptyBox()}
	if c.all {
		m.many, m.box = true, geo.World()
		return m.dirty(c.collection)
	}
	boxes := c.boxes
	if len(boxes) > 2000 {
		all := geo.EmptyGridBox()
		for _, b := range boxes {
			all = all.Union(b)
		}
		boxes = []geo.GridBox{all}
	}
	for _, b := range boxes {
		near := geo.TilesOf(b, zoom, reach(zoom))
		if near.Count() > maxDirtyTiles {
			m.many = true
			m.add(geo.Tile{Z: zoom, X: near.MinX, Y: near.MinY})
			m.add(geo.Tile{Z: zoom, X: near.MaxX, Y: near.MaxY})
		} else {
			near.Each(func(t geo.Tile) bool { m.add(t); return true })
		}
		for z := range zoom {
			s := zoom - z
			geo.TilesOf(b, z, reach(z)).Each(func(t geo.Tile) bool {
				if t.X < near.MinX>>s || t.X > near.MaxX>>s || t.Y < near.MinY>>s || t.Y > near.MaxY>>s {
					m.add(geo.Tile{
						Z: zoom,
						X: min(max(near.MinX, t.X<<s), (t.X+1)<<s-1),
						Y: min(max(near.MinY, t.Y<<s), (t.Y+1)<<s-1),
					})
				}
				return true
			})
		}
	}
	return m.dirty(c.collection)
}
