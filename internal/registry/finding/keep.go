package finding

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/internal/registry"
)

// Lease lets one of several processes work at a time. It spares the others the
// work; that nothing is written twice does not hang on it.
type Lease interface {
	// Hold takes the lease or lengthens it; false: another process has it.
	Hold(ctx context.Context) (bool, error)
	// Release gives it back.
	Release(ctx context.Context) error
}

// Keeper keeps the findings of one store up to date. Run is its one goroutine.
type Keeper struct {
	// Now is the clock by which days pass.
	Now func() time.Time

	store Store
	lease Lease // nil: there are no others
	zone  *time.Location

	bench    bench
	sources  []source
	all      map[string]*catalog.Collection
	waits    map[string]bool // rules that do not run: what they read is not there
	digests  map[string]string
	state    state
	stateRev catalog.Rev
	saved    catalog.Rev // position that the store has
	held     time.Time   // when the lease was last lengthened
}

// New returns a keeper of the store; days begin in the zone (nil: UTC).
func New(store Store, lease Lease, zone *time.Location) *Keeper {
	return &Keeper{store: store, lease: lease, zone: zone, Now: time.Now}
}

const (
	chunk      = 500             // structures that are judged at a time
	mostDirty  = 4 * chunk       // from so many on, what changed is judged before more is read
	renewEvery = 5 * time.Second // how often the lease is lengthened
	patience   = 5 * time.Second // between two tries
	farBehind  = 2000            // revisions without anything to write, after which the place is kept
)

