package finding

import (
	"context"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/internal/registry"
)

// Preview is what a rule would find.
type Preview struct {
	Count    int       // findings
	Checked  int       // structures, or records, that were judged
	Of       int       // of so many
	Examples []Finding // the first of them

	used []source
}

// Read calls fn for each collection whose rows were looked at.
func (p *Preview) Read(fn func(c *catalog.Collection)) {
	for i := range p.used {
		fn(p.used[i].c)
	}
}

const (
	previewTime     = 4 * time.Second
	previewExamples = 10
)

// try judges by a rule that is not kept, as far as it comes within some seconds,
// what the view sees and nothing else, and writes nothing. Structures are taken
// from all over the city.
func try(ctx context.Context, store Store, r *Rule, view catalog.View, zone *time.Location, now time.Time) (*Preview, error) {
	all, err := collectionsOf(ctx, store)
	if err != nil {
		return nil, err
	}
	c, err := compile(r, all, view)
	if err != nil {
		return nil, err
	}
	b := &bench{rules: []*compiled{c}, today: dayOf(now, zone), zone: zone}
	p := &Preview{used: sourcesOf(b.rules, all, view)}
	t := &trial{ctx: ctx, store: store, bench: b, p: p, until: time.Now().Add(previewTime), seen: map[string]bool{}, now: now}
	if c.about != nil {
		return p, t.records(c.about)
	}
	known, err := knownUIDs(ctx, store, all)
	if err != nil {
		return nil, err
	}
	p.Of = len(known)
	parts := slices.Collect(slices.Chunk(known, chunk))
	for k := range parts {
		part := parts[k*7919%len(parts)] // a prime beyond their number or no divisor of it: each comes once
		if gcd(7919, len(parts)) != 1 {
			part = parts[k]
		}
		uids := make([]string, len(part))
		for i, u := range part {
			uids[i] = u.String()
		}
		if err := t.structures(uids); err != nil || t.over() {
			return p, err
		}
	}
	return p, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// trial is a preview under way.
type trial struct {
	ctx   context.Context
	store Store
	bench *bench
	p     *Preview
	until time.Time
	seen  map[string]bool
	now   time.Time
}

func (t *trial) over() bool { return time.Now().After(t.until) }

func (t *trial) structures(uids []string) error {
	v := newVerdicts()
	if err := t.bench.judgeAll(t.ctx, t.store, t.p.used, uids, v); err != nil {
		return err
	}
	t.take(v)
	if t.bench.rules[0].about == nil {
		t.p.Checked += len(uids)
	}
	return nil
}

// take counts what was found.
func (t *trial) take(v *verdicts) {
	for i := range v.hits {
		h := &v.hits[i]
		if t.seen[h.id] {
			continue
		}
		t.seen[h.id] = true
		t.p.Count++
		if len(t.p.Examples) < previewExamples {
			f, _ := settle(nil, h, t.now, "")
			t.p.Examples = append(t.p.Examples, f)
		}
	}
}

// records judges records one by one, each with its structure.
func (t *trial) records(c *catalog.Collection) error {
	link := registry.LinkTo(c).Name
	at := slices.IndexFunc(t.p.used, func(s source) bool { return s.c.Name == c.Name })
	if at < 0 {
		return nil
	}
	src := &t.p.used[at]
	var linked []string
	v := newVerdicts()
	_, err := t.store.Scan(t.ctx, catalog.Query{Collection: c.Name}, func(f *catalog.Feature) error {
		t.p.Of++
		if t.over() || len(linked) > 200*chunk {
			return nil
		}
		row := *f
		if src.sight != nil {
			props, ok := src.sight.See(f)
			if !ok {
				t.p.Of--
				return nil
			}
			row.Props = props
		}
		t.p.Checked++
		if uid := row.Props.Get(link).Str(); uid != "" {
			linked = append(linked, uid)
			return nil
		}
		t.bench.judgeLoose(c.Name, &row, v)
		return nil
	})
	if err != nil {
		return err
	}
	t.take(v)
	slices.Sort(linked)
	for part := range slices.Chunk(slices.Compact(linked), chunk) {
		if err := t.structures(part); err != nil || t.over() {
			return err
		}
	}
	return nil
}
