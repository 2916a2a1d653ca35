package finding

import (
	"context"
	"fmt"
	"slices"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/internal/registry"
)

// sweep judges everything anew, in the order of the UIDs, so that another process
// can go on where one ended; then the records that link to no structure; then it
// closes what no rule says any more.
func (k *Keeper) sweep(ctx context.Context) error {
	known, err := knownUIDs(ctx, k.store, k.all)
	if err != nil {
		return err
	}
	next := k.state
	next.Rules, next.Day = k.digests, k.bench.today
	from := 0
	if after, ok := validUID(next.After); ok {
		from, _ = slices.BinarySearch(known, after+1)
	}
	n := 0
	for part := range slices.Chunk(known[from:], chunk) {
		n++
		uids := make([]string, len(part))
		for i, u := range part {
			uids[i] = u.String()
		}
		v := newVerdicts()
		if err := k.bench.judgeAll(ctx, k.store, k.sources, uids, v); err != nil {
			return err
		}
		next.After = uids[len(uids)-1]
		if err := k.write(ctx, v, &next, n%20 == 0); err != nil {
			return err
		}
		if err := k.hold(ctx); err != nil {
			return err
		}
	}
	if err := k.sweepLoose(ctx, known); err != nil {
		return err
	}
	if err := k.sweepGone(ctx, known); err != nil {
		return err
	}
	next.Sweeping, next.After = false, ""
	return k.apply(ctx, nil, &next)
}

// knownUIDs are the UIDs of all structures, in order: 8 bytes each.
func knownUIDs(ctx context.Context, store Store, all map[string]*catalog.Collection) ([]uid.UID, error) {
	var out []uid.UID
	for _, name := range []string{registry.Structures, registry.Buildings} {
		c := all[name]
		if c == nil {
			continue
		}
		link := registry.LinkTo(c)
		_, err := store.Scan(ctx, catalog.Query{Collection: name}, func(f *catalog.Feature) error {
			s := f.ID
			if name != registry.Structures && link != nil {
				s = f.Props.Get(link.Name).Str()
			}
			if u, ok := validUID(s); ok {
				out = append(out, u)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("list the structures: %w", err)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// sweepLoose judges the records that link to no structure there is.
func (k *Keeper) sweepLoose(ctx context.Context, known []uid.UID) error {
	var names []string
	for _, r := range k.bench.rules {
		if r.about != nil && !slices.Contains(names, r.about.Name) {
			names = append(names, r.about.Name)
		}
	}
	for _, name := range names {
		c := k.all[name]
		link := registry.LinkTo(c)
		v := newVerdicts()
		flush := func() error {
			if err := k.write(ctx, v, nil, false); err != nil {
				return err
			}
			v = newVerdicts()
			return k.hold(ctx)
		}
		_, err := k.store.Scan(ctx, catalog.Query{Collection: name}, func(f *catalog.Feature) error {
			if u, ok := validUID(f.Props.Get(link.Name).Str()); ok {
				if _, there := slices.BinarySearch(known, u); there {
					return nil
				}
			}
			k.bench.judgeLoose(name, f, v)
			if len(v.subjects) < chunk {
				return nil
			}
			return flush()
		})
		if err == nil {
			err = flush()
		}
		if err != nil {
			return fmt.Errorf("judge %s: %w", name, err)
		}
	}
	return nil
}

// sweepGone judges the subjects of findings that nothing else led to: their rule is
// withdrawn, or what they were about is gone.
func (k *Keeper) sweepGone(ctx context.Context, known []uid.UID) error {
	about := map[string]string{}
	for _, r := range k.bench.rules {
		about[r.Name] = r.About
	}
	var subjects []string
	_, err := k.store.Scan(ctx, catalog.Query{Collection: Findings}, func(f *catalog.Feature) error {
		if f.Props.Get("cause").IsNull() {
			return nil
		}
		subject := f.Props.Get("subject").Str()
		what, runs := about[f.Props.Get("rule").Str()]
		u, isUID := validUID(subject)
		if runs && what != aboutStructures {
			return nil // the records' own sweep, and the feed, see to it
		}
		if _, there := slices.BinarySearch(known, u); !runs || !isUID || !there {
			subjects = append(subjects, subject)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look through the findings: %w", err)
	}
	slices.Sort(subjects)
	for part := range slices.Chunk(slices.Compact(subjects), chunk) {
		d := dirty{uids: map[string]struct{}{}, loose: map[string]looseRow{}}
		if err := k.subjects(ctx, part, &d); err != nil {
			return err
		}
		if err := k.judge(ctx, &d, k.state); err != nil {
			return err
		}
	}
	return nil
}
