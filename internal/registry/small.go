package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nagar/catalog"
)

func compareOps(a, b *catalog.Op) int {
	return cmp.Or(strings.Compare(a.Collection, b.Collection), strings.Compare(a.Feature.ID, b.Feature.ID))
}

// aliasID is the id of the row that holds a number: one of each scheme and key, so
// that no two structures can hold it at a time.
func aliasID(scheme, key string) string {
	id := scheme + ":" + key
	if len(id) > 200 {
		id = scheme[:min(len(scheme), 60)] + ":" + newEventID(key)
	}
	return id
}

// alias reads the number of the command.
func (p *plan) alias() (*NewAlias, string, error) {
	a := p.cmd.Alias
	if a == nil {
		return nil, "", refused("alias", "say which: scheme and value")
	}
	a.Scheme, a.Value = strings.ToLower(strings.TrimSpace(a.Scheme)), strings.TrimSpace(a.Value)
	key := AliasKey(a.Value)
	switch {
	case a.Scheme == "" || len(a.Scheme) > 60 || AliasKey(strings.ReplaceAll(a.Scheme, "_", "")) == "":
		return nil, "", refused("alias.scheme", "want a kind of number, such as cts or property_tax")
	case key == "" || len(a.Value) > 400:
		return nil, "", refused("alias.value", "want a number of letters or digits, at most 400 bytes")
	}
	return a, key, nil
}

// holder is the row that holds a number now, nil when there is none.
func (p *plan) holder(ctx context.Context, scheme, key string) (*row, error) {
	var out *row
	c := p.schemas[Aliases]
	q := catalog.Query{Collection: Aliases, Match: &catalog.Match{Field: "key", Values: []string{key}}}
	_, err := p.store.ScanAll(ctx, []catalog.Query{q}, func(_ int, f *catalog.Feature) error {
		if f.Props.Get("scheme").Str() == scheme {
			out = &row{Feature: *f, c: c}
		}
		return nil
	})
	return out, err
}

func (p *plan) addAlias(ctx context.Context) error {
	a, key, err := p.alias()
	if err != nil {
		return err
	}
	all, err := p.present(ctx)
	if err != nil {
		return err
	}
	l := all[0]
	if err := l.going("uid"); err != nil {
		return err
	}
	held, err := p.holder(ctx, a.Scheme, key)
	if err != nil {
		return err
	}
	var have *catalog.Feature
	id := aliasID(a.Scheme, key)
	if held != nil {
		if by := held.text("uid"); by != l.uid {
			others, err := p.lives(ctx, by)
			if err == nil && !Ended(others[0].status) {
				return refused("alias", "%s %s is held by %s", a.Scheme, held.text("value"), by)
			}
			if err != nil && !errors.Is(err, ErrUnknown) {
				return err
			}
		}
		if held.text("uid") != l.uid { // it changes hands
			if err := p.after(*held); err != nil {
				return err
			}
		}
		have, id = &held.Feature, held.ID
	}
	f := catalog.Feature{ID: id, ValidFrom: p.at, Props: catalog.Properties{
		{Name: "uid", Value: catalog.Text(l.uid)}, {Name: "scheme", Value: catalog.Text(a.Scheme)}, {Name: "value", Value: catalog.Text(a.Value)}, {Name: "key", Value: catalog.Text(key)},
	}}
	for _, v := range [...][2]string{{"source", a.Source}, {"ward", l.ward}} {
		if v[1] != "" {
			f.Props = append(f.Props, catalog.Property{Name: v[0], Value: catalog.Text(v[1])})
		}
	}
	p.put(Aliases, f, have)
	p.hold(l)
	p.event.Kind = EventAlias
	return nil
}

// hold makes the command fail when the structure's life changes meanwhile, and
// notes that the event is of its life.
func (p *plan) hold(l *life) {
	p.touched[l.uid] = l.status
	if l.own != nil {
		p.guard(l.own)
	} else if len(l.prints) > 0 {
		p.guard(&l.prints[0])
	}
}

func (p *plan) endAlias(ctx context.Context) error {
	a, key, err := p.alias()
	if err != nil {
		return err
	}
	all, err := p.present(ctx)
	if err != nil {
		return err
	}
	held, err := p.holder(ctx, a.Scheme, key)
	if err != nil {
		return err
	}
	if held == nil || held.text("uid") != p.cmd.UID {
		return refused("alias", "%s does not hold %s %s", p.cmd.UID, a.Scheme, a.Value)
	}
	if err := p.after(*held); err != nil {
		return err
	}
	p.end(held)
	p.touched[p.cmd.UID] = all[0].status
	p.event.Kind = EventAlias
	return nil
}

// undo takes an event back: every row that its batch wrote is as it was before, on
// the valid clock from the event on; the recorded clock keeps both.
func (p *plan) undo(ctx context.Context) error {
	rows, err := p.eventRows(ctx, p.cmd.Event)
	if err != nil {
		return err
	}
	if len(rows) == 0 || !slices.ContainsFunc(rows, func(f row) bool { return f.text("uid") == p.cmd.UID }) {
		return refused("event", "there is no event %q in the life of %s", p.cmd.Event, p.cmd.UID)
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
			return refused("event", "it was undone by %s", e.UndoneBy)
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
	if ch.Collection == Events || ch.Kind != catalog.Written {
		return nil
	}
	now, err := p.store.Feature(ctx, ch.Collection, ch.ID, catalog.At{})
	there := err == nil
	if err != nil && !errors.Is(err, catalog.ErrNotFound) {
		return err
	}
	if there != (ch.New != nil) || there && !(now.Geometry.Equal(&ch.New.Geometry) && now.Props.Equal(ch.New.Props) && now.ValidFrom.Equal(ch.New.ValidFrom)) {
		return refused("event", "%s/%s was changed since: undo that first", ch.Collection, ch.ID)
	}
	switch {
	case ch.Old == nil && there: // it was made
		rev := now.Rev
		p.steps = append(p.steps, step{catalog.Op{Kind: catalog.Delete, Collection: ch.Collection, If: &rev,
			Feature: catalog.Feature{ID: ch.ID, ValidFrom: now.ValidFrom}}, &now})
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
