package layers

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// Engine follows a Source and answers from memory.
type Engine struct {
	src  Source
	opts Options

	// state is what readers see; writers replace it as a whole.
	state atomic.Pointer[state]
	// rev is the revision published: set after state and after the cache has
	// dropped what changed, so that no answer is older than it.
	rev    atomic.Int64
	loaded chan struct{}

	cache   *cache
	rows    *keptRows
	pasts   pasts
	workers *workers
	subs    subscribers
	renders renderers
	queries sync.Pool // *querier

	// mu is held by whoever changes state: the follower, the timer of validity, a
	// finished merge. It guards what follows.
	mu       sync.Mutex
	timed    *timetable
	advanced chan struct{} // closed and replaced when rev grows

	mergeDue chan struct{}
	timeDue  chan struct{}
	keep     *keeper
	telling  sync.Mutex // held while Options.Tell runs
	counts   counters
}

type counters struct {
	rendered, dropped, edits, merges atomic.Int64
}

// state is the content at one revision.
type state struct {
	rev   catalog.Rev
	cols  map[string]*collection
	names []string // sorted
}

// collection is one collection at one revision; it never changes.
type collection struct {
	info catalog.Collection
	snap *index.Snapshot
	rev  catalog.Rev

	// How many revisions erased something, and of how many nothing is kept any more
	// in what is hidden: see keeper.
	scrubs, purged int
}

func (c *collection) describe() Info {
	return Info{Collection: c.info, Count: c.snap.Len(), Box: c.snap.Box().Outer(), Rev: c.rev}
}

// New returns an engine over src. It starts nothing: call Run.
func New(src Source, o Options) *Engine {
	if o.MaxZoom == 0 {
		o.MaxZoom = 16
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.TileBytes == 0 {
		o.TileBytes = tileBudget
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	e := &Engine{
		src: src, opts: o,
		loaded: make(chan struct{}), advanced: make(chan struct{}),
		mergeDue: make(chan struct{}, 1), timeDue: make(chan struct{}, 1),
		keep:  newKeeper(o.Snapshots),
		cache: newCache(o.CacheBytes), rows: newKeptRows(keptRowsLimit), workers: newWorkers(), timed: newTimetable(),
	}
	e.queries.New = func() any { return new(querier) }
	e.state.Store(&state{cols: map[string]*collection{}})
	return e
}

// Ready reports whether everything is loaded.
func (e *Engine) Ready() bool {
	select {
	case <-e.loaded:
		return true
	default:
		return false
	}
}

// Loaded is closed once everything is loaded.
func (e *Engine) Loaded() <-chan struct{} { return e.loaded }

// Rev is the revision that every answer from now on shows at least.
func (e *Engine) Rev() catalog.Rev { return catalog.Rev(e.rev.Load()) }

// WaitRev returns nil once Rev is at least rev, or ctx's error.
func (e *Engine) WaitRev(ctx context.Context, rev catalog.Rev) error {
	for e.Rev() < rev {
		e.mu.Lock()
		ch := e.advanced
		e.mu.Unlock()
		if e.Rev() >= rev { // it grew before ch was made
			break
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// MaxZoom is the zoom of the tiles that Dirty names.
func (e *Engine) MaxZoom() int { return e.opts.MaxZoom }

// Collections describes all collections, by name.
func (e *Engine) Collections() []Info {
	st := e.state.Load()
	out := make([]Info, 0, len(st.names))
	for _, n := range st.names {
		out = append(out, st.cols[n].describe())
	}
	return out
}

// Collection describes one collection.
func (e *Engine) Collection(name string) (Info, bool) {
	c, ok := e.state.Load().cols[name]
	if !ok {
		return Info{}, false
	}
	return c.describe(), true
}

// Feature finds a current feature by its id or, failing that, by its numeric key
// in decimal. Whether the caller may see the collection is for the caller to ask.
func (e *Engine) Feature(collection, idOrKey string) (id string, key catalog.Key, ok bool) {
	c, found := e.state.Load().cols[collection]
	if !found {
		return "", 0, false
	}
	r, ok := c.snap.FindID(collection, idOrKey)
	if !ok {
		n, err := strconv.ParseUint(idOrKey, 10, 53)
		if err != nil {
			return "", 0, false
		}
		if r, ok = c.snap.FindKey(catalog.Key(n)); !ok {
			return "", 0, false
		}
	}
	seg := c.snap.Segment(r.Part)
	return strings.Clone(seg.ID(r.Handle)), seg.Key(r.Handle), true
}

// Stats are the engine's figures for metrics.
func (e *Engine) Stats() Stats {
	st := e.state.Load()
	s := Stats{
		Rev: e.Rev(), Collections: len(st.names),
		TilesRendered: e.counts.rendered.Load(), FeaturesDropped: e.counts.dropped.Load(),
		Edits: e.counts.edits.Load(), Merges: e.counts.merges.Load(),
		InFlight: e.workers.busy.Load(), Subscribers: e.subs.count(),
	}
	for _, c := range st.cols {
		s.Features += c.snap.Len()
		s.Segments += c.snap.Parts()
		s.IndexBytes += c.snap.Bytes()
	}
	e.cache.stats(&s)
	return s
}

// current is the state, once it is loaded.
func (e *Engine) current() (*state, error) {
	if !e.Ready() {
		return nil, fmt.Errorf("the index is loading: %w", catalog.ErrUnavailable)
	}
	return e.state.Load(), nil
}

// seen returns the collection of that name, if the view sees it.
func (st *state) seen(name string, v catalog.View) (*collection, error) {
	c, ok := st.cols[name]
	if !ok || !v.Sees(&c.info) {
		return nil, fmt.Errorf("collection %q: %w", name, catalog.ErrNotFound)
	}
	return c, nil
}

// with returns the state with one collection replaced or added.
func (st *state) with(c *collection) *state {
	n := &state{rev: st.rev, cols: make(map[string]*collection, len(st.cols)+1), names: st.names}
	for k, v := range st.cols {
		n.cols[k] = v
	}
	if _, known := n.cols[c.info.Name]; !known {
		n.names = append(slices.Clone(st.names), c.info.Name)
		slices.Sort(n.names)
	}
	n.cols[c.info.Name] = c
	return n
}

// change is what a publication changed in one collection.
type change struct {
	collection string
	boxes      []geo.GridBox
	all        bool // everything may look different: the description changed
}

// publish makes st the state. The caller holds mu.
func (e *Engine) publish(st *state, changes []change) {
	e.state.Store(st)
	for i := range changes {
		e.cache.invalidate(&changes[i])
	}
	if catalog.Rev(e.rev.Load()) != st.rev {
		e.rev.Store(int64(st.rev))
		close(e.advanced)
		e.advanced = make(chan struct{})
	}
	for i := range changes {
		e.subs.notify(&changes[i], st, uint32(e.opts.MaxZoom))
	}
}
