package httpapi

import (
	"context"
	"errors"
	"sync"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers"
)

// Bounds of what a returning listener is told: beyond them, everything changed.
const (
	missedChanges = 20_000
	missedTime    = 2 * time.Second
	missedAnswers = 64
)

var (
	errTooMuch = errors.New("too much was missed")
	errReached = errors.New("reached what the index shows")
)

// missed reads from the feed what changed since a revision. After a restart a
// thousand browsers come back with much the same question: answers are shared,
// and one is worked out at a time.
type missed struct {
	working chan struct{}
	mu      sync.Mutex
	answers map[missedKey]missedAnswer
}

type missedKey struct{ since, until catalog.Rev }

type missedAnswer struct {
	boxes []layers.Dirty
	all   bool
}

func (m *missed) init() {
	m.working = make(chan struct{}, 1)
	m.answers = map[missedKey]missedAnswer{}
}

// since returns a box per collection of what changed after the revision, up to
// what the index shows; or true when it was too much to tell.
func (m *missed) since(ctx context.Context, cfg Config, since catalog.Rev) ([]layers.Dirty, bool) {
	until := cfg.Engine.Rev()
	if since == until {
		return nil, false
	}
	if since > until { // from another store, or the index is behind
		return nil, true
	}
	key := missedKey{since, until}
	if a, ok := m.lookup(key); ok {
		return a.boxes, a.all
	}
	ctx, cancel := context.WithTimeout(ctx, missedTime)
	defer cancel()
	select {
	case m.working <- struct{}{}:
		defer func() { <-m.working }()
	case <-ctx.Done():
		return nil, true
	}
	if a, ok := m.lookup(key); ok {
		return a.boxes, a.all
	}
	a := read(ctx, cfg.Store, key)
	if ctx.Err() == nil {
		m.mu.Lock()
		if len(m.answers) >= missedAnswers {
			clear(m.answers)
		}
		m.answers[key] = a
		m.mu.Unlock()
	}
	return a.boxes, a.all
}

func (m *missed) lookup(key missedKey) (missedAnswer, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.answers[key]
	return a, ok
}

func read(ctx context.Context, store Reader, key missedKey) missedAnswer {
	boxes := map[string]*layers.Dirty{}
	n := 0
	_, err := store.Changes(ctx, key.since, func(c catalog.Commit) error {
		if c.Rev > key.until {
			return errReached // beyond what the index shows: the subscription tells it
		}
		for i := range c.Changes {
			ch := &c.Changes[i]
			if n++; n > missedChanges {
				return errTooMuch
			}
			d := boxes[ch.Collection]
			if d == nil {
				empty := geo.EmptyBox()
				d = &layers.Dirty{Collection: ch.Collection, Box: &empty}
				boxes[ch.Collection] = d
			}
			d.Rev = c.Rev
			box := *d.Box
			for _, f := range []*catalog.Feature{ch.Old, ch.New} {
				if f != nil {
					box = box.Union(f.Geometry.Box())
				}
			}
			if ch.Kind != catalog.Written { // erased, or described anew: anything may look different
				box = geo.World()
			}
			*d.Box = box
		}
		return nil
	})
	if err != nil && !errors.Is(err, errReached) {
		return missedAnswer{all: true}
	}
	var out []layers.Dirty
	for _, name := range sortedKeys(boxes) {
		if d := boxes[name]; !d.Box.IsEmpty() {
			out = append(out, *d)
		}
	}
	return missedAnswer{boxes: out}
}
