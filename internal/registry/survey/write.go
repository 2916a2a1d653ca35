package survey

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/internal/registry"
	"nagar/internal/registry/match"
)

// footprints plans the rows of buildings: a structure that goes on does so in the row
// that it has, so that its history is one; what it lacks in the survey it keeps.
func (s *Survey) footprints() error {
	rows, free := map[string]*footprint{}, map[string]bool{}
	standing := map[string]bool{} // ids that are taken
	for i := range s.old {
		rows[s.old[i].uid.String()] = &s.old[i]
		for k := range s.old[i].features {
			f := &s.old[i].features[k]
			standing[f.ID] = true
			if !s.opts.ValidFrom.IsZero() && f.ValidFrom.After(s.opts.ValidFrom) {
				return &catalog.Invalid{Path: "valid_from", Reason: fmt.Sprintf("buildings/%s is known to be as it is since %s, which is after the survey", f.ID, f.ValidFrom.In(s.opts.Zone).Format(time.DateOnly))}
			}
		}
	}
	goesOn := map[string]bool{}
	for i := range s.next {
		f := s.next[i]
		u, source := s.uids[f.ID], f.ID
		f.Props = slices.DeleteFunc(slices.Clone(f.Props), func(p catalog.Property) bool {
			return p.Name == "uid" || p.Name == "source_id" || p.Value.IsNull()
		})
		f.Props = append(f.Props, catalog.Property{Name: "uid", Value: catalog.Text(u)}, catalog.Property{Name: "source_id", Value: catalog.Text(source)})
		f.ValidFrom = s.opts.ValidFrom
		rev := catalog.Rev(0)
		if have := rows[u]; have != nil {
			f.ID, rev = have.features[0].ID, have.features[0].Rev
			goesOn[f.ID] = true
		} else if standing[f.ID] || free[f.ID] { // another structure's row has that id
			f.ID = s.opts.Epoch + "/" + f.ID
		}
		free[f.ID] = true
		s.ops = append(s.ops, catalog.Op{Kind: catalog.Put, Collection: registry.Buildings, Feature: f, If: &rev, Merge: true})
	}
	ended := map[string]bool{} // that are gone, or go on as others
	for i := range s.res.Rows {
		if b := &s.res.Rows[i]; b.From != 0 {
			ended[b.From.String()] = true
		}
	}
	for i := range s.old {
		for k := range s.old[i].features {
			f := &s.old[i].features[k]
			if !ended[s.old[i].uid.String()] || goesOn[f.ID] {
				continue
			}
			rev := f.Rev
			s.ops = append(s.ops, catalog.Op{Kind: catalog.Delete, Collection: registry.Buildings, Feature: catalog.Feature{ID: f.ID, ValidFrom: s.opts.ValidFrom}, If: &rev})
		}
	}
	s.tally()
	return nil
}

// tally counts structures by what became of them: groups, not pairs.
func (s *Survey) tally() {
	for i := range s.res.Rows {
		switch s.res.Rows[i].Kind {
		case match.Same:
			s.sum.Same++
		case match.Changed:
			s.sum.Changed++
		case match.Built:
			s.sum.Built++
		case match.Gone:
			s.sum.Gone++
		default:
		}
	}
	for _, g := range s.groups() {
		switch g.kind {
		case match.Split:
			s.sum.Split++
		case match.Merged:
			s.sum.Merged++
		default:
			s.sum.Mixed++
		}
	}
}

// group is structures that one event led from, and those that it led to.
type group struct {
	kind     match.Kind
	from, to []string // UIDs
	ends     []string // those of from that do not go on
}

