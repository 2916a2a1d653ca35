package ingest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"nagar/catalog"
)

func (l *loader) hasFeatures(ctx context.Context) (bool, error) {
	any := false
	_, err := l.store.Scan(ctx, catalog.Query{Collection: l.opts.Collection, Limit: 1}, func(*catalog.Feature) error {
		any = true
		return nil
	})
	return any, err
}

// prepareWrites learns what the writes need to know of what is stored.
func (l *loader) prepareWrites(ctx context.Context) error {
	if err := l.prepareLinks(ctx); err != nil {
		return err
	}
	if l.opts.registers() && l.m.uid >= 0 {
		var err error
		if l.structures, err = newStructures(ctx, l.store, l.c.Name); err != nil {
			return err
		}
	}
	if l.filled && l.opts.Mode == Append {
		l.stored = map[uint64]struct{}{}
		_, err := l.store.Scan(ctx, catalog.Query{Collection: l.c.Name}, func(f *catalog.Feature) error {
			l.stored[hashID(f.ID)] = struct{}{}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read the ids of %s: %w", l.c.Name, err)
		}
	}
	l.merge = l.filled && l.opts.Mode == Upsert && l.lacksFields()
	l.remap()
	l.mapping.Store(l.m)
	return nil
}

// lacksFields reports whether the collection has fields that the file has not:
// their values are kept. source_id and the uid come with every feature.
func (l *loader) lacksFields() bool {
	covered := map[int]bool{l.m.uid: true, l.m.sourceID: true}
	for _, targets := range l.m.targets {
		for _, t := range targets {
			covered[t] = true
		}
	}
	for i := range l.c.Fields {
		if !covered[i] {
			return true
		}
	}
	return false
}

func (l *loader) op(it *item) catalog.Op {
	return catalog.Op{Kind: catalog.Put, Collection: l.c.Name, Feature: it.feature, Merge: l.merge}
}

func (l *loader) batch(ops iter.Seq2[*catalog.Op, error]) catalog.Batch {
	b := catalog.Batch{Author: l.opts.Author, Reason: "load " + l.src.name, Ops: ops}
	if l.opts.Mode == Replace {
		b.Replace = l.c.Name
	}
	return b
}

// committed counts what a batch did; beside are the places of the operations in it
// that are not features of the file.
func (l *loader) committed(r catalog.Result, beside []int) {
	for _, i := range beside {
		switch r.Statuses[i] {
		case catalog.Created:
			r.Created--
		case catalog.Updated:
			r.Updated--
		case catalog.Unchanged:
			r.Unchanged--
		case catalog.Deleted:
			r.Deleted--
		}
	}
	l.sum.Loaded += int64(r.Created)
	l.sum.Updated += int64(r.Updated)
	l.sum.Unchanged += int64(r.Unchanged)
	l.sum.Deleted += int64(r.Deleted)
	l.sum.Batches++
	l.sum.Rev = r.Rev
}

// applyWhole writes everything in one batch, streaming.
func (l *loader) applyWhole(ctx context.Context, items iter.Seq2[*item, error]) error {
	var failed error
	var beside []int
	n := 0
	ops := func(yield func(*catalog.Op, error) bool) {
		for group, err := range l.grouped(ctx, items) {
			if err != nil {
				failed = err
				yield(nil, err)
				return
			}
			for i := range group.ops {
				if i >= group.features {
					beside = append(beside, n)
				}
				n++
				if !yield(&group.ops[i], nil) {
					return
				}
			}
		}
	}
	r, err := l.store.Apply(ctx, l.batch(ops))
	if err != nil {
		l.undone()
		if failed != nil {
			return failed
		}
		return fmt.Errorf("apply to %s: %w", l.c.Name, err)
	}
	l.committed(r, beside)
	return nil
}

// undone puts the counts right when nothing of what was read came into the store:
// Read then says how much of it was rejected, and nothing else.
func (l *loader) undone() {
	l.sum.Read, l.sum.Repaired, l.sum.Fixes = l.sum.Rejected, 0, nil
}

// applyBatches writes a batch for every BatchSize features.
func (l *loader) applyBatches(ctx context.Context, items iter.Seq2[*item, error]) error {
	pending := make([]item, 0, l.opts.BatchSize)
	for it, err := range items {
		if err != nil {
			if ctx.Err() == nil { // what came before the break is good: keep it
				if aerr := l.applyItems(ctx, pending); aerr != nil {
					return aerr
				}
			} else {
				l.sum.Read -= int64(len(pending))
			}
			return err
		}
		pending = append(pending, *it)
		if len(pending) < l.opts.BatchSize {
			continue
		}
		if err := l.applyItems(ctx, pending); err != nil {
			return err
		}
		clear(pending)
		pending = pending[:0]
	}
	return l.applyItems(ctx, pending)
}

// applyItems writes one batch. When the store finds a feature invalid that we did
// not, the batch is halved until the feature stands alone, and is rejected.
func (l *loader) applyItems(ctx context.Context, items []item) error {
	if len(items) == 0 {
		return nil
	}
	g := group{features: len(items)}
	for i := range items {
		g.ops = append(g.ops, l.op(&items[i]))
	}
	var r catalog.Result
	err := l.link(ctx, &g)
	if err == nil {
		r, err = l.store.Apply(ctx, l.batch(catalog.Ops(g.ops...)))
	}
	var invalid *catalog.Invalid
	switch {
	case err == nil:
		l.committed(r, g.beside())
		for i := range items {
			l.count(&items[i])
		}
		return nil
	case errors.As(err, &invalid) && len(items) > 1:
		half := len(items) / 2
		if err := l.applyItems(ctx, items[:half]); err != nil {
			l.sum.Read -= int64(len(items) - half) // these were never tried
			return err
		}
		return l.applyItems(ctx, items[half:])
	case errors.As(err, &invalid):
		items[0].reject = invalid
		return l.reject(&items[0])
	}
	l.sum.Read -= int64(len(items))
	return fmt.Errorf("apply to %s, after %d batches: %w", l.c.Name, l.sum.Batches, err)
}

// compare is a dry run: it says what would happen, and writes nothing.
func (l *loader) compare(ctx context.Context, items iter.Seq2[*item, error]) error {
	for it, err := range items {
		if err != nil {
			return err
		}
		l.count(it)
		old, err := l.store.Feature(ctx, l.c.Name, it.feature.ID, catalog.At{})
		switch {
		case errors.Is(err, catalog.ErrNotFound):
			l.sum.Loaded++
		case err != nil:
			return err
		case l.same(&old, &it.feature):
			l.sum.Unchanged++
		default:
			l.sum.Updated++
		}
	}
	return nil
}

func (l *loader) same(old, next *catalog.Feature) bool {
	if !old.Geometry.Equal(&next.Geometry) || !next.ValidFrom.IsZero() && !next.ValidFrom.Equal(old.ValidFrom) {
		return false
	}
	if !l.merge {
		return old.Props.Equal(next.Props)
	}
	for _, p := range next.Props {
		if old.Props.Get(p.Name) != p.Value {
			return false
		}
	}
	return true
}
