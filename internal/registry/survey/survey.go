// Package survey takes a second survey of the city's footprints into the register:
// survivors keep their UIDs, and what was split, merged, built or is gone becomes
// events, with the bridge from the old survey's ids to the new one's. All of it is one
// batch, and one event that can be undone as any other; a survey that was taken in
// changes nothing the second time.
package survey

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/geo"
	"nagar/internal/registry"
	"nagar/internal/registry/match"
)

// Bridges is the collection of the bridges between surveys: a row for each pair of
// footprints that belong together, and for what is new or gone.
const Bridges = registry.Bridges

// Store is what the package needs of a catalog.Store.
type Store interface {
	registry.Store
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	Define(ctx context.Context, c catalog.Collection) (catalog.Rev, error)
	Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error)
}

// Options of a survey.
type Options struct {
	Epoch     string    // its name, at most 60 bytes; "": the day of ValidFrom
	ValidFrom time.Time // when it was made; zero: now
	Zone      *time.Location
	Author    string
	Source    string // file it came from, for the evidence
	DryRun    bool
}

// Summary is what became of the structures.
type Summary struct {
	Epoch   string      `json:"epoch"`
	Event   string      `json:"event,omitempty"` // undoing it undoes all
	Rev     catalog.Rev `json:"revision,omitempty"`
	Loaded  int64       `json:"loaded"` // footprints, as a load counts them
	Updated int64       `json:"updated"`
	Unmoved int64       `json:"unchanged"`
	Same    int         `json:"same"` // structures, from here on
	Changed int         `json:"changed"`
	Built   int         `json:"new"`
	Gone    int         `json:"gone"`
	Split   int         `json:"split"`
	Merged  int         `json:"merged"`
	Mixed   int         `json:"mixed"`
	ShiftX  float64     `json:"shift_east_m"` // of the survey as a whole
	ShiftY  float64     `json:"shift_north_m"`
}

// Survey gathers the footprints of a survey, and takes them in.
type Survey struct {
	store    Store
	register *registry.Registry
	opts     Options

	next []catalog.Feature
	old  []footprint
	res  *match.Result
	uids map[string]string // new id → UID that it goes on under, or its own
	ops  []catalog.Op
	sum  Summary
	evt  string
	at   time.Time
}

// footprint is a structure as the earlier surveys have it: all its features.
type footprint struct {
	uid      uid.UID
	features []catalog.Feature
	geometry geo.Geometry
}

// New returns a survey that has no footprints yet.
func New(store Store, register *registry.Registry, o Options) *Survey {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Epoch == "" {
		day := o.ValidFrom
		if day.IsZero() {
			day = time.Now()
		}
		o.Epoch = day.In(o.Zone).Format(time.DateOnly)
	}
	return &Survey{store: store, register: register, opts: o, uids: map[string]string{}}
}

// Add gives it a footprint: its id is that of the source.
func (s *Survey) Add(f *catalog.Feature) error {
	s.next = append(s.next, *f)
	return nil
}

// Take compares the survey with what there is, and writes what follows. An error is
// *catalog.Invalid where the survey cannot be taken in, and otherwise the store's.
func (s *Survey) Take(ctx context.Context) (Summary, error) {
	s.sum.Epoch = s.opts.Epoch
	if len(s.opts.Epoch) > 60 {
		return s.sum, &catalog.Invalid{Path: "epoch", Reason: "it is longer than 60 bytes"}
	}
	if err := s.ready(ctx); err != nil {
		return s.sum, err
	}
	if err := s.compare(ctx); err != nil {
		return s.sum, err
	}
	if err := s.name(ctx); err != nil {
		return s.sum, err
	}
	known, err := s.taken(ctx)
	if err != nil {
		return s.sum, err
	}
	if err := s.footprints(); err != nil {
		return s.sum, err
	}
	if known { // then it changes footprints at most
		if n := s.sum.Built + s.sum.Gone + s.sum.Split + s.sum.Merged + s.sum.Mixed; n > 0 {
			return s.sum, &catalog.Invalid{Path: "epoch", Reason: fmt.Sprintf("the survey %s was taken in before, and this one differs by %d structures: give it a name of its own, or undo that one first", s.opts.Epoch, n)}
		}
	} else {
		if err := s.events(ctx); err != nil {
			return s.sum, err
		}
		s.bridge()
	}
	return s.sum, s.apply(ctx)
}

// ready defines the bridge where it is missing.
func (s *Survey) ready(ctx context.Context) error {
	if _, err := s.store.Collection(ctx, Bridges); err == nil {
		return nil
	}
	std, _ := catalog.StandardCollection(Bridges)
	_, err := s.store.Define(ctx, std)
	return err
}

