package layers

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"nagar/geo"
)

// cache keeps rendered tiles, the least recently asked for leaving first, and
// lets concurrent requests for one tile share one rendering. A publication
// removes the entries that it changes, those being rendered included: their
// waiters, who asked before, still get what they asked for, but nobody later does.
type cache struct {
	limit int64

	mu     sync.Mutex
	tiles  map[geo.Tile][]*entry
	n      int
	size   int64
	recent entry // ring of finished entries: recent.next is the newest
	hits   int64
	misses int64
}

// entry is one tile in one form, finished or being rendered.
type entry struct {
	at   geo.Tile
	form string   // collections, view, encoding ...
	cols []string // whose changes make it stale

	done    chan struct{} // closed when tile or err is set
	tile    *Tile
	err     error
	waiting int
	cancel  context.CancelFunc
	gone    bool // no longer in tiles

	size       int64
	prev, next *entry
}

const entryOverhead = 400 // bytes of an entry beside its data, about

func newCache(limit int64) *cache {
	c := &cache{limit: limit, tiles: map[geo.Tile][]*entry{}}
	c.recent.prev, c.recent.next = &c.recent, &c.recent
	return c
}

func (c *cache) find(at geo.Tile, form string) *entry {
	for _, e := range c.tiles[at] {
		if e.form == form {
			return e
		}
	}
	return nil
}

// get returns the tile from the cache (and true), or what render makes of it.
// render's context ends when nobody waits any more.
func (c *cache) get(ctx context.Context, at geo.Tile, form string, cols []string, render func(context.Context) (*Tile, error)) (*Tile, bool, error) {
	c.mu.Lock()
	e := c.find(at, form)
	if e != nil && e.tile != nil {
		c.hits++
		c.unlink(e)
		c.link(e)
		t := e.tile
		c.mu.Unlock()
		return t, true, nil
	}
	if e == nil {
		c.misses++
		var rctx context.Context
		e = &entry{at: at, form: form, cols: cols, done: make(chan struct{})}
		rctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
		c.tiles[at] = append(c.tiles[at], e)
		go func() {
			defer e.cancel()
			t, err := guarded(rctx, render)
			c.finish(e, t, err)
		}()
	}
	e.waiting++
	c.mu.Unlock()
	select {
	case <-e.done:
		return e.tile, false, e.err
	case <-ctx.Done():
		c.mu.Lock()
		if e.waiting--; e.waiting == 0 {
			c.drop(e)
			e.cancel()
		}
		c.mu.Unlock()
		return nil, false, ctx.Err()
	}
}

// guarded turns a panic into an error: it happens on a goroutine of ours, where
// nobody else could, and one broken tile must not end the server.
func guarded(ctx context.Context, render func(context.Context) (*Tile, error)) (t *Tile, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("drawing panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return render(ctx)
}

func (c *cache) finish(e *entry, t *Tile, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.tile, e.err = t, err
	close(e.done)
	if e.gone {
		return
	}
	if err != nil || c.limit < 0 {
		c.drop(e)
		return
	}
	e.size = entryOverhead + int64(len(t.Data)+len(e.form))
	c.link(e)
	c.size += e.size
	c.n++
	for c.size > c.limit && c.recent.prev != &c.recent {
		c.drop(c.recent.prev)
	}
}

func (c *cache) link(e *entry) {
	e.prev, e.next = &c.recent, c.recent.next
	e.prev.next, e.next.prev = e, e
}

func (c *cache) unlink(e *entry) {
	e.prev.next, e.next.prev = e.next, e.prev
	e.prev, e.next = nil, nil
}

// drop takes an entry out.
func (c *cache) drop(e *entry) {
	if e.gone {
		return
	}
	e.gone = true
	rest := slices.DeleteFunc(c.tiles[e.at], func(x *entry) bool { return x == e })
	if len(rest) == 0 {
		delete(c.tiles, e.at)
	} else {
		c.tiles[e.at] = rest
	}
	if e.next != nil {
		c.unlink(e)
		c.size -= e.size
		c.n--
	}
}

// invalidate drops what a change makes stale.
func (c *cache) invalidate(ch *change) {
	boxes := ch.boxes
	if len(boxes) > 256 {
		all := geo.EmptyGridBox()
		for _, b := range boxes {
			all = all.Union(b)
		}
		boxes = []geo.GridBox{all}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tiles) == 0 {
		return
	}
	if ch.all {
		for at := range c.tiles {
			c.dropAt(at, ch.collection)
		}
		return
	}
	for _, b := range boxes {
		for z := range uint32(geo.MaxTileZoom + 1) {
			r := geo.TilesOf(b, z, reach(z))
			if r.Count() > uint64(len(c.tiles)) {
				for at := range c.tiles {
					if r.Contains(at) {
						c.dropAt(at, ch.collection)
					}
				}
				continue
			}
			r.Each(func(at geo.Tile) bool {
				c.dropAt(at, ch.collection)
				return true
			})
		}
	}
}

func (c *cache) dropAt(at geo.Tile, collection string) {
	es := c.tiles[at]
	for i := len(es) - 1; i >= 0; i-- {
		if slices.Contains(es[i].cols, collection) {
			c.drop(es[i])
			es = c.tiles[at]
		}
	}
}

func (c *cache) stats(s *Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.CacheBytes, s.CacheTiles, s.CacheHits, s.CacheMiss = c.size, c.n, c.hits, c.misses
}
