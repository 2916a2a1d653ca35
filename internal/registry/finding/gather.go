package finding

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/internal/registry"
)

func rowOf(c *catalog.Collection, f *catalog.Feature) cql2.FeatureRow {
	return cql2.FeatureRow{Collection: c, Feature: f}
}

// source is a collection that rules read, and the field by which its rows name a structure.
type source struct {
	c     *catalog.Collection
	link  string
	sight *cql2.Sight // nil: everything
}

// sourcesOf are the collections that the rules read.
func sourcesOf(rules []*compiled, all map[string]*catalog.Collection, view catalog.View) []source {
	names := []string{registry.Buildings, registry.Structures}
	for _, r := range rules {
		if r.about != nil {
			names = append(names, r.about.Name)
		}
		for i := range r.sets {
			names = append(names, r.sets[i].c.Name)
		}
	}
	slices.Sort(names)
	var out []source
	for _, name := range slices.Compact(names) {
		c := all[name]
		if c == nil || registry.LinkTo(c) == nil || !view.Sees(c) {
			continue
		}
		s := source{c: c, link: registry.LinkTo(c).Name}
		if view.Key() != catalog.Everything.Key() {
			s.sight = cql2.SightOf(c, view)
		}
		out = append(out, s)
	}
	return out
}

// gather reads the structures of the UIDs with all that the rules read of them.
func gather(ctx context.Context, store Store, sources []source, uids []string) (map[string]*unit, error) {
	units := make(map[string]*unit, len(uids))
	for _, uid := range uids {
		units[uid] = &unit{uid: uid, rows: map[string][]catalog.Feature{}}
	}
	queries := make([]catalog.Query, len(sources))
	for i := range sources {
		queries[i] = catalog.Query{Collection: sources[i].c.Name, Match: &catalog.Match{Field: sources[i].link, Values: uids}}
	}
	_, err := store.ScanAll(ctx, queries, func(i int, f *catalog.Feature) error {
		s := &sources[i]
		row := *f
		if s.sight != nil {
			props, ok := s.sight.See(f)
			if !ok {
				return nil
			}
			row.Props = props
		}
		u := units[row.Props.Get(s.link).Str()]
		if u == nil {
			return nil
		}
		switch s.c.Name {
		case registry.Buildings:
			u.prints = append(u.prints, row)
		case registry.Structures:
			u.own = &row
		default:
			u.rows[s.c.Name] = append(u.rows[s.c.Name], row)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %d structures: %w", len(uids), err)
	}
	byID := func(a, b catalog.Feature) int { return strings.Compare(a.ID, b.ID) }
	for _, u := range units {
		slices.SortFunc(u.prints, byID)
		for _, rows := range u.rows {
			slices.SortFunc(rows, byID)
		}
	}
	return units, nil
}

// gatherSince finds since when there are footprints of the structures that have a
// known beginning: the past is asked about those only.
func gatherSince(ctx context.Context, store Store, sources []source, units map[string]*unit) error {
	at := slices.IndexFunc(sources, func(s source) bool { return s.c.Name == registry.Buildings })
	var uids []string
	for uid, u := range units {
		undated := func(f catalog.Feature) bool { return f.ValidFrom.IsZero() }
		if len(u.prints) > 0 && !slices.ContainsFunc(u.prints, undated) {
			uids = append(uids, uid)
		}
	}
	if at < 0 || len(uids) == 0 {
		return nil
	}
	slices.Sort(uids)
	old := map[string]bool{}
	q := catalog.Query{Collection: registry.Buildings, Ever: true, Match: &catalog.Match{Field: sources[at].link, Values: uids}}
	_, err := store.ScanAll(ctx, []catalog.Query{q}, func(_ int, f *catalog.Feature) error {
		uid := f.Props.Get(sources[at].link).Str()
		u := units[uid]
		switch {
		case u == nil || old[uid]:
		case f.ValidFrom.IsZero():
			old[uid], u.since = true, time.Time{}
		case u.since.IsZero() || f.ValidFrom.Before(u.since):
			u.since = f.ValidFrom
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read since when %d structures are there: %w", len(uids), err)
	}
	return nil
}

// mostShared is the most structures that are looked at for one value: more than so
// many have it because it says nothing.
const mostShared = 100

// gatherOthers finds the structures that share the values which elsewhere asks for.
func gatherOthers(ctx context.Context, store Store, rules []*compiled, units map[string]*unit) (others, error) {
	out := others{}
	var queries []catalog.Query
	var links []string
	for _, place := range sharedFields(rules) {
		var values []string
		for _, u := range units {
			for i := range u.rows[place.c.Name] {
				if v := matchText(u.rows[place.c.Name][i].Props.Get(place.field)); v != "" {
					values = append(values, v)
				}
			}
		}
		slices.Sort(values)
		if values = slices.Compact(values); len(values) == 0 {
			continue
		}
		out[place.c.Name+"."+place.field] = map[string][]string{}
		queries = append(queries, catalog.Query{Collection: place.c.Name, Match: &catalog.Match{Field: place.field, Values: values}})
		links = append(links, registry.LinkTo(place.c).Name)
	}
	if len(queries) == 0 {
		return out, nil
	}
	_, err := store.ScanAll(ctx, queries, func(i int, f *catalog.Feature) error {
		q := &queries[i]
		by := out[q.Collection+"."+q.Match.Field]
		v, uid := matchText(f.Props.Get(q.Match.Field)), f.Props.Get(links[i]).Str()
		if uid != "" && len(by[v]) < mostShared && !slices.Contains(by[v], uid) {
			by[v] = append(by[v], uid)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who shares a value: %w", err)
	}
	return out, nil
}

// shared is a field whose values elsewhere compares between structures.
type shared struct {
	c     *catalog.Collection
	field string
}

func sharedFields(rules []*compiled) []shared {
	var out []shared
	for _, r := range rules {
		for i := range r.columns {
			c := &r.columns[i]
			if c.fn != "elsewhere" {
				continue
			}
			s := shared{r.sets[c.set].c, r.sets[c.set].c.Fields[c.field].Name}
			if !slices.ContainsFunc(out, func(have shared) bool { return have.c.Name == s.c.Name && have.field == s.field }) {
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b shared) int {
		return cmp.Or(strings.Compare(a.c.Name, b.c.Name), strings.Compare(a.field, b.field))
	})
	return out
}

// judgeAll reads structures and asks the rules about them.
func (b *bench) judgeAll(ctx context.Context, store Store, sources []source, uids []string, v *verdicts) error {
	units, err := gather(ctx, store, sources, uids)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(b.rules, func(r *compiled) bool { return r.since }) {
		if err := gatherSince(ctx, store, sources, units); err != nil {
			return err
		}
	}
	o, err := gatherOthers(ctx, store, b.rules, units)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		b.judge(units[uid], o, v)
	}
	return nil
}