// compare reads what stands in the survey's area, and matches.
func (s *Survey) compare(ctx context.Context) error {
	box := geo.EmptyBox()
	var corners []point
	for i := range s.next {
		g := &s.next[i].Geometry
		box = box.Union(g.Box())
		for k := 0; k+1 < len(g.Coords); k += g.Stride() {
			corners = append(corners, point{g.Coords[k], g.Coords[k+1]})
		}
	}
	if box.IsEmpty() {
		return &catalog.Invalid{Path: "geometry", Reason: "the survey has no footprints"}
	}
	area := hull(corners)
	const reach = .0002 // degrees, about 20 m: it may lie off as a whole
	box = geo.Box{W: box.W - reach, S: box.S - reach, E: box.E + reach, N: box.N + reach}
	at := map[uid.UID]int{}
	_, err := s.store.Scan(ctx, catalog.Query{Collection: registry.Buildings, Box: &box}, func(f *catalog.Feature) error {
		u, err := uid.Parse(f.Props.Get("uid").Str())
		if err != nil || f.Geometry.NumPolygons() == 0 {
			return nil //nolint:nilerr // it is no structure's
		}
		i, known := at[u]
		if !known {
			i = len(s.old)
			at[u], s.old = i, append(s.old, footprint{uid: u})
		}
		s.old[i].features = append(s.old[i].features, *f)
		s.old[i].geometry = joined(s.old[i].geometry, f.Geometry)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the footprints: %w", err)
	}
	old, next := make([]match.Old, len(s.old)), make([]match.New, len(s.next))
	for i := range s.old {
		slices.SortFunc(s.old[i].features, func(a, b catalog.Feature) int { return cmp.Compare(a.ID, b.ID) })
		old[i] = match.Old{UID: s.old[i].uid, Geometry: s.old[i].geometry}
	}
	for i := range s.next {
		next[i] = match.New{ID: s.next[i].ID, Geometry: s.next[i].Geometry}
	}
	if s.res, err = match.Footprints(old, next, match.Options{}); err != nil {
		return &catalog.Invalid{Path: "id", Reason: err.Error()}
	}
	// What lies beside the area that was surveyed is not gone: nobody looked.
	s.res.Rows = slices.DeleteFunc(s.res.Rows, func(b match.Bridge) bool {
		if b.Kind != match.Gone {
			return false
		}
		lon, lat := match.Middle(&s.old[at[b.From]].geometry)
		return !area.has(point{lon, lat})
	})
	s.sum.ShiftX, s.sum.ShiftY = s.res.DX, s.res.DY
	return nil
}

// joined is the polygons of both as one geometry.
func joined(a, b geo.Geometry) geo.Geometry {
	if a.IsEmpty() {
		return b
	}
	out := geo.Geometry{Type: geo.MultiPolygon}
	for _, g := range []*geo.Geometry{&a, &b} {
		for p := range g.NumPolygons() {
			from, to := g.PolygonRings(p)
			for r := from; r < to; r++ {
				line, stride := g.Line(r), g.Stride()
				for k := 0; k+1 < len(line); k += stride {
					out.Coords = append(out.Coords, line[k], line[k+1])
				}
				out.Ends = append(out.Ends, int32(len(out.Coords)/2))
			}
			out.Polys = append(out.Polys, int32(len(out.Ends)))
		}
	}
	return out
}

// name gives every new footprint its UID: the source's where it is valid, that of the
// structure that it goes on as, or a new one.
func (s *Survey) name(ctx context.Context) error {
	var fresh []string
	used := map[string]string{}
	for i := range s.next {
		f := &s.next[i]
		id := f.ID
		if u, err := uid.Parse(f.Props.Get("uid").Str()); err == nil && !u.Reserved() {
			s.uids[id] = u.String()
		} else if u, ok := s.res.UIDs[id]; ok {
			s.uids[id] = u.String()
		} else {
			fresh = append(fresh, id)
			continue
		}
		if other, twice := used[s.uids[id]]; twice {
			return &catalog.Invalid{Path: "uid", Reason: fmt.Sprintf("%s would be of %q and of %q", s.uids[id], other, id)}
		}
		used[s.uids[id]] = id
	}
	ids, err := s.register.Mint(ctx, len(fresh))
	if err != nil {
		return err
	}
	slices.Sort(fresh)
	for i, id := range fresh {
		s.uids[id] = ids[i]
	}
	return nil
}

// taken reports whether a survey of that name was taken in before, and settles what
// the event and its moment are.
func (s *Survey) taken(ctx context.Context) (bool, error) {
	sum := sha256.Sum256([]byte("survey\x00" + s.opts.Epoch))
	s.evt = "e-" + hex.EncodeToString(sum[:10])
	s.at = s.opts.ValidFrom
	if s.at.IsZero() {
		s.at = time.Now().Add(-2 * time.Second).UTC().Truncate(time.Microsecond) // the store's clock may be behind ours
	}
	found, undone := false, 0
	q := []catalog.Query{{Collection: Bridges, Match: &catalog.Match{Field: "epoch", Values: []string{s.opts.Epoch}}},
		{Collection: registry.Events, Ever: true, Match: &catalog.Match{Field: "event", Values: []string{s.evt}}}}
	if _, err := s.store.ScanAll(ctx, q, func(i int, _ *catalog.Feature) error {
		if i == 0 {
			found = true
		} else {
			undone++
		}
		return nil
	}); err != nil {
		return false, fmt.Errorf("look for the survey %s: %w", s.opts.Epoch, err)
	}
	if !found && undone > 0 { // it was taken back, and comes again: another event
		s.evt += fmt.Sprint("-", undone)
	}
	return found, nil
}
