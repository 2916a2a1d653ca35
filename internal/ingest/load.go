package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/format"
)

// Load brings a file into the store. The summary is good also when an error is
// returned: it then says what was committed before. An error is *UsageError for
// wrong options, *FileError for a file that cannot be read, and otherwise the
// store's or the context's.
func Load(ctx context.Context, store catalog.Store, profile *city.Profile, o Options) (Summary, error) {
	start := time.Now()
	l := &loader{store: store, profile: profile, opts: o}
	l.sum.Collection = o.Collection
	l.sum.DryRun = o.DryRun
	err := l.run(ctx)
	l.sum.Seconds = time.Since(start).Round(time.Millisecond).Seconds()
	if err != nil {
		l.sum.Error = err.Error()
	}
	return l.sum, err
}

// loader is one load.
type loader struct {
	store   catalog.Store
	profile *city.Profile
	opts    Options
	sum     Summary

	src     *source
	dec     format.Decoder
	info    format.Info
	rejects *rejects
	workers []*worker

	c        catalog.Collection
	columns  []string        // of the file, as far as known
	known    map[string]bool // the same
	surveyed bool
	m        *mapping
	mapping  atomic.Pointer[mapping] // m, for the workers

	filled     bool // the collection had features before
	merge      bool // fields that the file lacks keep their values
	seen       map[uint64]struct{}
	stored     map[uint64]struct{} // ids before the load, for Append
	structures *structures
	links      Links

	placed, outside, swapped int64
	extra                    int64
	lastProgress             time.Time
}

func (l *loader) run(ctx context.Context) (err error) {
	if err := l.opts.check(); err != nil {
		return err
	}
	if l.src, err = newSource(&l.opts); err != nil {
		return err
	}
	defer l.src.remove()
	if l.dec, err = l.src.open(); err != nil {
		return err
	}
	defer l.dec.Close()
	l.info = l.dec.Info()
	l.warn(l.info.Notes...)
	if err := l.makeWorkers(); err != nil {
		return err
	}
	defer l.closeWorkers()
	if err := l.prepare(ctx); err != nil {
		return err
	}
	if l.rejects, err = newRejects(l.opts.Rejects); err != nil {
		return err
	}
	err = l.load(ctx)
	if cerr := l.rejects.close(); err == nil {
		err = cerr
	}
	if err == nil && l.sum.Read == 0 {
		l.warn("the file holds no features")
	}
	l.conclude()
	return err
}

func (l *loader) warn(notes ...string) {
	for _, n := range notes {
		if n != "" && !slices.Contains(l.sum.Warnings, n) {
			l.sum.Warnings = append(l.sum.Warnings, n)
		}
	}
}

func (l *loader) makeWorkers() error {
	n := l.opts.Workers
	if n <= 0 {
		n = max(runtime.GOMAXPROCS(0), 1)
	}
	declared := l.opts.CRS
	if declared == "" {
		declared = l.info.CRS
	}
	var probe [2]float64
	if declared != "" {
		probe = l.src.probe()
	}
	for range n + 1 { // the last is for chunks done again
		w := &worker{opts: &l.opts, profile: l.profile, idColumn: l.info.ID, wards: map[string]string{}}
		if l.opts.Repair {
			var err error
			if w.mender, err = newMender(); err != nil {
				return err
			}
		}
		to, accuracy, err := newTransformer(declared, probe)
		if err != nil {
			if l.opts.CRS != "" {
				return usagef("--crs %s: %v", l.opts.CRS, err)
			}
			return &FileError{l.src.name, -1, err.Error()}
		}
		w.to4326 = to
		l.warn(accuracy)
		l.workers = append(l.workers, w)
	}
	return nil
}

func (l *loader) closeWorkers() {
	for _, w := range l.workers {
		if c, ok := w.to4326.(io.Closer); ok {
			c.Close()
		}
	}
}

// load runs the pipeline and applies what comes out of it.
func (l *loader) load(ctx context.Context) error {
	n := len(l.workers) - 1
	p := startPipeline(ctx, l.dec, n, func(w int, j *job) { l.processJob(l.workers[w], j) })
	defer p.stop()
	l.seen = map[uint64]struct{}{}
	items := func(yield func(*item, error) bool) {
		for {
			j, err := p.next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = l.adapt(ctx, j)
			}
			if err != nil {
				yield(nil, l.readError(err))
				return
			}
			for i := range j.items {
				if !l.pass(&j.items[i], yield) {
					return
				}
			}
			j.chunk.Release()
			l.progress(false)
		}
	}
	defer l.progress(true)
	switch {
	case l.opts.Each != nil:
		for it, err := range items {
			if err != nil {
				return err
			}
			l.count(it)
			if err := l.opts.Each(&it.feature); err != nil {
				return err
			}
		}
		return nil
	case l.opts.DryRun:
		return l.compare(ctx, items)
	case l.whole():
		return l.applyWhole(ctx, items)
	}
	return l.applyBatches(ctx, items)
}

