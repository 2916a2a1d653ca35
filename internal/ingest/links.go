package ingest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"nagar/catalog"
)

// group is operations that are linked together: those of the file's features first.
type group struct {
	ops      []catalog.Op
	features int
}

// beside are the places of the operations that are not features of the file.
func (g *group) beside() (places []int) {
	for i := g.features; i < len(g.ops); i++ {
		places = append(places, i)
	}
	return places
}

// prepareLinks opens the collection's links, and takes up the fields that they need.
func (l *loader) prepareLinks(ctx context.Context) error {
	if l.opts.Linker == nil || l.opts.NoRegister || l.opts.DryRun {
		return nil
	}
	links, err := l.opts.Linker(ctx, l.c.Name)
	if errors.Is(err, catalog.ErrNotFound) || err == nil && links == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("link %s: %w", l.c.Name, err)
	}
	l.links = links
	c, err := l.store.Collection(ctx, l.c.Name)
	if err != nil {
		return err
	}
	c.Fields, l.c = slices.Clone(c.Fields), c
	return nil
}

// link fills in what the file's features are of.
func (l *loader) link(ctx context.Context, g *group) error {
	if l.links == nil {
		return nil
	}
	more, err := l.links.Link(ctx, g.ops)
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	g.ops = append(g.ops, more...)
	return nil
}

// grouped are the operations of the items, some at a time and linked.
func (l *loader) grouped(ctx context.Context, items iter.Seq2[*item, error]) iter.Seq2[*group, error] {
	size := 1
	if l.links != nil {
		size = l.opts.BatchSize
	}
	return func(yield func(*group, error) bool) {
		g := group{ops: make([]catalog.Op, 0, size)}
		hand := func() bool {
			g.features = len(g.ops)
			err := l.link(ctx, &g)
			ok := yield(&g, err) && err == nil
			g.ops = g.ops[:0]
			return ok
		}
		for it, err := range items {
			if err != nil {
				yield(nil, err)
				return
			}
			l.count(it)
			if g.ops = append(g.ops, l.op(it)); len(g.ops) == size && !hand() {
				return
			}
		}
		if len(g.ops) > 0 {
			hand()
		}
	}
}
