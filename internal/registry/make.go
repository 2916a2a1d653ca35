package registry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

func (p *plan) register(ctx context.Context) error {
	n, err := p.newcomer(ctx, Proposed)
	if err != nil {
		return err
	}
	if err := p.after(); err != nil {
		return err
	}
	p.cmd.UID = n.uid
	p.born(n.uid, n.status, "", n.props, n.geometry)
	p.event.Kind = EventRegistered
	return nil
}

// newcomer is a structure that a command brings into the register.
type newcomer struct {
	uid, status string
	props       catalog.Properties
	geometry    geo.Geometry
}

// newcomer reads one from the command, and gives it its UID. It begins with the
// command's status, or else the given one.
func (p *plan) newcomer(ctx context.Context, status string) (n newcomer, err error) {
	if n.status = p.cmd.Status; n.status == "" {
		n.status = status
	}
	if _, ok := next[n.status]; !ok || Ended(n.status) {
		return n, refuse("status_first", "status", "a structure does not begin as %q", n.status)
	}
	if n.geometry, err = shape("geometry", p.cmd.Geometry); err != nil {
		return n, err
	}
	props, rest, err := set(p.schemas[Structures], nil, p.cmd.Properties)
	if err != nil {
		return n, err
	}
	if err := nothingLeft(rest); err != nil {
		return n, err
	}
	n.props = props
	n.uid, err = p.newUID(ctx, p.cmd.NewUID, "uid")
	return n, err
}

// newUID is the UID for a structure that is new: the one of a lease that the command
// names, or else one that nothing ever had.
func (p *plan) newUID(ctx context.Context, leased, path string) (string, error) {
	if leased != "" {
		return p.leased(ctx, leased, path)
	}
	ids := []string{""}
	err := p.draw(ctx, ids)
	return ids[0], err
}

// draw puts UIDs that nothing ever had where there are none.
func (p *plan) draw(ctx context.Context, ids []string) error {
	n := 0
	for _, id := range ids {
		if id == "" {
			n++
		}
	}
	drawn, err := p.mint(ctx, n)
	if err != nil {
		return err
	}
	for i := range ids {
		if ids[i] == "" {
			ids[i], drawn = drawn[0], drawn[1:]
			p.notLeased(ids[i])
		}
	}
	return nil
}

func nothingLeft[V any](rest map[string]V) error {
	for name := range rest {
		return refuse("property", "properties."+name, "a structure has no such value to set")
	}
	return nil
}

func (p *plan) setStatus(ctx context.Context) error {
	all, err := p.subject(ctx)
	if err != nil {
		return err
	}
	l, to := all[0], p.cmd.Status
	if _, ok := next[to]; !ok {
		return refuse("no_status", "status", "there is no status %q", to)
	}
	if to == Demolished || to == Retired && len(l.prints) > 0 {
		return refuse("ends_footprint", "status", "its footprint ends too: give the command demolish, merge or replace")
	}
	if !slices.Contains(next[l.status], to) {
		return refuse("not_next", "status", "%s does not follow %s", to, l.status)
	}
	p.keep(l, p.status(to), p.retired(to == Retired))
	p.event.Kind = EventStatus
	return nil
}

func (p *plan) demolish(ctx context.Context) error {
	all, err := p.subject(ctx)
	if err != nil {
		return err
	}
	l := all[0]
	if err := l.going("uid"); err != nil {
		return err
	}
	p.keep(l, p.status(Demolished), p.retired(true))
	for i := range l.prints {
		p.end(&l.prints[i])
	}
	p.event.Kind = EventDemolished
	return nil
}

func (p *plan) revive(ctx context.Context) error {
	all, err := p.subject(ctx)
	if err != nil {
		return err
	}
	l := all[0]
	if !Ended(l.status) {
		return refuse("not_ended", "uid", "%s is %s: there is nothing to revive", l.uid, l.status)
	}
	standing, err := p.alive(ctx, heirs(l.uid, l.events), catalog.At{}, catalog.Everything)
	if err != nil {
		return err
	}
	if len(standing) > 0 {
		return refuse("in_its_place", "uid", "%s stands in its place: undo the event that led there", standing[0])
	}
	status := p.cmd.Status
	if status == "" {
		status = InUse
	}
	if _, ok := next[status]; !ok || Ended(status) {
		return refuse("back_as", "status", "a structure does not come back as %q", status)
	}
	p.keep(l, p.status(status), p.retired(false))
	p.event.Kind = EventRevived
	return p.footprintsBack(ctx, l)
}

