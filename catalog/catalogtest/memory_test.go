package catalogtest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nagar/catalog"
)

// TestSuiteOnMemory runs the suite over the plainest store there can be, so that
// a failure in a real store is the store's and not the suite's.
func TestSuiteOnMemory(t *testing.T) {
	if os.Getenv(faultEnv) != "" {
		waitLong = 2 * time.Second // what never comes has been lost on purpose
	}
	stores := sync.Map{}
	Run(t, Harness{
		Dialect: memoryOnly,
		New:     func(t testing.TB) string { return t.Name() },
		Open: func(_ context.Context, location string) (catalog.Store, error) {
			s, _ := stores.LoadOrStore(location, newMemory())
			if s.(*memory).future {
				return nil, fmt.Errorf("open: %w", catalog.ErrFuture)
			}
			return s.(*memory), nil
		},
		Future: func(t testing.TB, location string) {
			s, _ := stores.Load(location)
			s.(*memory).future = true
		},
	})
}

// memory is a store in memory under one lock, on top of the oracle.
type memory struct {
	fault       string // see TestSuiteCatches
	numbered    catalog.Rev
	mu          sync.Mutex
	future      bool
	collections map[string]catalog.Collection
	oracles     map[string]*oracle
	commits     []catalog.Commit
	keys        map[string]catalog.Result
	wake        chan struct{}
}

func newMemory() *memory {
	return &memory{fault: os.Getenv(faultEnv), collections: map[string]catalog.Collection{}, oracles: map[string]*oracle{}, keys: map[string]catalog.Result{}, wake: make(chan struct{})}
}

func (m *memory) lock() func() { m.mu.Lock(); return m.mu.Unlock }

func (m *memory) head() catalog.Rev {
	if len(m.commits) == 0 {
		return 0
	}
	return m.commits[len(m.commits)-1].Rev
}

func (m *memory) commit(c catalog.Commit) {
	m.commits = append(m.commits, c)
	slices.SortFunc(m.commits, func(a, b catalog.Commit) int { return int(a.Rev - b.Rev) })
	if m.fault == "lost wake-ups" {
		return
	}
	close(m.wake)
	m.wake = make(chan struct{})
}

func (m *memory) Define(ctx context.Context, c catalog.Collection) (catalog.Rev, error) {
	defer m.lock()()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := c.Validate(); err != nil {
		return 0, err
	}
	if old, ok := m.collections[c.Name]; ok {
		next, err := old.Alter(c)
		if err != nil {
			return 0, err
		}
		next.Rev = old.Rev
		if fmt.Sprint(next) == fmt.Sprint(old) {
			return m.head(), nil
		}
		c = next
	} else {
		m.oracles[c.Name] = newOracle()
	}
	c.Rev = m.head() + 1
	m.collections[c.Name] = c
	m.commit(catalog.Commit{Rev: c.Rev, Time: time.Now().UTC().Truncate(time.Microsecond), Changes: []catalog.Change{{Kind: catalog.Defined, Collection: c.Name}}})
	return c.Rev, nil
}

func (m *memory) Collection(_ context.Context, name string) (catalog.Collection, error) {
	defer m.lock()()
	c, ok := m.collections[name]
	if !ok {
		return c, catalog.ErrNotFound
	}
	return c, nil
}

func (m *memory) Collections(context.Context) ([]catalog.Collection, error) {
	defer m.lock()()
	return slices.SortedFunc(maps.Values(m.collections), func(a, b catalog.Collection) int { return strings.Compare(a.Name, b.Name) }), nil
}

