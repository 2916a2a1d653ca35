package linkage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nagar/catalog"
)

// runBatch is how many records one revision of Run holds.
const runBatch = 5000

// Run links the records of a whole collection that have no link yet, and those that
// name a UID which nobody knows, and keeps the queue of what is left. What changed
// meanwhile is left to the next run. progress, when not nil, is told how many were
// looked at.
func (l *Linker) Run(ctx context.Context, collection, author string, progress func(records int)) (Counts, error) {
	s, err := l.Begin(ctx, collection)
	if err != nil {
		return Counts{}, err
	}
	if s == nil {
		return Counts{}, &catalog.Invalid{Path: "collection", Reason: fmt.Sprintf(
			"%s is not matched with structures: it needs a field that links to structures, and one to match by, such as address (docs/matching.md)", collection)}
	}
	n := 0
	var ops []catalog.Op
	flush := func() error {
		err := s.write(ctx, ops, author)
		if n += len(ops); progress != nil {
			progress(n)
		}
		ops = ops[:0]
		return err
	}
	_, err = l.store.Scan(ctx, catalog.Query{Collection: collection}, func(f *catalog.Feature) error {
		rev := f.Rev
		ops = append(ops, catalog.Op{Kind: catalog.Put, Collection: collection, Feature: *f, If: &rev})
		if len(ops) == runBatch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	return s.Counts, err
}

// write links one batch of stored records and applies what changes.
func (s *Session) write(ctx context.Context, ops []catalog.Op, author string) error {
	links := make([]string, len(ops))
	for i := range ops {
		links[i] = ops[i].Feature.Props.Get(s.roles.Link).Str()
	}
	extra, err := s.Link(ctx, ops)
	if err != nil {
		return err
	}
	var out []catalog.Op
	for i := range ops {
		if v := ops[i].Feature.Props.Get(s.roles.Link).Str(); v != links[i] && v != "" {
			out = append(out, ops[i])
		}
	}
	out = append(out, extra...)
	for len(out) > 0 {
		_, err := s.store.Apply(ctx, catalog.Batch{Author: author, Reason: "match " + s.c.Name, Ops: catalog.Ops(out...)})
		var moved *catalog.Conflict
		if !errors.As(err, &moved) {
			if err != nil {
				return fmt.Errorf("match %s: %w", s.c.Name, err)
			}
			return nil
		}
		n, review := len(out), ReviewID(s.c.Name, moved.ID)
		out = slices.DeleteFunc(out, func(op catalog.Op) bool {
			return op.Collection == moved.Collection && op.Feature.ID == moved.ID || op.Collection == Reviews && op.Feature.ID == review
		})
		if len(out) == n {
			return fmt.Errorf("match %s: %w", s.c.Name, err)
		}
	}
	return nil
}
