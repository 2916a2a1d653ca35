package registry

import (
	"context"
	"fmt"
	"slices"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/geo"
)

func (p *plan) merge(ctx context.Context) error {
	var others []string
	for i, s := range p.cmd.With {
		u, err := uid.Parse(s)
		if err != nil {
			return refuse("uid", fmt.Sprintf("with[%d]", i), "%v", err)
		}
		switch id := u.String(); {
		case id == p.cmd.UID:
			return refuse("itself", fmt.Sprintf("with[%d]", i), "a structure cannot be merged with itself")
		case slices.Contains(others, id):
			return refuse("twice", fmt.Sprintf("with[%d]", i), "%s is there twice", id)
		default:
			others = append(others, id)
		}
	}
	if len(others) == 0 || len(others) > maxParts {
		return refuse("with_whom", "with", "say which structures go into %s, at most %d", p.cmd.UID, maxParts)
	}
	all, err := p.subject(ctx, others...)
	if err != nil {
		return err
	}
	g, err := shape("geometry", p.cmd.Geometry)
	if err != nil {
		return err
	}
	if err := p.notCircular(ctx, others, p.cmd.UID); err != nil {
		return err
	}
	if len(p.circle) > 0 {
		return refuse("circle", "with", "%s came of %s: it would be its own ancestor", p.circle[0], p.cmd.UID)
	}
	into := all[0]
	if g.Type != geo.None && len(into.prints) > 1 {
		return refuse("footprints_stay", "geometry", "%s has %d footprints: leave it out, and they stay", into.uid, len(into.prints))
	}
	for i, l := range all {
		path := "uid"
		if i > 0 {
			path = fmt.Sprintf("with[%d]", i-1)
		}
		if err := l.going(path); err != nil {
			return err
		}
		if i > 0 {
			p.keep(l, p.status(Retired), p.retired(true))
			p.footprintsInto(l, into.uid, g.Type != geo.None)
		}
	}
	p.keep(into)
	if g.Type != geo.None {
		if len(into.prints) == 1 {
			f := into.prints[0].Feature
			f.Geometry, f.ValidFrom = g, p.at
			p.put(Buildings, f, &into.prints[0].Feature)
		} else {
			p.steps[len(p.steps)-1].Feature.Geometry = g
		}
	}
	p.event.Kind, p.event.Lineage = EventMerged, &Lineage{append([]string{into.uid}, others...), []string{into.uid}}
	return nil
}

// maxParts is the most structures of one split or merge.
const maxParts = 500

// footprintsInto ends the footprints of a structure that goes into another, or
// gives them to that.
func (p *plan) footprintsInto(l *life, into string, end bool) {
	for i := range l.prints {
		f := &l.prints[i]
		if end {
			p.end(f)
			continue
		}
		given := f.Feature
		given.ValidFrom, given.Props = p.at, with(f.Props, "uid", catalog.Text(into))
		p.put(Buildings, given, &f.Feature)
	}
}

func (p *plan) split(ctx context.Context) error {
	parts := p.cmd.Parts
	if len(parts) < 2 || len(parts) > maxParts {
		return refuse("parts", "parts", "want 2 to %d parts, the first of which keeps the UID", maxParts)
	}
	all, err := p.subject(ctx)
	if err != nil {
		return err
	}
	l := all[0]
	if err := l.going("uid"); err != nil {
		return err
	}
	ids := []string{l.uid}
	if parts[0].UID != "" {
		return refuse("part_uid", "parts[0].uid", "the first part keeps the UID of %s", l.uid)
	}
	for i := 1; i < len(parts); i++ {
		var id string // "": one is drawn below, with the others
		if parts[i].UID != "" {
			if id, err = p.leased(ctx, parts[i].UID, fmt.Sprintf("parts[%d].uid", i)); err != nil {
				return err
			}
		}
		ids = append(ids, id)
	}
	if err := p.draw(ctx, ids); err != nil {
		return err
	}
	given := map[string]bool{}
	p.keep(l)
	own := len(p.steps) - 1
	for i := range parts {
		err := p.part(l, &parts[i], i, ids[i], own, given)
		if err != nil {
			return err
		}
	}
	p.event.Kind, p.event.Lineage = EventSplit, &Lineage{[]string{l.uid}, ids}
	return nil
}

// part plans one part of a split: the first is the structure itself.
func (p *plan) part(l *life, part *Part, i int, id string, own int, given map[string]bool) error {
	path := fmt.Sprintf("parts[%d]", i)
	g, err := shape(path+".geometry", part.Geometry)
	if err != nil {
		return err
	}
	if (g.Type == geo.None) == (len(part.Footprints) == 0) {
		return refuse("part_shape", path, "say its geometry, or its footprints")
	}
	var base catalog.Properties
	if l.own != nil && i == 0 {
		base = l.own.Props
	}
	switch {
	case len(part.Footprints) > 0:
		for _, name := range part.Footprints {
			at := slices.IndexFunc(l.prints, func(f row) bool { return f.ID == name })
			if at < 0 || given[name] {
				return refuse("part_footprint", path+".footprints", "%s has no footprint %q to give", l.uid, name)
			}
			given[name] = true
			if i > 0 {
				f := l.prints[at].Feature
				f.ValidFrom, f.Props = p.at, with(f.Props, "uid", catalog.Text(id))
				p.put(Buildings, f, &l.prints[at].Feature)
			}
		}
	case len(l.prints) > 1:
		return refuse("part_which", path+".geometry", "%s has %d footprints: say which go to this part", l.uid, len(l.prints))
	case len(l.prints) == 1:
		props, _, err := set(p.schemas[Buildings], l.prints[0].Props, part.Properties)
		if err != nil {
			return err
		}
		f := catalog.Feature{ID: id, Geometry: g, ValidFrom: p.at, Props: with(props, "uid", catalog.Text(id))}
		if i == 0 {
			f.ID = l.prints[0].ID
			p.put(Buildings, f, &l.prints[0].Feature)
		} else {
			f.Props = with(f.Props, "source_id", catalog.Null)
			p.put(Buildings, f, nil)
		}
		g = geo.Geometry{} // the footprint has it
	}
	props, rest, err := set(p.schemas[Structures], base, part.Properties)
	if err != nil {
		return err
	}
	for name := range rest {
		if _, ok := p.schemas[Buildings].Field(name); !ok || fixed[name] {
			return refuse("property", path+".properties."+name, "a structure has no such value to set")
		}
	}
	if i > 0 {
		p.born(id, l.status, l.ward, props, g)
		return nil
	}
	for _, v := range props {
		p.steps[own].Feature.Props = with(p.steps[own].Feature.Props, v.Name, v.Value)
	}
	if g.Type != geo.None {
		p.steps[own].Feature.Geometry = g
	}
	return nil
}