// whole says whether all happens in one batch.
func (l *loader) whole() bool { return l.opts.Atomic || l.opts.Mode == Replace }

func (l *loader) readError(err error) error {
	var fe *format.Error
	if errors.As(err, &fe) {
		return l.src.fileError(err)
	}
	return err
}

// pass counts an item, and hands it on when it is good.
func (l *loader) pass(it *item, yield func(*item, error) bool) bool {
	if it.fatal {
		yield(nil, l.readError(it.reject))
		return false
	}
	l.sum.Read++
	l.extra += int64(it.extra)
	if it.placed {
		l.placed++
		if it.outside {
			l.outside++
		}
		if it.swapped {
			l.swapped++
		}
	}
	if it.reject == nil {
		it.reject = l.admit(it)
	}
	if it.reject != nil {
		if err := l.reject(it); err != nil {
			yield(nil, err)
			return false
		}
		return true
	}
	return yield(it, nil)
}

func (l *loader) reject(it *item) error {
	l.sum.Rejected++
	return l.rejects.add(it)
}

// admit refuses an id that came before, and registers the structure.
func (l *loader) admit(it *item) error {
	id := it.feature.ID
	h := hashID(id)
	if _, dup := l.seen[h]; dup {
		return fmt.Errorf("duplicate: the file has a feature with the id %q before this one", clip(id))
	}
	l.seen[h] = struct{}{}
	if _, dup := l.stored[h]; dup {
		return fmt.Errorf("%s has a feature with the id %q already, and append changes nothing that is there", l.c.Name, clip(id))
	}
	if l.structures != nil {
		for i := range it.feature.Props {
			if it.feature.Props[i].Name == "uid" {
				l.structures.assign(&it.feature, i)
				break
			}
		}
	}
	return nil
}

func (l *loader) count(it *item) {
	if !it.fixes.Any() && !it.mended {
		return
	}
	l.sum.Repaired++
	if l.sum.Fixes == nil {
		l.sum.Fixes = &Fixes{}
	}
	add := func(n *int64, yes bool) {
		if yes {
			*n++
		}
	}
	add(&l.sum.Fixes.Closed, it.fixes.Closed > 0)
	add(&l.sum.Fixes.Reversed, it.fixes.Reversed > 0)
	add(&l.sum.Fixes.Repeated, it.fixes.Repeated > 0)
	add(&l.sum.Fixes.Mended, it.mended)
}

func (l *loader) progress(last bool) {
	if l.opts.Progress == nil || !last && time.Since(l.lastProgress) < 200*time.Millisecond {
		return
	}
	l.lastProgress = time.Now()
	l.opts.Progress(Progress{Read: l.sum.Read, Bytes: l.dec.Position(), Total: l.src.size})
}

// conclude adds what can only be said at the end.
func (l *loader) conclude() {
	if l.links != nil {
		l.sum.Links = l.links.Report()
	}
	if l.placed > 0 && l.swapped*2 > l.placed {
		l.warn(fmt.Sprintf("%d of %d features lie outside the city, and %d of them would lie inside with longitude and latitude swapped: is the order in the file latitude, longitude?", l.outside, l.placed, l.swapped))
	} else if l.placed > 0 && l.outside == l.placed && l.sum.Rejected < l.sum.Read {
		l.warn("all features lie outside the city")
	}
	if l.extra > 0 {
		l.warn(fmt.Sprintf("%d positions had more than three ordinates; those beyond the third were dropped", l.extra))
	}
	if l.opts.Mode == Replace && l.sum.Rejected > 0 && l.sum.Batches > 0 {
		l.warn(fmt.Sprintf("%d features were rejected; what the collection had under their ids has been deleted, as the file does not replace it", l.sum.Rejected))
	}
	if l.m != nil {
		for source := range mapTargets(l.opts.Map) {
			if !l.known[source] && !isCoordinateMap(l.opts.Map, source) {
				l.warn(fmt.Sprintf("--map: the file has no field %q", source))
			}
		}
		for col := range l.m.dropped {
			l.warn(fmt.Sprintf("the source's field %q was left out: --map fills it from another", col))
		}
	}
	slices.Sort(l.sum.Warnings)
}

func isCoordinateMap(m map[string]string, source string) bool {
	return m["lon"] == source || m["lat"] == source || m["wkt"] == source
}
