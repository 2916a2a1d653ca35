package twin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/internal/access"
)

// The collections of the sensing entities.
const (
	Things      = "sensors"
	Datastreams = "datastreams"
	Instruments = "instruments"
	Properties  = "observed_properties"
)

var collections = []string{Things, Datastreams, Instruments, Properties}

// Source is what the model follows.
type Source interface {
	catalog.Feed
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error)
	Head(ctx context.Context) (catalog.Rev, error)
}

// Datastream is what the twin needs to know of a datastream for each reading of it.
// It does not change; another takes its place.
type Datastream struct {
	*catalog.Feature
	Thing, Property, Instrument, Unit string
	Number                            bool // its results are numbers
	Device                            string
	SourceID                          string
	Rules                             *Rules
}

// Model is the sensing entities in memory. Its methods may be called from any
// goroutine; the features that they return must not be changed.
type Model struct {
	source Source

	mu      sync.RWMutex
	rev     catalog.Rev
	defs    map[string]*catalog.Collection
	by      map[string]map[string]*catalog.Feature // collection → id
	streams map[string]*Datastream
	ofThing map[string][]string // datastreams by station, sorted
	moved   chan struct{}       // closed and replaced when rev moves
	given   map[string]int64    // the last numbers that NewID gave
}

// NewModel returns an empty model; Load and Follow fill it.
func NewModel(source Source) *Model {
	return &Model{source: source, defs: map[string]*catalog.Collection{}, by: map[string]map[string]*catalog.Feature{},
		streams: map[string]*Datastream{}, ofThing: map[string][]string{}, moved: make(chan struct{})}
}