// groups gathers the pairs of splits, merges and what is both.
func (s *Survey) groups() []*group {
	of := map[string]*group{} // by "o"+UID and "n"+id
	var all []*group
	for i := range s.res.Rows {
		b := &s.res.Rows[i]
		if b.Kind != match.Split && b.Kind != match.Merged && b.Kind != match.Mixed {
			continue
		}
		from, to := b.From.String(), s.uids[b.To]
		g, h := of["o"+from], of["n"+b.To]
		switch {
		case g == nil && h == nil:
			g = &group{kind: b.Kind}
			all = append(all, g)
		case g == nil:
			g = h
		case h != nil && h != g: // two that turn out to be one
			g.from, g.to = append(g.from, h.from...), append(g.to, h.to...)
			for key, x := range of {
				if x == h {
					of[key] = g
				}
			}
			h.from = nil
		}
		of["o"+from], of["n"+b.To] = g, g
		g.from, g.to = append(g.from, from), append(g.to, to)
	}
	all = slices.DeleteFunc(all, func(g *group) bool { return g.from == nil })
	for _, g := range all {
		slices.Sort(g.from)
		slices.Sort(g.to)
		g.from, g.to = slices.Compact(g.from), slices.Compact(g.to)
		for _, u := range g.from {
			if !slices.Contains(g.to, u) {
				g.ends = append(g.ends, u)
			}
		}
	}
	return all
}

// events plans the register's part: a row of the event for each structure that it
// concerns, and the end of those that are no more.
func (s *Survey) events(ctx context.Context) error {
	ward := map[string]string{}
	for i := range s.old {
		ward[s.old[i].uid.String()] = s.old[i].features[0].Props.Get("ward").Str()
	}
	for i := range s.next {
		if w := s.next[i].Props.Get("ward").Str(); w != "" {
			ward[s.uids[s.next[i].ID]] = w
		}
	}
	ends := map[string]string{} // UID → status
	for _, g := range s.groups() {
		kind := registry.EventSplit
		if g.kind == match.Merged {
			kind = registry.EventMerged
		}
		for _, u := range g.ends {
			ends[u] = registry.Retired
		}
		lineage := &registry.Lineage{From: g.from, To: g.to}
		for _, u := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(g.from, g.to)))) {
			status := registry.InUse
			if ends[u] != "" {
				status = registry.Retired
			}
			if err := s.event(u, kind, status, ward[u], lineage); err != nil {
				return err
			}
		}
	}
	for i := range s.res.Rows {
		b := &s.res.Rows[i]
		var err error
		switch u := b.From.String(); b.Kind {
		case match.Gone:
			ends[u] = registry.Demolished
			err = s.event(u, registry.EventDemolished, registry.Demolished, ward[u], nil)
		case match.Built:
			err = s.event(s.uids[b.To], registry.EventRegistered, registry.InUse, ward[s.uids[b.To]], nil)
		case match.Changed:
			err = s.event(u, registry.EventCorrected, "", ward[u], nil)
		default:
		}
		if err != nil {
			return err
		}
	}
	return s.end(ctx, ends, ward)
}

// event plans one row of the event.
func (s *Survey) event(u, kind, status, ward string, lineage *registry.Lineage) error {
	f := catalog.Feature{ID: s.evt + "/" + u, ValidFrom: s.at, Props: catalog.Properties{
		{Name: "uid", Value: catalog.Text(u)}, {Name: "event", Value: catalog.Text(s.evt)}, {Name: "kind", Value: catalog.Text(kind)},
		{Name: "date", Value: catalog.Date(s.at.In(s.opts.Zone))}, {Name: "digest", Value: catalog.Text("survey")},
		{Name: "evidence", Value: catalog.Text(strings.TrimSpace("survey " + s.opts.Epoch + " " + s.opts.Source))},
	}}
	for _, v := range [...][2]string{{"status", status}, {"ward", ward}, {"actor", s.opts.Author}} {
		if v[1] != "" {
			f.Props = append(f.Props, catalog.Property{Name: v[0], Value: catalog.Text(v[1])})
		}
	}
	if lineage != nil {
		b, err := json.Marshal(lineage)
		if err != nil {
			return err
		}
		f.Props = append(f.Props, catalog.Property{Name: "lineage", Value: catalog.JSON(string(b))})
	}
	rev := catalog.Rev(0)
	s.ops = append(s.ops, catalog.Op{Kind: catalog.Put, Collection: registry.Events, Feature: f, If: &rev})
	return nil
}

