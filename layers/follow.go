package layers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
)

// Run loads every collection, then follows the source until ctx ends, and
// returns ctx's error, or the first other failure. While the source is
// unavailable it tries again, ever more slowly up to five seconds, and goes on
// serving what it has.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var helpers sync.WaitGroup
	for _, loop := range []func(context.Context){e.mergeLoop, e.timeLoop, e.keepLoop} {
		helpers.Go(func() { loop(ctx) })
	}
	err := e.followLoop(ctx)
	cancel()
	helpers.Wait()
	return err
}

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

func (e *Engine) followLoop(ctx context.Context) error {
	f := &follower{e: e, ctx: ctx}
	pause := firstPause
	for {
		before := f.since
		var err error
		if !f.loaded {
			err = f.load(ctx)
		} else {
			err = catalog.Follow(ctx, e.src, f.since, f.commit)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			pause = firstPause
			continue
		case errors.Is(err, catalog.ErrBadCursor): // the store was set back: begin again
			f.loaded = false
		case !errors.Is(err, catalog.ErrUnavailable):
			return fmt.Errorf("follow the catalogue: %w", err)
		}
		f.reset()
		if f.since != before {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(pause*2, lastPause)
	}
}

// follower applies commits to the engine's state. Only followLoop uses it.
type follower struct {
	e      *Engine
	ctx    context.Context // Run's, for reads that a commit needs
	loaded bool
	since  catalog.Rev                // the last revision applied whole
	have   map[string]catalog.Rev     // the revision that each collection was loaded at
	batch  map[string]*pendingChanges // of the revision being received
	order  []string
	define bool // the revision changes a description
}

// pendingChanges are the edits of one revision to one collection, the last per id.
type pendingChanges struct {
	at       map[string]int
	edits    []index.Edit
	scrubbed bool // something was erased
}

func (f *follower) reset() { f.batch, f.order, f.define = nil, nil, false }

// load takes the index from the snapshot file, or else scans every collection,
// then catches up with what was written since. Readers see the result as a whole.
func (f *follower) load(ctx context.Context) error {
	e := f.e
	for {
		f.reset()
		st, timed, err := f.restore(ctx)
		kept := st != nil
		if !kept && err == nil {
			st, timed, err = f.scan(ctx)
		}
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		e.mu.Lock()
		e.timed = timed
		var all []change
		if e.Ready() { // loaded again
			for n := range st.cols {
				all = append(all, change{collection: n, all: true})
			}
		}
		e.publish(st, all)
		e.mu.Unlock()
		if err = f.catchUp(ctx, st, kept); err == nil {
			break
		}
		if !kept || ctx.Err() != nil || errors.Is(err, catalog.ErrUnavailable) {
			return fmt.Errorf("load: catch up: %w", err)
		}
		e.keep.refuse(e, fmt.Errorf("catch up with the store: %w", err))
	}
	f.loaded = true
	e.Tick()
	if !e.Ready() {
		close(e.loaded)
	}
	e.poke(e.timeDue)
	e.poke(e.mergeDue)
	e.poke(e.keep.due)
	return nil
}

// errFar ends catching up where reading everything anew is quicker.
var errFar = errors.New("too much has changed since")

// catchUp takes in what was written after the state was made; where that came from
// a snapshot file, not more than reading everything anew would cost.
func (f *follower) catchUp(ctx context.Context, st *state, kept bool) error {
	most, n := 100_000, 0
	for _, c := range st.cols {
		most += c.snap.Len() / 8
	}
	var err error
	f.since, err = f.e.src.Changes(ctx, st.rev, func(c catalog.Commit) error {
		if n += len(c.Changes); kept && n > most {
			return errFar
		}
		return f.commit(c)
	})
	return err
}

// scan reads every collection from the store.
func (f *follower) scan(ctx context.Context) (*state, *timetable, error) {
	e := f.e
	f.have = map[string]catalog.Rev{}
	head, err := e.src.Head(ctx)
	if err != nil {
		return nil, nil, err
	}
	cols, err := e.src.Collections(ctx)
	if err != nil {
		return nil, nil, err
	}
	st := &state{rev: head, cols: map[string]*collection{}}
	timed := newTimetable()
	now := e.opts.Clock()
	for i := range cols {
		c, err := f.read(ctx, &cols[i], timed, now)
		if err != nil {
			return nil, nil, err
		}
		st = st.with(c)
	}
	return st, timed, nil
}

// read scans one collection: what is shown now goes into the result, what will
// appear or end into the timetable.
func (f *follower) read(ctx context.Context, c *catalog.Collection, timed *timetable, now time.Time) (*collection, error) {
	b := index.NewBuilder(c)
	rev, err := scanAhead(ctx, f.e.src, catalog.Query{Collection: c.Name, Planned: true}, func(x *catalog.Feature) {
		if timed.admit(c.Name, x, now) {
			b.Add(x)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.Name, err)
	}
	f.have[c.Name] = rev
	return &collection{info: *c, snap: index.NewSnapshot(b.Build()), rev: rev}, nil
}

func (e *Engine) poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// commit takes in one Commit and, when it ends its revision, applies it.
func (f *follower) commit(c catalog.Commit) error {
	if f.batch == nil {
		f.batch = map[string]*pendingChanges{}
	}
	for i := range c.Changes {
		ch := &c.Changes[i]
		if ch.Kind == catalog.Defined {
			f.define = true
			continue
		}
		if c.Rev <= f.have[ch.Collection] { // the scan has seen it
			continue
		}
		p := f.batch[ch.Collection]
		if p == nil {
			p = &pendingChanges{at: map[string]int{}}
			f.batch[ch.Collection] = p
			f.order = append(f.order, ch.Collection)
		}
		if ch.Kind == catalog.Scrubbed && !p.scrubbed {
			p.scrubbed = true
			f.e.keep.forget(f.e)
		}
		edit := index.Edit{ID: ch.ID}
		if ch.New != nil {
			x := *ch.New
			edit.New = &x
		}
		if j, again := p.at[ch.ID]; again {
			p.edits[j] = edit
		} else {
			p.at[ch.ID] = len(p.edits)
			p.edits = append(p.edits, edit)
		}
	}
	if c.More {
		return nil
	}
	if err := f.apply(c.Rev); err != nil {
		return err
	}
	f.since = c.Rev
	f.reset()
	return nil
}

// apply publishes the revision that was received.
func (f *follower) apply(rev catalog.Rev) error {
	e := f.e
	defined, err := f.descriptions()
	if err != nil {
		return err
	}
	again, err := f.again(defined)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	st := e.state.Load()
	var changes []change
	for i := range defined {
		d := &defined[i]
		old, known := st.cols[d.Name]
		switch fresh := again[d.Name]; {
		case fresh != nil:
			e.timed.replace(d.Name, fresh.timed)
			st = st.with(fresh.c)
		case !known:
			st = st.with(&collection{info: *d, snap: index.NewSnapshot(index.NewBuilder(d).Build()), rev: rev})
		case old.info.Rev != d.Rev:
			n := *old
			n.info, n.rev = *d, rev
			st = st.with(&n)
		default:
			continue
		}
		changes = append(changes, change{collection: d.Name, all: true})
	}
	now := e.opts.Clock()
	scrubbed := false
	for _, name := range f.order {
		scrubbed = scrubbed || f.batch[name].scrubbed
		if again[name] != nil { // the scan has seen it
			continue
		}
		old, known := st.cols[name]
		if !known {
			return fmt.Errorf("revision %d changes unknown collection %q", rev, name)
		}
		edits := f.batch[name].edits
		for i := range edits {
			if x := edits[i].New; x != nil && !e.timed.admit(name, x, now) {
				edits[i].New = nil
			} else if x == nil {
				e.timed.forget(name, edits[i].ID)
			}
		}
		c, ch := old.edited(edits, rev)
		if f.batch[name].scrubbed {
			c.scrubs++
		}
		st = st.with(c)
		changes = append(changes, ch)
		e.counts.edits.Add(int64(len(edits)))
		e.counts.merges.Add(int64(c.snap.Merges()))
	}
	next := *st
	next.rev = max(rev, st.rev)
	e.publish(&next, changes)
	if scrubbed {
		e.keep.forget(e) // once more: what was begun in between has what was erased
		e.pasts.forget()
	}
	e.poke(e.timeDue)
	e.poke(e.mergeDue)
	e.poke(e.keep.due)
	return nil
}

// descriptions are those of all collections, when the revision changed one or
// touches one that is not known; else none.
func (f *follower) descriptions() ([]catalog.Collection, error) {
	need := f.define
	st := f.e.state.Load()
	for _, n := range f.order {
		if _, known := st.cols[n]; !known {
			need = true
		}
	}
	if !need {
		return nil, nil
	}
	cols, err := f.e.src.Collections(f.ctx)
	if err != nil {
		return nil, fmt.Errorf("read the descriptions: %w", err)
	}
	return cols, nil
}

// edited returns the collection after edits, and what changed on the map.
func (c *collection) edited(edits []index.Edit, rev catalog.Rev) (*collection, change) {
	ch := change{collection: c.info.Name}
	snap := c.snap.Apply(&c.info, edits, func(b geo.GridBox) { ch.boxes = append(ch.boxes, b) })
	n := *c
	n.snap, n.rev = snap, rev
	return &n, ch
}

// mergeLoop merges segments in the background, one collection at a time.
func (e *Engine) mergeLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.mergeDue:
		}
		st := e.state.Load()
		for _, name := range st.names {
			c := st.cols[name]
			m := c.snap.PlanMerge()
			if m == nil || ctx.Err() != nil {
				continue
			}
			m.Run(&c.info)
			e.mu.Lock()
			now := e.state.Load()
			if cur, ok := now.cols[name]; ok {
				n := *cur
				n.snap = m.Install(cur.snap)
				e.state.Store(now.with(&n)) // the content is the same: nothing to tell
			}
			e.mu.Unlock()
			e.counts.merges.Add(1)
			e.poke(e.mergeDue) // another may be due
			e.poke(e.keep.due)
		}
	}
}
