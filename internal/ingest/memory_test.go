package ingest_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"nagar/catalog"
)

// memory is the least of a store that a load needs, so that tests see what ingest
// asks of it, and can make it fail. Everything else of the contract panics.
type memory struct {
	catalog.Store
	mu          sync.Mutex
	collections map[string]catalog.Collection
	features    map[string]map[string]catalog.Feature
	rev         catalog.Rev
	discard     bool  // keep nothing: for benchmarks
	applied     int   // batches
	failAfter   int   // batches, then failure
	failure     error // of Apply
}

func newMemory() *memory {
	return &memory{collections: map[string]catalog.Collection{}, features: map[string]map[string]catalog.Feature{}}
}

func (m *memory) Define(_ context.Context, c catalog.Collection) (catalog.Rev, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := c.Validate(); err != nil {
		return 0, err
	}
	if old, ok := m.collections[c.Name]; ok {
		var err error
		if c, err = old.Alter(c); err != nil {
			return 0, err
		}
	}
	m.rev++
	m.collections[c.Name] = c
	if m.features[c.Name] == nil {
		m.features[c.Name] = map[string]catalog.Feature{}
	}
	return m.rev, nil
}

func (m *memory) Collection(_ context.Context, name string) (catalog.Collection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.collections[name]
	if !ok {
		return c, fmt.Errorf("collection %s: %w", name, catalog.ErrNotFound)
	}
	c.Fields = slices.Clone(c.Fields)
	return c, nil
}

func (m *memory) Apply(ctx context.Context, b catalog.Batch) (r catalog.Result, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failure != nil && m.applied >= m.failAfter {
		for range b.Ops { // the connection breaks when all has been sent
		}
		return r, m.failure
	}
	undo := map[string]map[string]catalog.Feature{}
	for name, fs := range m.features {
		if !m.discard {
			undo[name] = maps.Clone(fs)
		}
	}
	put := map[string]bool{}
	for op, err := range b.Ops {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && !m.discard {
			err = m.put(op, &r)
		}
		if err != nil {
			if !m.discard {
				m.features = undo
			}
			return catalog.Result{}, err
		}
		if m.discard {
			r.Created++
		} else {
			put[op.Feature.ID] = true
		}
	}
	for id := range m.features[b.Replace] {
		if !put[id] {
			delete(m.features[b.Replace], id)
			r.Deleted++
		}
	}
	m.rev++
	m.applied++
	r.Rev = m.rev
	return r, nil
}

func (m *memory) put(op *catalog.Op, r *catalog.Result) error {
	c := m.collections[op.Collection]
	if err := c.Check(&op.Feature); err != nil {
		return err
	}
	if op.Feature.Props.Get("name") == catalog.Text("refused by the store") {
		return &catalog.Invalid{Path: "valid_from", Reason: "before the current version's"}
	}
	f := op.Feature
	old, ok := m.features[op.Collection][f.ID]
	if ok && op.Merge {
		props := slices.Clone(f.Props)
		for _, p := range old.Props {
			if !slices.ContainsFunc(f.Props, func(q catalog.Property) bool { return q.Name == p.Name }) {
				props = append(props, p)
			}
		}
		f.Props = props
	}
	switch {
	case !ok:
		r.Created++
	case old.Geometry.Equal(&f.Geometry) && old.Props.Equal(f.Props) && (f.ValidFrom.IsZero() || f.ValidFrom.Equal(old.ValidFrom)):
		r.Unchanged++
		return nil
	default:
		r.Updated++
	}
	f.Props = slices.Clone(f.Props)
	m.features[op.Collection][f.ID] = f
	return nil
}

func (m *memory) Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	m.mu.Lock()
	all, rev := slices.Sorted(maps.Keys(m.features[q.Collection])), m.rev
	m.mu.Unlock()
	for _, id := range all {
		f, err := m.Feature(ctx, q.Collection, id, q.At)
		if err == nil && (q.Box == nil || q.Box.Intersects(f.Geometry.Box())) {
			if err := fn(&f); err != nil {
				return 0, err
			}
		}
	}
	return rev, nil
}

func (m *memory) Feature(_ context.Context, collection, id string, _ catalog.At) (catalog.Feature, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.features[collection][id]
	if !ok {
		return f, catalog.ErrNotFound
	}
	return f, nil
}

var errGone = fmt.Errorf("connection refused: %w", catalog.ErrUnavailable)
