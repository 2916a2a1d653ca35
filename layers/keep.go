package layers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"nagar/catalog"
	"nagar/layers/index"
	"nagar/layers/snapfile"
)

// keeper keeps the snapshot file. After a load, and when enough has changed, the
// index is written to it in the background; then the arrays in the heap give way
// to those in the file, mapped: the system's page cache holds them, for all
// processes together, and lets go of what nobody asks for.
//
// What was erased must not live on in it. So an erasure removes the file before
// the engine shows it, a file that was begun before is not finished, and what is
// hidden in the index, as the erased version is, is purged before the next is written.
type keeper struct {
	folder string
	due    chan struct{}
	// erasures grows with each, before and after it is shown.
	erasures atomic.Int64
	// refused is set when the file that is there is of no use, or there is none.
	refused atomic.Bool

	mu      sync.Mutex
	written time.Time   // when the file was written or read last, or another process was seen to write
	failed  time.Time   // when writing failed last
	rev     catalog.Rev // that the file shows
}

func newKeeper(folder string) *keeper {
	k := &keeper{folder: folder, due: make(chan struct{}, 1)}
	k.refused.Store(true)
	return k
}

// When the file is written again.
const (
	keepLoose = 20_000           // features that are not in it, or a sixteenth of all when that is more
	keepLeast = 30 * time.Second // not sooner after the last time
	keepMost  = 15 * time.Minute // by then, if anything at all has changed
	keepRetry = 5 * time.Minute  // after a failure
)

// forget removes the file because something was erased.
func (k *keeper) forget(e *Engine) {
	k.erasures.Add(1)
	k.remove(e, nil)
}

// refuse removes the file because it is of no use.
func (k *keeper) refuse(e *Engine, reason error) { k.remove(e, reason) }

func (k *keeper) remove(e *Engine, reason error) {
	if k.folder == "" {
		return
	}
	k.refused.Store(true)
	if err := errors.Join(reason, snapfile.Remove(k.folder)); err != nil {
		e.tell(SnapshotNotice{Err: err})
	}
}

func (e *Engine) tell(n SnapshotNotice) {
	if e.opts.Tell != nil {
		e.telling.Lock()
		defer e.telling.Unlock()
		e.opts.Tell(n)
	}
}

