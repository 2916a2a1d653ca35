package registry

import (
	"context"
	"fmt"
	"slices"

	"nagar/catalog"
)

// maxWalk is how many generations a walk goes; a street rebuilt every year since
// the city began has fewer.
const maxWalk = 64

// walk visits the structures that are reached from some, generation by
// generation, by what step says of the events of one. Each is visited once, so that a
// circle, which the rules do not let come about, would end it.
func (r *Registry) walk(ctx context.Context, from []string, at catalog.At, view catalog.View, visit func(id string, l *look, events []Event) (further []string)) error {
	seen := map[string]bool{}
	for range maxWalk {
		var level []string
		for _, id := range from {
			if !seen[id] {
				seen[id] = true
				level = append(level, id)
			}
		}
		if len(level) == 0 {
			return nil
		}
		l, err := r.look(ctx, level, at, view, Events, Structures, Buildings)
		if err != nil {
			return fmt.Errorf("lineage: %w", err)
		}
		rows := map[string][]row{}
		for _, f := range l.rows[Events] {
			rows[f.text("uid")] = append(rows[f.text("uid")], f)
		}
		from = from[:0:0]
		for _, id := range level {
			from = append(from, visit(id, l, eventsOf(rows[id]))...)
		}
	}
	return nil
}

// alive are the structures that there are in place of those: themselves, or what
// came of them.
func (r *Registry) alive(ctx context.Context, from []string, at catalog.At, view catalog.View) ([]string, error) {
	var out []string
	err := r.walk(ctx, from, at, view, func(id string, l *look, events []Event) []string {
		if status := l.statusOf(id); status != "" && !Ended(status) {
			out = append(out, id)
			return nil
		}
		return heirs(id, events)
	})
	slices.Sort(out)
	return out, err
}

// statusOf is the status of one of the structures that were looked at, "" when
// there is nothing of it.
func (l *look) statusOf(id string) string {
	for i := range l.rows[Structures] {
		if f := &l.rows[Structures][i]; f.text("uid") == id && f.text("status") != "" {
			return f.text("status")
		}
	}
	for i := range l.rows[Buildings] {
		if l.rows[Buildings][i].text("uid") == id {
			return InUse
		}
	}
	return ""
}

// LineageOf returns the events that led to and from a structure, over all
// generations, in the order in which they were recorded.
func (r *Registry) LineageOf(ctx context.Context, id string, at catalog.At, view catalog.View) ([]Event, error) {
	found := map[string]Event{}
	err := r.walk(ctx, []string{id}, at, view, func(id string, _ *look, events []Event) []string {
		for _, e := range events {
			if e.Lineage != nil {
				found[e.ID] = e
			}
		}
		after, before := neighbours(id, events)
		return append(after, before...)
	})
	out := make([]Event, 0, len(found))
	for _, e := range found {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Event) int { return int(a.Rev - b.Rev) })
	return out, err
}