// footprintsBack puts the footprints back that the structure had last.
func (p *plan) footprintsBack(ctx context.Context, l *life) error {
	last := map[string]row{}
	if err := p.ever(ctx, []string{l.uid}, catalog.Everything, func(f row) {
		if f.c.Name == Buildings && f.Rev > last[f.ID].Rev {
			last[f.ID] = f
		}
	}); err != nil {
		return err
	}
	// Those of the last time that it had any: an earlier one was given up before.
	var latest catalog.Rev
	ended := map[string]catalog.Rev{}
	for id := range last {
		versions, err := p.store.History(ctx, Buildings, id)
		if err != nil {
			return fmt.Errorf("footprint %s: %w", id, err)
		}
		for i := range versions {
			if v := &versions[i]; v.Rev == last[id].Rev && v.Props.Get("uid").Str() == l.uid && v.RevTo != 0 {
				ended[id] = v.RevTo
			}
			if v := &versions[i]; v.RevTo == 0 && v.ValidTo.IsZero() {
				delete(last, id) // it is somebody's now
				break
			}
		}
		if _, free := last[id]; free {
			latest = max(latest, ended[id])
		}
	}
	for id, f := range last {
		if ended[id] == latest {
			back := f.Feature
			back.ValidFrom = p.at
			p.put(Buildings, back, nil)
		}
	}
	slices.SortFunc(p.steps, func(a, b step) int { return compareOps(&a.Op, &b.Op) })
	return nil
}

func (p *plan) correct(ctx context.Context) error {
	all, err := p.present(ctx)
	if err != nil {
		return err
	}
	l := all[0]
	print, err := p.footprint(l)
	if err != nil {
		return err
	}
	g, err := shape("geometry", p.cmd.Geometry)
	if err != nil {
		return err
	}
	// What a footprint has a field for is said of it, the rest of the structure.
	var printProps, base catalog.Properties
	rest := p.cmd.Properties
	if print != nil {
		if printProps, rest, err = set(p.schemas[Buildings], print.Props, rest); err != nil {
			return err
		}
	}
	if l.own != nil {
		base = l.own.Props
	}
	ownProps, rest, err := set(p.schemas[Structures], base, rest)
	if err != nil {
		return err
	}
	if err := nothingLeft(rest); err != nil {
		return err
	}
	ofPrint := print != nil && (g.Type != geo.None || !printProps.Equal(print.Props))
	ofOwn := g.Type != geo.None && print == nil || !ownProps.Equal(base)
	var over []row
	if ofPrint {
		over = append(over, *print)
	}
	if ofOwn && l.own != nil {
		over = append(over, *l.own)
	}
	if !ofPrint && !ofOwn {
		return refuse("nothing", "properties", "nothing would change")
	}
	if err := p.after(over...); err != nil {
		return err
	}
	if ofPrint {
		f := print.Feature
		f.Props, f.ValidFrom = printProps, p.corrected(print)
		if g.Type != geo.None {
			f.Geometry = g
		}
		p.put(Buildings, f, &print.Feature)
	}
	if ofOwn {
		p.correctOwn(l, base, ownProps, g, print == nil)
	}
	p.touched[l.uid] = l.status
	p.event.Kind = EventCorrected
	return nil
}

// correctOwn writes the structure's own row with other values, and with a shape
// where it has no footprint that bears it.
func (p *plan) correctOwn(l *life, before, after catalog.Properties, g geo.Geometry, bare bool) {
	p.keep(l)
	f := &p.steps[len(p.steps)-1].Feature
	for _, v := range slices.Concat(before, after) {
		f.Props = with(f.Props, v.Name, after.Get(v.Name))
	}
	if bare && g.Type != geo.None {
		f.Geometry = g
	}
	if l.own != nil {
		f.ValidFrom = p.corrected(l.own)
	}
}

// corrected is since when a correction of the row is true: without a date, since
// the row itself was.
func (p *plan) corrected(f *row) time.Time {
	if p.cmd.Date == "" && !f.ValidFrom.IsZero() {
		return f.ValidFrom
	}
	return p.at
}

// footprint is the one that the command is about; nil when there is none.
func (p *plan) footprint(l *life) (*row, error) {
	switch {
	case p.cmd.Footprint != "":
		for i := range l.prints {
			if l.prints[i].ID == p.cmd.Footprint {
				return &l.prints[i], nil
			}
		}
		return nil, refuse("no_footprint", "footprint", "%s has no footprint %q", l.uid, p.cmd.Footprint)
	case len(l.prints) == 0:
		return nil, nil
	case len(l.prints) > 1:
		return nil, refuse("which_footprint", "footprint", "%s has %d footprints: say which", l.uid, len(l.prints))
	}
	return &l.prints[0], nil
}

func (p *plan) replace(ctx context.Context) error {
	all, err := p.subject(ctx)
	if err != nil {
		return err
	}
	l := all[0]
	if err := l.going("uid"); err != nil {
		return err
	}
	n, err := p.newcomer(ctx, UnderConstruction)
	if err != nil {
		return err
	}
	p.keep(l, p.status(Demolished), p.retired(true))
	for i := range l.prints {
		p.end(&l.prints[i])
	}
	p.born(n.uid, n.status, l.ward, n.props, n.geometry)
	p.event.Kind, p.event.Lineage = EventReplaced, &Lineage{[]string{l.uid}, []string{n.uid}}
	return nil
}
