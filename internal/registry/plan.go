package registry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/geo"
)

// life is all that a command needs to know of one structure: what is current.
type life struct {
	uid    string
	own    *row  // its row in structures
	prints []row // its footprints
	events []Event
	status string
	rev    catalog.Rev
	ward   string
}

// rows are those whose beginning a command must come after.
func (l *life) rows() []row {
	out := slices.Clone(l.prints)
	if l.own != nil {
		out = append(out, *l.own)
	}
	return out
}

// lives reads the structures, which must all be there.
func (p *plan) lives(ctx context.Context, ids ...string) ([]*life, error) {
	l, err := p.look(ctx, ids, catalog.At{}, catalog.Everything, Structures, Buildings, Events)
	if err != nil {
		return nil, err
	}
	out := make([]*life, len(ids))
	for i, id := range ids {
		x := &life{uid: id, status: l.statusOf(id)}
		out[i] = x
		for j := range l.rows[Structures] {
			if f := &l.rows[Structures][j]; f.text("uid") == id {
				x.own, x.rev, x.ward = f, max(x.rev, f.Rev), f.text("ward")
			}
		}
		for _, f := range l.rows[Buildings] {
			if f.text("uid") == id {
				x.prints, x.rev = append(x.prints, f), max(x.rev, f.Rev)
				if x.ward == "" {
					x.ward = f.text("ward")
				}
			}
		}
		var rows []row
		for _, f := range l.rows[Events] {
			if f.text("uid") == id {
				rows = append(rows, f)
			}
		}
		x.events = eventsOf(rows)
		if x.rev == 0 { // no more: a survey did not find it again, and nobody said why
			if err := p.ever(ctx, []string{id}, catalog.Everything, func(f row) {
				if x.status = Retired; f.Rev > x.rev {
					x.rev, x.ward = f.Rev, f.text("ward")
				}
			}); err != nil {
				return nil, err
			}
		}
		if x.rev == 0 {
			return nil, fmt.Errorf("structure %s: %w", id, ErrUnknown)
		}
		p.ward[id] = x.ward
	}
	return out, nil
}

// present reads the structure that the command is about, first, at the revision
// that the caller saw, and others.
func (p *plan) present(ctx context.Context, others ...string) ([]*life, error) {
	all, err := p.lives(ctx, append([]string{p.cmd.UID}, others...)...)
	if err == nil && p.by.If != nil && *p.by.If != all[0].rev {
		err = &catalog.Conflict{Collection: Structures, ID: p.cmd.UID, Want: *p.by.If, Have: all[0].rev}
	}
	return all, err
}

// subject is present for a command that changes their state: it comes after that.
func (p *plan) subject(ctx context.Context, others ...string) ([]*life, error) {
	all, err := p.present(ctx, others...)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, l := range all {
		rows = append(rows, l.rows()...)
	}
	return all, p.after(rows...)
}

// going refuses what is no more.
func (l *life) going(path string) error {
	if Ended(l.status) {
		return refuse("ended", path, "%s is %s", l.uid, l.status)
	}
	return nil
}

// make works the command out.
func (p *plan) make(ctx context.Context) error {
	if p.cmd.UID == "" && p.cmd.Kind != Register {
		return refuse("which_structure", "uid", "say which structure")
	}
	if p.cmd.NewUID != "" && p.cmd.Kind != Register && p.cmd.Kind != Replace {
		return refuse("uid_here", "uid", "a UID is named where a structure is new: register, replace, the parts of a split")
	}
	switch p.cmd.Kind {
	case Register:
		return p.register(ctx)
	case SetStatus:
		return p.setStatus(ctx)
	case Correct:
		return p.correct(ctx)
	case Split:
		return p.split(ctx)
	case Merge:
		return p.merge(ctx)
	case Replace:
		return p.replace(ctx)
	case Demolish:
		return p.demolish(ctx)
	case Revive:
		return p.revive(ctx)
	case AddUnits:
		return p.addUnits(ctx)
	case AddAlias:
		return p.addAlias(ctx)
	case EndAlias:
		return p.endAlias(ctx)
	case Undo:
		return p.undo(ctx)
	}
	return refuse("no_command", "kind", "there is no command %q", p.cmd.Kind)
}

