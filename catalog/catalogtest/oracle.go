package catalogtest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// oracle is the bitemporal model of one collection, written to be obvious: every
// version ever recorded, in a list per feature, and every question a loop.
type oracle struct {
	lives map[string]life
}

// life is all that was ever recorded of one feature.
type life struct {
	versions []catalog.Version // rectangles on the two clocks, as recorded
	current  int               // index of the current version, −1 for none
	ended    time.Time         // after a Delete: its valid end
}

func newOracle() *oracle { return &oracle{lives: map[string]life{}} }

func (o *oracle) life(id string) life {
	if l, ok := o.lives[id]; ok {
		return l
	}
	return life{current: -1}
}

// apply applies a whole batch under rev at the time now, or nothing and an error.
// It returns the status of each op.
func (o *oracle) apply(ops []catalog.Op, rev catalog.Rev, now time.Time) ([]catalog.Status, error) {
	trial := &oracle{lives: maps.Clone(o.lives)}
	done := map[string]bool{}
	var statuses []catalog.Status
	for i := range ops {
		if done[ops[i].Feature.ID] {
			return nil, &catalog.Invalid{Path: "id", Reason: "twice in one batch"}
		}
		done[ops[i].Feature.ID] = true
		status, err := trial.step(&ops[i], rev, now)
		if err != nil {
			return nil, err
		}
		statuses = append(statuses, status)
	}
	*o = *trial
	return statuses, nil
}

// step applies one op.
func (o *oracle) step(op *catalog.Op, rev catalog.Rev, now time.Time) (status catalog.Status, err error) {
	id := op.Feature.ID
	l := o.life(id)
	l.versions = slices.Clone(l.versions)
	if op.If != nil {
		have := catalog.Rev(0)
		if l.current >= 0 {
			have = l.versions[l.current].Rev
		}
		if *op.If != have {
			return 0, &catalog.Conflict{Collection: op.Collection, ID: id, Want: *op.If, Have: have}
		}
	}
	switch op.Kind {
	case catalog.Put:
		status, err = l.put(op, rev, now)
	case catalog.Delete:
		status, err = l.delete(op.Feature.ValidFrom, rev, now)
	case catalog.Erase:
		status = l.erase(op.Fields, rev)
	}
	if err == nil && len(l.versions) > 0 {
		o.lives[id] = l
	}
	return status, err
}