// end plans the end of structures in the register's own rows.
func (s *Survey) end(ctx context.Context, ends, ward map[string]string) error {
	own := map[string]catalog.Feature{}
	ids := make([]string, 0, len(ends))
	for u := range ends {
		ids = append(ids, u)
	}
	slices.Sort(ids)
	for part := range slices.Chunk(ids, 2000) {
		q := catalog.Query{Collection: registry.Structures, Match: &catalog.Match{Field: "uid", Values: part}}
		if _, err := s.store.Scan(ctx, q, func(f *catalog.Feature) error { own[f.Props.Get("uid").Str()] = *f; return nil }); err != nil {
			return fmt.Errorf("structures that end: %w", err)
		}
	}
	for _, u := range ids {
		rev := catalog.Rev(0)
		f, has := own[u]
		if has {
			rev = f.Rev
			if f.ValidFrom.After(s.at) {
				return &catalog.Invalid{Path: "valid_from", Reason: fmt.Sprintf("structure %s is known to be as it is since %s, which is after the survey", u, f.ValidFrom.In(s.opts.Zone).Format(time.DateOnly))}
			}
		} else {
			f = catalog.Feature{ID: u}
			if ward[u] != "" {
				f.Props = append(f.Props, catalog.Property{Name: "ward", Value: catalog.Text(ward[u])})
			}
		}
		f.ValidFrom = s.at
		f.Props = slices.DeleteFunc(slices.Clone(f.Props), func(p catalog.Property) bool {
			return p.Name == "uid" || p.Name == "status" || p.Name == "retired"
		})
		f.Props = append(f.Props, catalog.Property{Name: "uid", Value: catalog.Text(u)}, catalog.Property{Name: "status", Value: catalog.Text(ends[u])},
			catalog.Property{Name: "retired", Value: catalog.Date(s.at.In(s.opts.Zone))})
		s.ops = append(s.ops, catalog.Op{Kind: catalog.Put, Collection: registry.Structures, Feature: f, If: &rev})
	}
	return nil
}

// bridge plans the rows of the bridge.
func (s *Survey) bridge() {
	source := map[string]string{}
	for i := range s.old {
		f := &s.old[i].features[0]
		if source[s.old[i].uid.String()] = f.Props.Get("source_id").Str(); source[s.old[i].uid.String()] == "" {
			source[s.old[i].uid.String()] = f.ID
		}
	}
	for i := range s.res.Rows {
		b := &s.res.Rows[i]
		from, to := "", s.uids[b.To]
		if b.From != 0 {
			from = b.From.String()
		}
		u := to // whose the new footprint is; of what is gone, whose it was
		if u == "" {
			u = from
		}
		f := catalog.Feature{ID: fmt.Sprintf("%s/%06d", s.opts.Epoch, i+1), ValidFrom: s.at}
		for _, v := range [...][2]string{{"epoch", s.opts.Epoch}, {"old_source_id", source[from]}, {"new_source_id", b.To}, {"old_uid", from}, {"uid", u}, {"relation", b.Kind.String()}} {
			if v[1] != "" {
				f.Props = append(f.Props, catalog.Property{Name: v[0], Value: catalog.Text(v[1])})
			}
		}
		if from != "" && b.To != "" {
			f.Props = append(f.Props, catalog.Property{Name: "overlap", Value: catalog.Real(float64(int(b.IoU*1e4+.5)) / 1e4)})
		}
		s.ops = append(s.ops, catalog.Op{Kind: catalog.Put, Collection: Bridges, Feature: f})
	}
}

// apply writes all of it in one batch.
func (s *Survey) apply(ctx context.Context) error {
	if s.opts.DryRun {
		return nil
	}
	done, err := s.store.Apply(ctx, catalog.Batch{Author: s.opts.Author, Reason: "survey " + s.opts.Epoch, Ops: catalog.Ops(s.ops...)})
	if err != nil {
		return fmt.Errorf("take the survey %s in: %w", s.opts.Epoch, err)
	}
	s.sum.Rev = done.Rev
	for i := range s.next { // they come first
		switch done.Statuses[i] {
		case catalog.Created:
			s.sum.Loaded++
		case catalog.Updated:
			s.sum.Updated++
		default:
			s.sum.Unmoved++
		}
	}
	if len(s.ops) > len(s.next) {
		s.sum.Event = s.evt
	}
	return nil
}