// keep writes the structure's own row, as it is but for some values.
func (p *plan) keep(l *life, set ...catalog.Property) {
	f := catalog.Feature{ID: l.uid, ValidFrom: p.at}
	var have *catalog.Feature
	if l.own != nil {
		have = &l.own.Feature
		f.Geometry, f.Props, f.ValidTo = have.Geometry, have.Props, have.ValidTo
	} else {
		f.Props = catalog.Properties{{Name: "uid", Value: catalog.Text(l.uid)}, {Name: "status", Value: catalog.Text(l.status)}}
		if l.ward != "" {
			f.Props = append(f.Props, catalog.Property{Name: "ward", Value: catalog.Text(l.ward)})
		}
	}
	for _, v := range set {
		f.Props = with(f.Props, v.Name, v.Value)
	}
	p.put(Structures, f, have)
	p.touched[l.uid] = f.Props.Get("status").Str()
}

func (p *plan) status(s string) catalog.Property {
	return catalog.Property{Name: "status", Value: catalog.Text(s)}
}

func (p *plan) retired(yes bool) catalog.Property {
	if !yes {
		return catalog.Property{Name: "retired", Value: catalog.Null}
	}
	return catalog.Property{Name: "retired", Value: catalog.Date(p.day)}
}

// mint draws UIDs that nothing ever had.
func (p *plan) mint(ctx context.Context, n int) ([]string, error) {
	var out []string
	for len(out) < n {
		draw := map[string]bool{}
		for len(draw) < n-len(out) {
			if u := uid.Random(); !u.Reserved() {
				draw[u.String()] = true
			}
		}
		ids := make([]string, 0, len(draw))
		for id := range draw {
			ids = append(ids, id)
		}
		if err := p.ever(ctx, ids, catalog.Everything, func(f row) { delete(draw, f.text("uid")) }); err != nil {
			return nil, fmt.Errorf("mint: %w", err)
		}
		leased, err := p.leaseRows(ctx, "uid", ids...)
		if err != nil {
			return nil, fmt.Errorf("mint: %w", err)
		}
		for i := range leased {
			delete(draw, leased[i].ID)
		}
		for id := range draw {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// born adds a structure that was not there.
func (p *plan) born(id, status, ward string, props catalog.Properties, g geo.Geometry) {
	f := catalog.Feature{ID: id, ValidFrom: p.at, Geometry: g, Props: props}
	f.Props = with(with(f.Props, "uid", catalog.Text(id)), "status", catalog.Text(status))
	if ward != "" && f.Props.Get("ward").IsNull() {
		f.Props = with(f.Props, "ward", catalog.Text(ward))
	}
	p.put(Structures, f, nil)
	p.touched[id], p.ward[id] = status, f.Props.Get("ward").Str()
}

// notCircular refuses an event by which a structure would come to be its own
// ancestor.
func (p *plan) notCircular(ctx context.Context, from []string, to string) error {
	return p.walk(ctx, []string{to}, catalog.At{}, catalog.Everything, func(id string, _ *look, events []Event) []string {
		after := heirs(id, events)
		for _, s := range after {
			if slices.Contains(from, s) {
				p.circle = append(p.circle, s)
			}
		}
		return after
	})
}

func compareOps(a, b *catalog.Op) int {
	return cmp.Or(strings.Compare(a.Collection, b.Collection), strings.Compare(a.Feature.ID, b.Feature.ID))
}

// Mint draws UIDs that nothing ever had, in order; a survey of the city needs many.
func (r *Registry) Mint(ctx context.Context, n int) ([]string, error) {
	p := &plan{Registry: r}
	var out []string
	for len(out) < n {
		ids, err := p.mint(ctx, min(2000, n-len(out)))
		if err != nil {
			return nil, err
		}
		out = append(out, ids...)
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out, nil
}