// keepLoop writes the file when that is due.
func (e *Engine) keepLoop(ctx context.Context) {
	k := e.keep
	if k.folder == "" {
		return
	}
	select {
	case <-e.loaded:
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if wait := k.wait(e.state.Load(), time.Now()); wait == 0 {
			e.writeSnapshot(ctx)
		} else if wait < keepMost { // due, but not yet
			pause := time.NewTimer(wait)
			select {
			case <-pause.C:
			case <-k.due:
			case <-ctx.Done():
			}
			pause.Stop()
			if ctx.Err() != nil {
				return
			}
			continue
		}
		select {
		case <-k.due:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// wait is how long until the file should be written, keepMost for not yet known.
func (k *keeper) wait(st *state, now time.Time) time.Duration {
	loose, all := 0, 0
	for _, c := range st.cols {
		loose += c.snap.Loose()
		all += c.snap.Len()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	least := k.written.Add(keepLeast)
	if t := k.failed.Add(keepRetry); t.After(least) {
		least = t
	}
	switch {
	case k.refused.Load(), loose > max(keepLoose, all/16), st.rev != k.rev && now.After(k.written.Add(keepMost)):
		return max(least.Sub(now), 0)
	}
	return keepMost
}

// writeSnapshot writes the file and takes to it.
func (e *Engine) writeSnapshot(ctx context.Context) {
	n := SnapshotNotice{Written: true}
	start := time.Now()
	done, err := e.store(ctx, &n)
	n.Took = time.Since(start)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		e.keep.mu.Lock()
		e.keep.failed = time.Now()
		e.keep.mu.Unlock()
		n.Err = err
		e.tell(n)
	case done:
		e.tell(n)
	}
}

// store is writeSnapshot; false when another process writes, or something was erased meanwhile.
func (e *Engine) store(ctx context.Context, n *SnapshotNotice) (bool, error) {
	k := e.keep
	w, err := snapfile.Create(ctx, k.folder)
	if err != nil {
		return false, err
	}
	if w == nil {
		k.busy()
		return false, nil
	}
	defer w.Abort()
	erasures := k.erasures.Load()
	e.purge(ctx)
	e.mu.Lock()
	st, timed, now := e.state.Load(), e.timed.list(), e.opts.Clock()
	e.mu.Unlock()
	n.Rev = st.rev
	dir, err := e.putState(ctx, w, st, timed, now)
	if err != nil {
		return false, err
	}
	n.Bytes = w.Len()
	current := func() bool { return k.erasures.Load() == erasures }
	k.refused.Store(false) // before the file has its name: an erasure sets it again
	f, err := w.Commit(dir, current)
	if err != nil || f == nil {
		k.refused.Store(true)
		return false, err
	}
	k.at(st.rev)
	return true, e.takeTo(st, f, dir)
}

// at notes that the file shows a revision as of now.
func (k *keeper) at(rev catalog.Rev) {
	k.mu.Lock()
	k.rev, k.written = rev, time.Now()
	k.mu.Unlock()
}

// busy notes that another process writes.
func (k *keeper) busy() {
	k.mu.Lock()
	k.written = time.Now()
	k.mu.Unlock()
}

// purge rebuilds what hides what was erased.
func (e *Engine) purge(ctx context.Context) {
	st := e.state.Load()
	for _, name := range st.names {
		c := st.cols[name]
		if c.scrubs == c.purged || ctx.Err() != nil {
			continue
		}
		m := c.snap.PlanPurge()
		if m != nil {
			m.Run(&c.info)
			e.counts.merges.Add(1)
		}
		e.mu.Lock()
		now := e.state.Load()
		if cur, ok := now.cols[name]; ok {
			next := *cur
			next.purged = c.scrubs
			if m != nil {
				next.snap = m.Install(cur.snap)
			}
			e.state.Store(now.with(&next))
		}
		e.mu.Unlock()
	}
}

// keptState is the directory of the snapshot file.
type keptState struct {
	Rev         catalog.Rev      `json:"rev"`
	Recorded    int64            `json:"recorded_us"` // when the store recorded Rev, µs since 1970: tells the store, and its past
	Now         int64            `json:"now_us"`      // what is shown is what was valid then
	Collections []keptCollection `json:"collections"`
	Timetable   index.Span       `json:"timetable"` // see timetable.encode
}

type keptCollection struct {
	Info     catalog.Collection    `json:"info"`
	Rev      catalog.Rev           `json:"rev"`
	Segments []index.StoredSegment `json:"segments"`
}

// putState writes all arrays and returns the directory.
func (e *Engine) putState(ctx context.Context, w *snapfile.Writer, st *state, timed []*appointment, now time.Time) (*keptState, error) {
	recorded, err := recordedAt(ctx, e.src, st.rev, now)
	if err != nil {
		return nil, err
	}
	dir := &keptState{Rev: st.rev, Recorded: recorded, Now: now.UnixMicro()}
	for _, name := range st.names {
		c := st.cols[name]
		k := keptCollection{Info: c.info, Rev: c.rev}
		if k.Segments, err = c.snap.Store(w.Put); err != nil {
			return nil, err
		}
		dir.Collections = append(dir.Collections, k)
	}
	if len(timed) > 0 {
		dir.Timetable, err = w.Put(encodeAppointments(timed))
	}
	return dir, err
}

// recordedAt is the time, in µs since 1970, at which the store recorded a
// revision. The contract has no such question; but the other way round, so we halve.
func recordedAt(ctx context.Context, src Source, rev catalog.Rev, now time.Time) (int64, error) {
	lo, hi := int64(0), now.Add(24*time.Hour).UnixMicro() // recorded after lo, not after hi
	for hi-lo > 1 {
		m := lo + (hi-lo)/2
		r, err := src.RevAt(ctx, time.UnixMicro(m))
		if err != nil {
			return 0, fmt.Errorf("find when revision %d was recorded: %w", rev, err)
		}
		if r >= rev {
			hi = m
		} else {
			lo = m
		}
	}
	return hi, nil
}

// takeTo lets the arrays of the file that was written of st stand for those in the heap.
func (e *Engine) takeTo(st *state, f *snapfile.File, dir *keptState) error {
	var err error
	mapped := make(map[string]*index.Snapshot, len(st.names))
	for i := range dir.Collections {
		c := &dir.Collections[i]
		if mapped[c.Info.Name], err = index.OpenStored(c.Segments, f, f.Bytes); err != nil {
			return err
		}
	}
	f.Release()
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.state.Load()
	for name, m := range mapped {
		cur := now.cols[name]
		if cur == nil {
			continue
		}
		next := *cur
		next.snap = cur.snap.Replace(st.cols[name].snap, m)
		now = now.with(&next)
	}
	e.state.Store(now)
	return nil
}