// Load reads the entities from the store.
func (m *Model) Load(ctx context.Context) error {
	// What changes while it is read is in the feed after this revision, and read again.
	rev, err := m.source.Head(ctx)
	if err != nil {
		return err
	}
	fresh := NewModel(m.source)
	for _, name := range collections {
		if err := fresh.loadOne(ctx, name); err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
	}
	for _, f := range fresh.by[Datastreams] {
		fresh.settle(f)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.defs, m.by, m.streams, m.ofThing = fresh.defs, fresh.by, fresh.streams, fresh.ofThing
	m.advance(rev)
	return nil
}

func (m *Model) loadOne(ctx context.Context, name string) error {
	m.by[name] = map[string]*catalog.Feature{}
	c, err := m.source.Collection(ctx, name)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m.defs[name] = &c
	_, err = m.source.Scan(ctx, catalog.Query{Collection: name}, func(f *catalog.Feature) error {
		kept := *f
		m.by[name][f.ID] = &kept
		return nil
	})
	return err
}

// advance notes a revision; the lock is held.
func (m *Model) advance(rev catalog.Rev) {
	m.rev = rev
	close(m.moved)
	m.moved = make(chan struct{})
}

// WaitRev returns once the model has followed to a revision.
func (m *Model) WaitRev(ctx context.Context, rev catalog.Rev) error {
	for {
		m.mu.RLock()
		have, moved := m.rev, m.moved
		m.mu.RUnlock()
		if have >= rev {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Follow keeps the model up to date until ctx ends or the feed fails.
func (m *Model) Follow(ctx context.Context) error {
	m.mu.RLock()
	since := m.rev
	m.mu.RUnlock()
	return catalog.Follow(ctx, m.source, since, func(c catalog.Commit) error {
		for i := range c.Changes {
			if ch := &c.Changes[i]; slices.Contains(collections, ch.Collection) {
				if err := m.apply(ctx, ch); err != nil {
					return err
				}
			}
		}
		if !c.More {
			m.mu.Lock()
			m.advance(c.Rev)
			m.mu.Unlock()
		}
		return nil
	})
}

func (m *Model) apply(ctx context.Context, ch *catalog.Change) error {
	if ch.Kind == catalog.Defined {
		def, err := m.source.Collection(ctx, ch.Collection)
		if err != nil {
			return err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.defs[ch.Collection] = &def
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if ch.New == nil {
		delete(m.by[ch.Collection], ch.ID)
	} else {
		kept := *ch.New
		m.by[ch.Collection][ch.ID] = &kept
	}
	switch ch.Collection {
	case Datastreams:
		m.drop(ch.ID)
		if f := m.by[Datastreams][ch.ID]; f != nil {
			m.settle(f)
		}
	case Properties: // their rules may have changed
		for id, d := range m.streams {
			if d.Property == ch.ID {
				m.drop(id)
				m.settle(d.Feature)
			}
		}
	}
	return nil
}

// drop forgets a datastream; the lock is held.
func (m *Model) drop(id string) {
	old := m.streams[id]
	if old == nil {
		return
	}
	delete(m.streams, id)
	m.ofThing[old.Thing] = slices.DeleteFunc(slices.Clone(m.ofThing[old.Thing]), func(s string) bool { return s == id })
}

// settle works out what the twin needs of a datastream; the lock is held.
func (m *Model) settle(f *catalog.Feature) {
	d := &Datastream{
		Feature: f, Thing: f.Props.Get("thing").Str(), Property: f.Props.Get("property").Str(), Instrument: f.Props.Get("instrument").Str(),
		Unit: f.Props.Get("unit").Str(), Device: f.Props.Get("device").Str(), SourceID: f.Props.Get("source_id").Str(),
	}
	switch kind := f.Props.Get("observation_type").Str(); kind[strings.LastIndexByte(kind, '_')+1:] {
	case "", "Measurement", "CountObservation", "Count":
		d.Number = true
	}
	texts := []string{f.Props.Get("quality").Str()}
	if p := m.by[Properties][d.Property]; p != nil {
		texts = append(texts, p.Props.Get("quality").Str())
	}
	d.Rules = rulesOf(texts...)
	m.streams[f.ID] = d
	list := m.ofThing[d.Thing]
	if at, there := slices.BinarySearch(list, f.ID); !there {
		m.ofThing[d.Thing] = slices.Insert(slices.Clone(list), at, f.ID)
	}
}

// Datastream returns one datastream; nil when there is none.
func (m *Model) Datastream(id string) *Datastream {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.streams[id]
}

// Named finds the datastream of a station that a device calls so: by id, by the id
// that its source has for it, or by the name of its property.
func (m *Model) Named(thing, name string) *Datastream {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if d := m.streams[name]; d != nil && d.Thing == thing {
		return d
	}
	for _, id := range m.ofThing[thing] {
		d := m.streams[id]
		if d.SourceID == name || d.Property == name || strings.EqualFold(d.Props.Get("name").Str(), name) {
			return d
		}
		if p := m.by[Properties][d.Property]; p != nil && strings.EqualFold(p.Props.Get("name").Str(), name) {
			return d
		}
	}
	return nil
}

// Streams are the ids of a station's datastreams, sorted.
func (m *Model) Streams(thing string) []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.ofThing[thing]
}

// Collection is the description of a collection of entities; nil when there is none.
func (m *Model) Collection(name string) *catalog.Collection {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.defs[name]
}

// Entity returns one feature of a collection; nil when there is none.
func (m *Model) Entity(collection, id string) *catalog.Feature {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.by[collection][id]
}

// Entities are all features of a collection, by id: numbers before texts.
func (m *Model) Entities(collection string) []*catalog.Feature {
	m.mu.RLock()
	out := make([]*catalog.Feature, 0, len(m.by[collection]))
	for _, f := range m.by[collection] {
		out = append(out, f)
	}
	m.mu.RUnlock()
	slices.SortFunc(out, func(a, b *catalog.Feature) int { return CompareIDs(a.ID, b.ID) })
	return out
}

// CompareIDs orders ids: numbers by their value, before texts.
func CompareIDs(a, b string) int {
	x, y := isNumber(a), isNumber(b)
	switch {
	case x && y:
		return cmp.Or(len(a)-len(b), strings.Compare(a, b))
	case x != y:
		if x {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// isNumber reports whether an id is written as a JSON number: one without a leading
// zero that JavaScript holds exactly.
func isNumber(id string) bool {
	if id == "" || len(id) > 15 || id[0] == '0' && id != "0" {
		return false
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return true
}

// See is a feature as a view sees it; false when it does not.
func (m *Model) See(v catalog.View, collection string, f *catalog.Feature) (catalog.Properties, bool) {
	c := m.Collection(collection)
	if c == nil || f == nil {
		return nil, false
	}
	return cql2.SightOf(c, v).See(f)
}

// Sees reports whether a view has the datastream.
func (m *Model) Sees(v catalog.View, d *Datastream) bool {
	c := m.Collection(Datastreams)
	return c != nil && cql2.SightOf(c, v).Of(cql2.FeatureRow{Collection: c, Feature: d.Feature}) != 0
}

// mayAdd reports whether somebody who sees a datastream may add readings to it.
func (m *Model) mayAdd(d *Datastream, who *access.Principal, v catalog.View, rights []access.Right) bool {
	if d.Device != "" {
		return who.Kind == access.Root || d.Device == who.ID || d.Device == who.Name
	}
	if slices.Contains(rights, access.AddReadings) {
		return true
	}
	_, ok := cql2.SightOf(m.Collection(Datastreams), v).Writable(d.Feature)
	return ok
}

// jsonObject reads a text as a JSON object; nil when it is none.
func jsonObject(text string) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &out) != nil {
		return nil
	}
	return out
}

// NewID is an id for a new feature of a collection: the next number. Another process
// may give the same at that moment; who writes second is refused, and asks again.
func (m *Model) NewID(collection string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.given == nil {
		m.given = map[string]int64{}
	}
	next := m.given[collection]
	for id := range m.by[collection] {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && isNumber(id) {
			next = max(next, n)
		}
	}
	m.given[collection] = next + 1
	return strconv.FormatInt(next+1, 10)
}