func (m *memory) Apply(ctx context.Context, b catalog.Batch) (catalog.Result, error) {
	var ops []catalog.Op
	m.mu.Lock()
	m.numbered = max(m.numbered, m.head()) + 1
	early := m.numbered
	m.mu.Unlock()
	for op, err := range b.Ops {
		if err == nil && m.fault != "deaf" {
			err = ctx.Err()
		}
		if err != nil {
			return catalog.Result{}, err
		}
		ops = append(ops, *op)
		ops[len(ops)-1].Feature.Props = slices.Clone(op.Feature.Props)
	}
	if err := ctx.Err(); err != nil && m.fault != "deaf" {
		return catalog.Result{}, err
	}
	defer m.lock()()
	if r, ok := m.keys[b.Key]; ok && b.Key != "" && m.fault != "forgets keys" {
		r.Replayed, r.Statuses = true, nil
		return r, nil
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	rev := m.head() + 1
	if m.fault == "numbers early" {
		rev = early
	}
	trial := map[string]*oracle{}
	for name, o := range m.oracles {
		trial[name] = &oracle{lives: maps.Clone(o.lives)}
		if m.fault == "half batches" {
			trial[name] = o
		}
	}
	n := len(ops)
	if b.Replace != "" {
		o, ok := trial[b.Replace]
		if !ok {
			return catalog.Result{}, catalog.ErrNotFound
		}
		stays := map[string]bool{}
		for _, op := range ops {
			stays[op.Feature.ID] = stays[op.Feature.ID] || op.Collection == b.Replace
		}
		for id, l := range o.lives {
			if l.current >= 0 && !stays[id] {
				ops = append(ops, catalog.Op{Kind: catalog.Delete, Collection: b.Replace, Feature: catalog.Feature{ID: id}})
			}
		}
	}
	r := catalog.Result{}
	var changes []catalog.Change
	done := map[string]bool{}
	for i := range ops {
		op := &ops[i]
		c, ok := m.collections[op.Collection]
		if !ok {
			return catalog.Result{}, catalog.ErrNotFound
		}
		if done[op.Collection+"/"+op.Feature.ID] {
			return catalog.Result{}, &catalog.Invalid{Path: "id", Reason: "twice"}
		}
		done[op.Collection+"/"+op.Feature.ID] = true
		if err := check(&c, op); err != nil {
			return catalog.Result{}, err
		}
		m.bend(op)
		old := trial[op.Collection].now(op.Feature.ID)
		status, err := trial[op.Collection].step(op, rev, now)
		if err != nil {
			return catalog.Result{}, err
		}
		if i < n {
			r.Statuses = append(r.Statuses, status)
		}
		ch := catalog.Change{Kind: catalog.Written, Collection: op.Collection, ID: op.Feature.ID, Old: old, New: trial[op.Collection].now(op.Feature.ID)}
		switch status {
		case catalog.Created:
			r.Created++
		case catalog.Updated:
			r.Updated++
		case catalog.Deleted:
			r.Deleted++
		case catalog.Erased:
			r.Erased++
			ch.Kind, ch.Old = catalog.Scrubbed, nil
			if m.fault != "feed remembers" {
				m.blank(op)
			}
		case catalog.Unchanged:
			r.Unchanged++
			continue
		}
		changes = append(changes, ch)
	}
	r.Rev = m.head()
	if len(changes) > 0 {
		r.Rev = rev
		m.oracles = trial
		m.commit(catalog.Commit{Rev: rev, Time: now, Author: b.Author, Reason: b.Reason, Changes: changes})
	}
	if b.Key != "" {
		m.keys[b.Key] = r
	}
	return r, nil
}

func check(c *catalog.Collection, op *catalog.Op) error {
	if op.Kind == catalog.Put {
		for i, p := range op.Feature.Props {
			if f, ok := c.Field(p.Name); ok && f.Type == catalog.TypeReal && p.Value.Type() == catalog.TypeInteger {
				op.Feature.Props = slices.Clone(op.Feature.Props)
				op.Feature.Props[i].Value = catalog.Real(p.Value.Float())
			}
		}
		return c.Check(&op.Feature)
	}
	for _, name := range op.Fields {
		if _, ok := c.Field(name); !ok {
			return &catalog.Invalid{Path: "fields", Reason: "unknown"}
		}
	}
	return catalog.CheckID(op.Feature.ID)
}

// blank erases in the feed so far.
func (m *memory) blank(op *catalog.Op) {
	for _, c := range m.commits {
		for i := range c.Changes {
			for _, f := range []**catalog.Feature{&c.Changes[i].Old, &c.Changes[i].New} {
				if *f != nil && (*f).ID == op.Feature.ID && c.Changes[i].Collection == op.Collection {
					l := life{current: -1, versions: []catalog.Version{{Feature: **f}}}
					l.erase(op.Fields, 0)
					*f = &l.versions[0].Feature
				}
			}
		}
	}
}

// now returns a copy of the current version.
func (o *oracle) now(id string) *catalog.Feature {
	l := o.life(id)
	if l.current < 0 {
		return nil
	}
	f := l.versions[l.current].Feature
	return &f
}

func (m *memory) asof(at catalog.At) time.Time {
	if at.AsOf.IsZero() {
		return time.Now()
	}
	return at.AsOf
}

func (m *memory) Feature(_ context.Context, collection, id string, at catalog.At) (catalog.Feature, error) {
	defer m.lock()()
	if o := m.oracles[collection]; o != nil {
		if f := o.at(id, m.asof(at), at.Known); m.fault == "now is whenever" && at.IsNow() {
			if f := o.now(id); f != nil {
				return *f, nil
			}
		} else if f != nil {
			return *f, nil
		}
	}
	return catalog.Feature{}, catalog.ErrNotFound
}

func (m *memory) History(_ context.Context, collection, id string) ([]catalog.Version, error) {
	defer m.lock()()
	if o := m.oracles[collection]; o != nil && len(o.life(id).versions) > 0 {
		out := o.history(id)
		for i := range out {
			for _, c := range m.commits {
				if c.Rev == out[i].Rev {
					out[i].Recorded, out[i].Author, out[i].Reason = c.Time, c.Author, c.Reason
				}
			}
		}
		return out, nil
	}
	return nil, catalog.ErrNotFound
}

func (m *memory) Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	unlock := m.lock()
	o, head := m.oracles[q.Collection], m.head()
	if o == nil {
		unlock()
		return 0, catalog.ErrNotFound
	}
	all := slices.Collect(maps.Values(o.scan(m.asof(q.At), q.At.Known)))
	if q.Ever {
		all = all[:0]
		for _, l := range o.lives {
			for i := range l.versions {
				all = append(all, &l.versions[i].Feature)
			}
		}
	}
	if now := m.asof(q.At); q.Planned {
		for _, l := range o.lives {
			if l.current >= 0 && l.versions[l.current].ValidFrom.After(now) {
				all = append(all, &l.versions[l.current].Feature)
			}
		}
	}
	c := m.collections[q.Collection]
	unlock()
	var match *catalog.Matcher
	if q.Match != nil {
		var err error
		if match, err = c.Matcher(q.Match); err != nil {
			return 0, err
		}
	}
	n := 0
	for _, f := range all {
		if q.Limit > 0 && n == q.Limit {
			break
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if b := f.Geometry.Box(); q.Box != nil && m.fault == "open borders" && b.W >= q.Box.E {
			continue
		}
		if q.Box != nil && (f.Geometry.IsEmpty() || !f.Geometry.Box().Intersects(*q.Box)) {
			continue
		}
		if match != nil && !match.Has(f.Props.Get(match.Field.Name)) && m.fault != "matches all" {
			continue
		}
		n++
		if err := fn(f); err != nil {
			return 0, err
		}
	}
	return head, nil
}

func (m *memory) ScanAll(ctx context.Context, queries []catalog.Query, fn func(int, *catalog.Feature) error) (catalog.Rev, error) {
	head, err := m.Head(ctx)
	if err != nil {
		return 0, err
	}
	for i, q := range queries {
		if q.At.Known == 0 {
			q.At.Known = head // one moment for all
		}
		if _, err := m.Scan(ctx, q, func(f *catalog.Feature) error { return fn(i, f) }); err != nil {
			return 0, err
		}
	}
	return head, nil
}

func (m *memory) Head(context.Context) (catalog.Rev, error) {
	defer m.lock()()
	return m.head(), nil
}

func (m *memory) RevAt(_ context.Context, t time.Time) (catalog.Rev, error) {
	defer m.lock()()
	rev := catalog.Rev(0)
	for _, c := range m.commits {
		if !c.Time.After(t) {
			rev = c.Rev
		}
	}
	return rev, nil
}

func (m *memory) Changes(ctx context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error) {
	unlock := m.lock()
	commits, head := slices.Clone(m.commits), m.head()
	unlock()
	if since > head {
		return since, catalog.ErrBadCursor
	}
	for i, c := range commits {
		if c.Rev <= since || m.fault == "skips between" && i%3 == 1 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return since, err
		}
		for chunk := range slices.Chunk(c.Changes, catalog.CommitChunk) {
			part := c
			part.Changes, part.More = chunk, len(chunk) > 0 && &chunk[len(chunk)-1] != &c.Changes[len(c.Changes)-1]
			if err := fn(part); err != nil {
				return since, err
			}
		}
		since = c.Rev
	}
	return since, nil
}

func (m *memory) Wait(ctx context.Context, since catalog.Rev) error {
	for {
		unlock := m.lock()
		head, wake := m.head(), m.wake
		unlock()
		if head > since {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		}
	}
}

func (m *memory) Check(context.Context, func(catalog.Problem) error) error { return nil }
func (m *memory) Close() error                                             { return nil }
