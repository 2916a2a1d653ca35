package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nagar/catalog"
)

// Change is one line of the register's changelog: what an event meant for a structure.
type Change struct {
	Rev      catalog.Rev `json:"rev"` // that recorded it
	Date     string      `json:"at"`  // YYYY-MM-DD, when it happened
	UID      string      `json:"uid"`
	Kind     string      `json:"event"`
	ID       string      `json:"id"` // of the event
	Status   string      `json:"status,omitempty"`
	From     []string    `json:"from"`
	To       []string    `json:"to"`
	Actor    string      `json:"actor,omitempty"`
	Evidence string      `json:"evidence,omitempty"`
	Undoes   string      `json:"undoes,omitempty"`
}

// ChangePage is a page of the changelog.
type ChangePage struct {
	Changes []Change    `json:"changes"`
	Next    string      `json:"next,omitempty"` // cursor of the next page
	Head    catalog.Rev `json:"-"`

	shown []row
}

// Shown is as that of Structure.
func (p *ChangePage) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	for i := range p.shown {
		fn(p.shown[i].c, p.shown[i].ID, p.shown[i].Props)
	}
}

// ErrCursor says that a cursor is none of ours.
var ErrCursor = errors.New("the cursor is not one of this list")

// Changes returns the changelog after a revision, in the order in which it was
// recorded, as far as the view sees it; after is the Next of the page before.
func (r *Registry) Changes(ctx context.Context, since catalog.Rev, view catalog.View, limit int, after string) (*ChangePage, error) {
	id := ""
	if after != "" {
		rev, rest, ok := strings.Cut(after, "~")
		n, err := strconv.ParseInt(rev, 10, 64)
		if !ok || err != nil || n < 0 || rest == "" {
			return nil, ErrCursor
		}
		since, id = catalog.Rev(n), rest
	}
	out := &ChangePage{Changes: []Change{}}
	c, err := r.collection(ctx, Events)
	if err != nil || c == nil || !view.Sees(c) {
		return out, err
	}
	var rows []row
	out.Head, err = r.store.ScanAll(ctx, []catalog.Query{{Collection: Events}}, func(_ int, f *catalog.Feature) error {
		if f.Rev < since || f.Rev == since && (id == "" || f.ID <= id) {
			return nil
		}
		if seen, ok := seenRow(c, view, f); ok && seen.text("uid") != "" {
			rows = append(rows, seen)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("changelog: %w", err)
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.Rev, b.Rev), strings.Compare(a.ID, b.ID)) })
	if len(rows) > limit {
		rows = rows[:limit]
		out.Next = fmt.Sprintf("%d~%s", rows[limit-1].Rev, rows[limit-1].ID)
	}
	out.shown = rows
	for i := range rows {
		e := eventsOf(rows[i : i+1])[0]
		line := Change{e.Rev, e.Date, e.uid, e.Kind, e.ID, e.Status, []string{}, []string{}, e.Actor, e.Evidence, e.Undoes}
		if e.Lineage != nil {
			line.From, line.To = e.Lineage.From, e.Lineage.To
		}
		out.Changes = append(out.Changes, line)
	}
	return out, nil
}

// Bridges is the collection of the bridges between surveys (package survey).
const Bridges = "structure_bridges"

// Bridge calls fn for each pair of a survey's bridge that the view sees, by the order
// of the bridge.
func (r *Registry) Bridge(ctx context.Context, epoch string, view catalog.View, fn func(catalog.Properties) error) error {
	c, err := r.collection(ctx, Bridges)
	if err != nil || c == nil || !view.Sees(c) {
		return err
	}
	var rows []row
	q := catalog.Query{Collection: Bridges, Match: &catalog.Match{Field: "epoch", Values: []string{epoch}}}
	if _, err := r.store.ScanAll(ctx, []catalog.Query{q}, func(_ int, f *catalog.Feature) error {
		if seen, ok := seenRow(c, view, f); ok && seen.text("epoch") == epoch {
			rows = append(rows, seen)
		}
		return nil
	}); err != nil {
		return fmt.Errorf("bridge of %s: %w", epoch, err)
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.ID, b.ID) })
	for i := range rows {
		if err := fn(rows[i].Props); err != nil {
			return err
		}
	}
	return nil
}

// collection is the description of that name; nil: there is none.
func (r *Registry) collection(ctx context.Context, name string) (*catalog.Collection, error) {
	all, err := r.collections(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c *catalog.Collection) bool { return c.Name == name })
	if i < 0 {
		return nil, nil //nolint:nilnil // documented
	}
	return all[i], nil
}