// Run keeps the findings until ctx ends, and returns nil then. What goes wrong is
// logged and tried again.
func (k *Keeper) Run(ctx context.Context, log *slog.Logger) error {
	for ctx.Err() == nil {
		err := k.keep(ctx)
		if ctx.Err() == nil && !errors.Is(err, ErrOtherKeeper) {
			log.Warn("findings", "error", err)
		}
		pause(ctx, patience)
	}
	if k.lease != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = k.lease.Release(end) // it runs out by itself
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// hold lengthens the lease when it is time.
func (k *Keeper) hold(ctx context.Context) error {
	if k.lease == nil || time.Since(k.held) < renewEvery {
		return nil
	}
	ok, err := k.lease.Hold(ctx)
	if err != nil {
		return fmt.Errorf("hold the lease of the findings: %w", err)
	}
	if !ok {
		return ErrOtherKeeper
	}
	k.held = time.Now()
	return nil
}

// keep goes on from where the last keeper ended, until something fails.
func (k *Keeper) keep(ctx context.Context) error {
	k.held = time.Time{}
	if err := k.hold(ctx); err != nil {
		return err
	}
	if err := k.begin(ctx); err != nil {
		return err
	}
	for {
		if _, err := k.step(ctx); err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(ctx, renewEvery)
		err := k.store.Wait(wait, k.state.Position)
		cancel()
		if err != nil && wait.Err() == nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// Once brings the findings up to date and returns; for commands and tests.
func (k *Keeper) Once(ctx context.Context) error {
	if err := k.begin(ctx); err != nil {
		return err
	}
	for {
		if more, err := k.step(ctx); err != nil || !more {
			return err
		}
	}
}

// begin reads where the last keeper ended, the rules and the collections.
func (k *Keeper) begin(ctx context.Context) error {
	if err := seed(ctx, k.store); err != nil {
		return err
	}
	k.state, k.stateRev = state{Rules: map[string]string{}}, 0
	f, err := k.store.Feature(ctx, Watch, stateID, catalog.At{})
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		if k.state.Position, err = k.store.Head(ctx); err != nil {
			return err
		}
		k.state.Day, k.state.Sweeping = dayOf(k.Now(), k.zone), true
	case err != nil:
		return fmt.Errorf("read how far the findings are: %w", err)
	default:
		k.stateRev = f.Rev
		k.state.Position, k.state.Day = catalog.Rev(f.Props.Get("position").Int()), day(f.Props.Get("day").Int())
		k.state.Sweeping, k.state.After = f.Props.Get("sweeping").Bool(), f.Props.Get("after").Str()
		_ = json.Unmarshal([]byte(f.Props.Get("rules").Str()), &k.state.Rules) // else everything is judged anew
	}
	k.saved = k.state.Position
	return k.bind(ctx)
}

// bind reads the collections and the rules. Where a rule is another one than
// everything was judged by, all is judged anew.
func (k *Keeper) bind(ctx context.Context) error {
	all, err := collectionsOf(ctx, k.store)
	if err != nil {
		return err
	}
	rules, err := rulesOf(ctx, k.store)
	if err != nil {
		return err
	}
	k.all, k.waits, k.digests = all, map[string]bool{}, map[string]string{}
	k.bench = bench{zone: k.zone}
	for _, r := range rules {
		if r.Rule == nil { // it cannot be read; nobody knows what it found
			k.waits[r.Name] = true
			continue
		}
		if r.Rule.Disabled {
			continue
		}
		c, err := compile(r.Rule, all, catalog.Everything)
		if err != nil {
			k.waits[r.Name] = true
			continue
		}
		k.bench.rules = append(k.bench.rules, c)
		k.digests[c.Name] = c.digest
	}
	k.sources = sourcesOf(k.bench.rules, all, catalog.Everything)
	if !maps.Equal(k.digests, k.state.Rules) {
		k.state.Sweeping, k.state.After = true, ""
	}
	return nil
}

func collectionsOf(ctx context.Context, store Store) (map[string]*catalog.Collection, error) {
	list, err := store.Collections(ctx)
	if err != nil {
		return nil, fmt.Errorf("list collections: %w", err)
	}
	all := make(map[string]*catalog.Collection, len(list))
	for i := range list {
		all[list[i].Name] = &list[i]
	}
	return all, nil
}

// step does what there is to do; more: there may be more at once.
func (k *Keeper) step(ctx context.Context) (more bool, err error) {
	if err := k.hold(ctx); err != nil {
		return false, err
	}
	k.bench.today = dayOf(k.Now(), k.zone)
	if k.state.Sweeping {
		return true, k.another(k.sweep(ctx))
	}
	d := dirty{uids: map[string]struct{}{}, loose: map[string]looseRow{}}
	next := k.state
	if next.Day < k.bench.today {
		if err := k.fallen(ctx, &d); err != nil {
			return false, err
		}
		next.Day = k.bench.today
	}
	full := errors.New("enough for now")
	reached, err := k.store.Changes(ctx, next.Position, func(c catalog.Commit) error {
		k.note(&c, &d)
		if !c.More && len(d.uids)+len(d.loose) >= mostDirty {
			return full
		}
		return nil
	})
	if err != nil && !errors.Is(err, full) {
		return false, fmt.Errorf("follow the feed: %w", err)
	}
	more = err != nil
	next.Position = max(next.Position, reached)
	if err := k.share(ctx, &d); err != nil {
		return false, err
	}
	if err := k.another(k.judge(ctx, &d, next)); err != nil {
		return false, err
	}
	if d.rules {
		return true, k.bind(ctx)
	}
	return more, nil
}

// another tells a conflict, which another keeper's write makes, from other errors.
func (k *Keeper) another(err error) error {
	var conflict *catalog.Conflict
	if errors.As(err, &conflict) {
		return fmt.Errorf("%w: %w", ErrOtherKeeper, err)
	}
	return err
}

// dirty is what has to be judged anew.
type dirty struct {
	uids   map[string]struct{}
	loose  map[string]looseRow // by collection/id: records that changed and link to nothing, or are gone
	shared []sharedValue
	rules  bool // the rules or the collections changed
}

type looseRow struct {
	collection string
	f          *catalog.Feature // nil: it is gone
}

type sharedValue struct {
	shared
	value string
}

// note adds what a commit concerns.
func (k *Keeper) note(c *catalog.Commit, d *dirty) {
	for i := range c.Changes {
		ch := &c.Changes[i]
		if ch.Kind == catalog.Defined || ch.Collection == Rules {
			d.rules = true
			continue
		}
		at := slices.IndexFunc(k.sources, func(s source) bool { return s.c.Name == ch.Collection })
		if at < 0 {
			continue
		}
		k.change(&k.sources[at], ch, d)
	}
}

func (k *Keeper) change(s *source, ch *catalog.Change, d *dirty) {
	linked := false
	for _, f := range [...]*catalog.Feature{ch.Old, ch.New} {
		if f == nil {
			continue
		}
		if uid := f.Props.Get(s.link).Str(); uid != "" {
			d.uids[uid] = struct{}{}
			linked = f == ch.New
		}
	}
	if s.c.Name == registry.Structures {
		d.uids[ch.ID] = struct{}{}
	}
	subject := s.c.Name + "/" + ch.ID
	delete(d.loose, subject)
	if !linked && slices.ContainsFunc(k.bench.rules, func(r *compiled) bool { return r.about != nil && r.about.Name == s.c.Name }) {
		d.loose[subject] = looseRow{s.c.Name, ch.New}
	}
	for _, sh := range sharedFields(k.bench.rules) {
		if sh.c.Name != s.c.Name {
			continue
		}
		for _, f := range [...]*catalog.Feature{ch.Old, ch.New} {
			if f != nil {
				if v := matchText(f.Props.Get(sh.field)); v != "" {
					d.shared = append(d.shared, sharedValue{sh, v})
				}
			}
		}
	}
}

// share adds the structures that have a value which a changed record has, or had.
func (k *Keeper) share(ctx context.Context, d *dirty) error {
	byField := map[shared][]string{}
	for _, s := range d.shared {
		byField[s.shared] = append(byField[s.shared], s.value)
	}
	for s, values := range byField {
		slices.Sort(values)
		link := registry.LinkTo(s.c).Name
		for part := range slices.Chunk(slices.Compact(values), 1000) {
			n := map[string]int{}
			_, err := k.store.ScanAll(ctx, []catalog.Query{{Collection: s.c.Name, Match: &catalog.Match{Field: s.field, Values: part}}}, func(_ int, f *catalog.Feature) error {
				v := matchText(f.Props.Get(s.field))
				if uid := f.Props.Get(link).Str(); uid != "" && n[v] < mostShared {
					n[v]++
					d.uids[uid] = struct{}{}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("read who shares a value: %w", err)
			}
		}
	}
	return nil
}

// fallen adds what turns by itself on a day that has come.
func (k *Keeper) fallen(ctx context.Context, d *dirty) error {
	subjects, err := k.due(ctx, k.state.Day, k.bench.today)
	if err != nil {
		return err
	}
	return k.subjects(ctx, subjects, d)
}

// subjects adds subjects, which may be there no more.
func (k *Keeper) subjects(ctx context.Context, subjects []string, d *dirty) error {
	for _, subject := range subjects {
		collection, id, record := strings.Cut(subject, "/")
		if !record {
			d.uids[subject] = struct{}{}
			continue
		}
		f, err := k.store.Feature(ctx, collection, id, catalog.At{})
		switch {
		case errors.Is(err, catalog.ErrNotFound):
			d.loose[subject] = looseRow{collection, nil}
			continue
		case err != nil:
			return fmt.Errorf("read %s: %w", subject, err)
		}
		if c := k.all[collection]; c != nil && registry.LinkTo(c) != nil {
			if uid := f.Props.Get(registry.LinkTo(c).Name).Str(); uid != "" {
				d.uids[uid] = struct{}{}
				continue
			}
		}
		d.loose[subject] = looseRow{collection, &f}
	}
	return nil
}

// judge judges what is dirty, and keeps with the last of it how far that is.
func (k *Keeper) judge(ctx context.Context, d *dirty, next state) error {
	uids := slices.Sorted(maps.Keys(d.uids))
	for len(uids) > chunk {
		v := newVerdicts()
		if err := k.bench.judgeAll(ctx, k.store, k.sources, uids[:chunk], v); err != nil {
			return err
		}
		if err := k.write(ctx, v, nil, false); err != nil {
			return err
		}
		if err := k.hold(ctx); err != nil {
			return err
		}
		uids = uids[chunk:]
	}
	v := newVerdicts()
	if len(uids) > 0 {
		if err := k.bench.judgeAll(ctx, k.store, k.sources, uids, v); err != nil {
			return err
		}
	}
	for subject, row := range d.loose {
		v.subjects = append(v.subjects, subject)
		if row.f != nil {
			k.bench.judgeLoose(row.collection, row.f, v)
		}
	}
	return k.write(ctx, v, &next, next.Day != k.state.Day || next.Position-k.saved >= farBehind)
}

func newVerdicts() *verdicts { return &verdicts{due: map[string]day{}} }

// validUID reports whether a link's value can be a structure's.
func validUID(s string) (uid.UID, bool) {
	u, err := uid.Parse(s)
	return u, err == nil && u.String() == s
}
