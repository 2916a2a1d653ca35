package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nagar/catalog"
)

// undo takes an event back: every row that its batch wrote is as it was before, on
// the valid clock from the event on; the recorded clock keeps both.
func (p *plan) undo(ctx context.Context) error {
	rows, err := p.eventRows(ctx, p.cmd.Event)
	if err != nil {
		return err
	}
	if len(rows) == 0 || !slices.ContainsFunc(rows, func(f row) bool { return f.text("uid") == p.cmd.UID }) {
		return refuse("no_event", "event", "there is no event %q in the life of %s", p.cmd.Event, p.cmd.UID)
	}
	var ids []string
	for i := range rows {
		ids = append(ids, rows[i].text("uid"))
		p.ward[rows[i].text("uid")] = rows[i].text("ward")
	}
	if err := p.notUndone(ctx); err != nil {
		return err
	}
	changes, err := p.batchOf(ctx, rows[0].Rev)
	if err != nil {
		return err
	}
	p.at = rows[0].ValidFrom
	for i := range changes {
		if err := p.back(ctx, &changes[i]); err != nil {
			return err
		}
	}
	event := eventsOf(rows)[0]
	p.event.Kind, p.event.Undoes = EventUndone, event.ID
	for _, id := range ids {
		p.touched[id] = ""
	}
	for i := range p.steps {
		if s := &p.steps[i]; s.Collection == Structures && s.Kind == catalog.Put {
			p.touched[s.Feature.ID] = s.Feature.Props.Get("status").Str()
		}
	}
	return nil
}

// notUndone refuses to undo what is undone.
func (p *plan) notUndone(ctx context.Context) error {
	l, err := p.look(ctx, []string{p.cmd.UID}, catalog.At{}, catalog.Everything, Events)
	if err != nil {
		return err
	}
	for _, e := range eventsOf(l.rows[Events]) {
		if e.ID == p.cmd.Event && e.UndoneBy != "" {
			return refuse("undone", "event", "it was undone by %s", e.UndoneBy)
		}
	}
	return nil
}

// batchOf reads what one revision changed.
func (p *plan) batchOf(ctx context.Context, rev catalog.Rev) ([]catalog.Change, error) {
	var out []catalog.Change
	_, err := p.store.Changes(ctx, rev-1, func(c catalog.Commit) error {
		if c.Rev != rev {
			return errEnough
		}
		out = append(out, c.Changes...)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("revision %d: %w", rev, err)
	}
	return out, nil
}

// errEnough ends a reading that has seen what it was for.
var errEnough = errors.New("enough")

// back plans that one row is as it was before a change, when it still is as the
// change left it.
func (p *plan) back(ctx context.Context, ch *catalog.Change) error {
	if ch.Collection == Events || ch.Collection == Leases || ch.Kind != catalog.Written {
		return nil
	}
	now, err := p.store.Feature(ctx, ch.Collection, ch.ID, catalog.At{})
	there := err == nil
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	if there != (ch.New != nil) || there && !(now.Geometry.Equal(&ch.New.Geometry) && now.Props.Equal(ch.New.Props) && now.ValidFrom.Equal(ch.New.ValidFrom)) {
		return refuse("changed_since", "event", "%s/%s was changed since: undo that first", ch.Collection, ch.ID)
	}
	switch {
	case ch.Old == nil && there: // it was made
		rev := now.Rev
		p.steps = append(p.steps, step{catalog.Op{Kind: catalog.Delete, Collection: ch.Collection, If: &rev,
			Feature: catalog.Feature{ID: ch.ID, ValidFrom: now.ValidFrom}}, &now, false})
	case ch.Old != nil && !there: // it was ended: it goes on from there
		f := *ch.Old
		f.ValidFrom = p.at
		p.put(ch.Collection, f, nil)
	case ch.Old != nil: // it was changed, or corrected
		f := *ch.Old
		f.ValidFrom = now.ValidFrom
		p.put(ch.Collection, f, &now)
	}
	return nil
}
