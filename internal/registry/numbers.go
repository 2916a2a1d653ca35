package registry

import (
	"context"
	"errors"
	"strings"

	"nagar/catalog"
)

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
		return nil, "", refuse("which_number", "alias", "say which: scheme and value")
	}
	a.Scheme, a.Value = strings.ToLower(strings.TrimSpace(a.Scheme)), strings.TrimSpace(a.Value)
	key := AliasKey(a.Value)
	switch {
	case a.Scheme == "" || len(a.Scheme) > 60 || AliasKey(strings.ReplaceAll(a.Scheme, "_", "")) == "":
		return nil, "", refuse("number_kind", "alias.scheme", "want a kind of number, such as cts or property_tax")
	case key == "" || len(a.Value) > 400:
		return nil, "", refuse("number_value", "alias.value", "want a number of letters or digits, at most 400 bytes")
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
				return refuse("number_held", "alias", "%s %s is held by %s", a.Scheme, held.text("value"), by)
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
		return refuse("number_not_held", "alias", "%s does not hold %s %s", p.cmd.UID, a.Scheme, a.Value)
	}
	if err := p.after(*held); err != nil {
		return err
	}
	p.end(held)
	p.touched[p.cmd.UID] = all[0].status
	p.event.Kind = EventAlias
	return nil
}