func (l *life) put(op *catalog.Op, rev catalog.Rev, now time.Time) (catalog.Status, error) {
	f := op.Feature
	if l.current < 0 {
		if !l.ended.IsZero() {
			if f.ValidFrom.IsZero() {
				f.ValidFrom = l.ended
			}
			if f.ValidFrom.Before(l.ended) {
				return 0, &catalog.Invalid{Path: "valid_from", Reason: "before the deletion"}
			}
		}
		return catalog.Created, l.add(f, rev)
	}
	cur := &l.versions[l.current]
	if op.Merge {
		f.Props = merged(cur.Props, f.Props)
	}
	if (f.ValidFrom.IsZero() || !f.ValidFrom.Before(cur.ValidFrom)) && f.ValidTo.Equal(cur.ValidTo) &&
		f.Geometry.Equal(&cur.Geometry) && f.Props.Equal(cur.Props) {
		return catalog.Unchanged, nil
	}
	if f.ValidFrom.IsZero() {
		f.ValidFrom = laterOf(now, cur.ValidFrom)
	}
	if f.ValidFrom.Before(cur.ValidFrom) || f.ValidFrom.After(now) && !f.ValidFrom.Equal(cur.ValidFrom) {
		return 0, &catalog.Invalid{Path: "valid_from", Reason: "before the current version or in the future"}
	}
	l.end(f.ValidFrom, rev)
	return catalog.Updated, l.add(f, rev)
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (l *life) delete(at time.Time, rev catalog.Rev, now time.Time) (catalog.Status, error) {
	if l.current < 0 {
		return catalog.Unchanged, nil
	}
	begins := l.versions[l.current].ValidFrom
	if at.IsZero() {
		at = laterOf(now, begins)
	}
	if at.Before(begins) || at.After(now) && !at.Equal(begins) {
		return 0, &catalog.Invalid{Path: "valid_from", Reason: "before the current version or in the future"}
	}
	l.end(at, rev)
	l.ended = at
	return catalog.Deleted, nil
}

// erase blanks the fields, or all, in every version, and records the current one anew.
func (l *life) erase(fields []string, rev catalog.Rev) catalog.Status {
	if len(l.versions) == 0 {
		return catalog.Unchanged
	}
	for i := range l.versions {
		f := &l.versions[i].Feature
		f.Props = slices.DeleteFunc(slices.Clone(f.Props), func(p catalog.Property) bool {
			return len(fields) == 0 || slices.Contains(fields, p.Name)
		})
		if len(fields) == 0 {
			f.Geometry = geo.Geometry{}
		}
	}
	if l.current >= 0 {
		f := l.versions[l.current].Feature
		l.versions[l.current].RevTo = rev
		f.Rev = rev
		l.versions = append(l.versions, catalog.Version{Feature: f})
		l.current = len(l.versions) - 1
	}
	return catalog.Erased
}

// add records f as the current version.
func (l *life) add(f catalog.Feature, rev catalog.Rev) error {
	if !f.ValidFrom.IsZero() && !f.ValidTo.IsZero() && !f.ValidFrom.Before(f.ValidTo) {
		return &catalog.Invalid{Path: "valid_to", Reason: "not after valid_from"}
	}
	f.Rev = rev
	l.versions = append(l.versions, catalog.Version{Feature: f})
	l.current, l.ended = len(l.versions)-1, time.Time{}
	return nil
}

// end supersedes the current version: what is left of it is true until at.
func (l *life) end(at time.Time, rev catalog.Rev) {
	rest := l.versions[l.current].Feature
	l.versions[l.current].RevTo = rev
	l.current = -1
	if rest.ValidTo.IsZero() || at.Before(rest.ValidTo) {
		rest.ValidTo = at
	}
	if rest.ValidFrom.IsZero() || rest.ValidFrom.Before(rest.ValidTo) {
		rest.Rev = rev
		l.versions = append(l.versions, catalog.Version{Feature: rest})
	}
}

// merged is next over old: the names that next has, null ones too, win.
func merged(old, next catalog.Properties) catalog.Properties {
	out := slices.Clone(next)
	for _, p := range old {
		if !slices.ContainsFunc(next, func(q catalog.Property) bool { return q.Name == p.Name }) {
			out = append(out, p)
		}
	}
	return out
}

// at returns the feature as it was true at asof according to what was recorded
// up to known (0: all), nil for none.
func (o *oracle) at(id string, asof time.Time, known catalog.Rev) *catalog.Feature {
	for _, v := range o.life(id).versions {
		if (known == 0 && v.RevTo == 0 || known != 0 && v.Rev <= known && (v.RevTo == 0 || known < v.RevTo)) && v.ValidAt(asof) {
			return &v.Feature
		}
	}
	return nil
}

// scan is at of every feature.
func (o *oracle) scan(asof time.Time, known catalog.Rev) map[string]*catalog.Feature {
	out := map[string]*catalog.Feature{}
	for id := range o.lives {
		if f := o.at(id, asof, known); f != nil {
			out[id] = f
		}
	}
	return out
}

// history is every version by recorded, then valid time.
func (o *oracle) history(id string) []catalog.Version {
	out := slices.Clone(o.life(id).versions)
	slices.SortFunc(out, func(a, b catalog.Version) int {
		return cmp.Or(cmp.Compare(a.Rev, b.Rev), a.ValidFrom.Compare(b.ValidFrom))
	})
	return out
}
