package layers

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"nagar/catalog"
)

// memSource is a store in memory with the two clocks reduced to the present and
// what was, per feature version, enough to follow and to scan the past.
type memSource struct {
	mu      sync.Mutex
	cols    map[string]catalog.Collection
	now     map[string]map[string]catalog.Feature
	commits []catalog.Commit
	news    chan struct{}
	fail    error // what every call returns, if set
	clock   func() time.Time
}

func newMemSource() *memSource {
	return &memSource{cols: map[string]catalog.Collection{}, now: map[string]map[string]catalog.Feature{}, news: make(chan struct{}), clock: time.Now}
}

func (m *memSource) failing() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fail
}

func (m *memSource) setFail(err error) {
	m.mu.Lock()
	m.fail = err
	close(m.news)
	m.news = make(chan struct{})
	m.mu.Unlock()
}

func (m *memSource) head() catalog.Rev { return catalog.Rev(len(m.commits)) }

func (m *memSource) commit(ch []catalog.Change) catalog.Rev {
	m.commits = append(m.commits, catalog.Commit{Rev: m.head() + 1, Time: m.clock(), Changes: ch})
	close(m.news)
	m.news = make(chan struct{})
	return m.head()
}

func (m *memSource) define(c catalog.Collection) catalog.Rev {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.Rev = m.head() + 1
	m.cols[c.Name] = c
	if m.now[c.Name] == nil {
		m.now[c.Name] = map[string]catalog.Feature{}
	}
	return m.commit([]catalog.Change{{Kind: catalog.Defined, Collection: c.Name}})
}

// write puts features (a nil geometry and nil properties delete) in one revision.
func (m *memSource) write(collection string, puts []catalog.Feature, deletes ...string) catalog.Rev {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := m.head() + 1
	var ch []catalog.Change
	for i := range puts {
		f := puts[i]
		f.Rev = rev
		var old *catalog.Feature
		if o, ok := m.now[collection][f.ID]; ok {
			old = &o
		}
		m.now[collection][f.ID] = f
		ch = append(ch, catalog.Change{Kind: catalog.Written, Collection: collection, ID: f.ID, Old: old, New: &f})
	}
	for _, id := range deletes {
		if o, ok := m.now[collection][id]; ok {
			delete(m.now[collection], id)
			ch = append(ch, catalog.Change{Kind: catalog.Written, Collection: collection, ID: id, Old: &o})
		}
	}
	return m.commit(ch)
}

// erase blanks a feature, of which the history keeps nothing either.
func (m *memSource) erase(collection, id string) catalog.Rev {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := catalog.Feature{ID: id, Rev: m.head() + 1}
	for i := range m.commits {
		for j := range m.commits[i].Changes {
			if ch := &m.commits[i].Changes[j]; ch.Collection == collection && ch.ID == id {
				ch.Old = nil
				if ch.New != nil {
					ch.New = &catalog.Feature{ID: id, Rev: ch.New.Rev}
				}
			}
		}
	}
	m.now[collection][id] = left
	return m.commit([]catalog.Change{{Kind: catalog.Scrubbed, Collection: collection, ID: id, Old: &catalog.Feature{ID: id}, New: &left}})
}

func (m *memSource) Head(context.Context) (catalog.Rev, error) {
	if err := m.failing(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.head(), nil
}

func (m *memSource) RevAt(_ context.Context, t time.Time) (catalog.Rev, error) {
	if err := m.failing(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return catalog.Rev(sort.Search(len(m.commits), func(i int) bool { return m.commits[i].Time.After(t) })), nil
}

func (m *memSource) Collections(context.Context) ([]catalog.Collection, error) {
	if err := m.failing(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []catalog.Collection
	for _, c := range m.cols {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func (m *memSource) Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	if err := m.failing(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	rev := m.head()
	if q.At.Known != 0 {
		rev = q.At.Known
	}
	all := map[string]catalog.Feature{}
	for _, c := range m.commits[:rev] {
		for _, ch := range c.Changes {
			switch {
			case ch.Collection != q.Collection || ch.Kind == catalog.Defined:
			case ch.New == nil:
				delete(all, ch.ID)
			default:
				all[ch.ID] = *ch.New
			}
		}
	}
	m.mu.Unlock()
	for _, f := range all {
		if q.Box != nil && !f.Geometry.Box().Intersects(*q.Box) {
			continue
		}
		asof := q.At.AsOf
		if asof.IsZero() {
			asof = m.clock()
		}
		if !f.ValidAt(asof) && !(q.Planned && f.ValidFrom.After(asof)) {
			continue
		}
		if err := fn(&f); err != nil {
			return rev, err
		}
	}
	return rev, ctx.Err()
}

func (m *memSource) Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error) {
	if err := m.failing(); err != nil {
		return since, err
	}
	m.mu.Lock()
	if since > m.head() {
		m.mu.Unlock()
		return since, fmt.Errorf("since %d: %w", since, catalog.ErrBadCursor)
	}
	todo := m.commits[since:]
	m.mu.Unlock()
	for _, c := range todo {
		// In two pieces, as a large commit comes.
		if n := len(c.Changes); n > 1 {
			first := c
			first.Changes, first.More = c.Changes[:n/2], true
			if err := fn(first); err != nil {
				return since, err
			}
			c.Changes = c.Changes[n/2:]
		}
		if err := fn(c); err != nil {
			return since, err
		}
		since = c.Rev
	}
	return since, ctx.Err()
}

func (m *memSource) Wait(ctx context.Context, since catalog.Rev) error {
	for {
		m.mu.Lock()
		h, ch, err := m.head(), m.news, m.fail
		m.mu.Unlock()
		if err != nil {
			return err
		}
		if h > since {
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var _ Source = (*memSource)(nil)
