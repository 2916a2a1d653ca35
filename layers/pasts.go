package layers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nagar/catalog"
	"nagar/layers/index"
)

// Bounds of what is kept of the past.
const (
	pastEdits   = 300_000         // differences of one moment; where there are more, each place is scanned
	pastKept    = 500_000         // of all moments kept
	pastMoments = 16              // moments kept, by collection
	pastIdle    = 2 * time.Minute // for so long after they were last asked for
	pastNow     = time.Second     // for so long a moment that only the recorded clock gives is now
)

// pasts are collections as they were at moments somebody looks at. Each is the
// present with the differences over it, so it shares the present's memory.
type pasts struct {
	mu  sync.Mutex
	all map[pastKey]*pastState
}

type pastKey struct {
	collection string
	asof       int64 // ns; 0 with now
	now        bool
	known      catalog.Rev
}

// pastState is one of them, or the making of it.
type pastState struct {
	base *collection   // of the present
	done chan struct{} // closed when what follows is there
	was  *collection   // nil: too much differs
	size int
	err  error
	made time.Time
	used time.Time // pasts.mu
}

// of reports whether it is the past of this present. Whatever is written to the
// collection may be a correction of its past.
func (p *pastState) of(c *collection, now time.Time, key pastKey) bool {
	return p.base.rev == c.rev && p.base.info.Rev == c.info.Rev && (!key.now || now.Sub(p.made) < pastNow)
}

// wholePast returns the collection as it was; nil where too much differs, where the
// source cannot tell, or, unless it is wanted, where it is not at hand.
func (e *Engine) wholePast(ctx context.Context, c *collection, at catalog.At, wanted bool) (*collection, error) {
	d, ok := e.src.(catalog.Differ)
	if !ok {
		return nil, nil
	}
	key := pastKey{collection: c.info.Name, now: at.AsOf.IsZero(), known: at.Known}
	if !key.now {
		key.asof = at.AsOf.UnixNano()
	}
	for {
		p, mine := e.pasts.claim(key, c, time.Now(), wanted)
		switch {
		case p == nil:
			return nil, nil
		case mine:
			p.was, p.size, p.err = e.makePast(ctx, d, c, at)
			close(p.done)
			e.pasts.settle(key, p)
			return p.was, p.err
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if p.err == nil {
			return p.was, nil
		} // it was another request's, which may just have left
	}
}

// makePast puts the differences over the present.
func (e *Engine) makePast(ctx context.Context, d catalog.Differ, c *collection, at catalog.At) (*collection, int, error) {
	leave, err := e.workers.enter(ctx, pastLoad)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	var edits []index.Edit
	place := map[string]int{}
	other := catalog.Other{Collection: c.info.Name, At: at, Since: c.rev, Shown: e.opts.Clock().Add(-2 * longestSleep)}
	rev, err := d.Unlike(ctx, other, func(id string, then *catalog.Feature) error {
		i, again := place[id]
		if !again {
			if i = len(edits); i == pastEdits {
				return errFar
			}
			place[id] = i
			edits = append(edits, index.Edit{ID: id})
		}
		if then != nil {
			f := *then
			edits[i].New = &f
		}
		return ctx.Err()
	})
	switch {
	case errors.Is(err, errFar):
		return nil, 0, nil
	case err != nil:
		return nil, 0, fmt.Errorf("read the past of %s: %w", c.info.Name, err)
	}
	was, _ := c.edited(edits, rev)
	return was, len(edits), nil
}

// claim returns what there is of a moment; or, if it is wanted, what the caller
// has to make.
func (s *pasts) claim(key pastKey, c *collection, now time.Time, wanted bool) (p *pastState, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.all[key]; p != nil && p.of(c, now, key) {
		p.used = now
		return p, false
	}
	if !wanted {
		return nil, false
	}
	if s.all == nil {
		s.all = map[pastKey]*pastState{}
	}
	p = &pastState{base: c, done: make(chan struct{}), made: now, used: now}
	s.all[key] = p
	return p, true
}

// settle lets what failed go, and the oldest of what is too much.
func (s *pasts) settle(key pastKey, p *pastState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.err != nil && s.all[key] == p {
		delete(s.all, key)
	}
	for {
		n, size := 0, 0
		var oldest pastKey
		for k, q := range s.all {
			select {
			case <-q.done:
			default:
				continue
			}
			if size += q.size; n == 0 || q.used.Before(s.all[oldest].used) {
				oldest = k
			}
			n++
		}
		if n <= pastMoments && size <= pastKept {
			return
		}
		delete(s.all, oldest)
	}
}

// sweep lets go what nobody asked for lately: it holds what the present may have
// merged away.
func (s *pasts) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, p := range s.all {
		if now.Sub(p.used) > pastIdle {
			delete(s.all, k)
		}
	}
}

// forget lets everything go: something was erased.
func (s *pasts) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.all)
}
