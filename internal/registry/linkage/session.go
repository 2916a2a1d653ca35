package linkage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/geo"
	"nagar/internal/registry"
	"nagar/internal/registry/address"
	"nagar/internal/registry/match"
)

// Linker opens sessions on one store. It is for one goroutine.
type Linker struct {
	Now func() time.Time // of what is decided

	store   Store
	parser  *address.Parser
	weights match.Weights
	// Once read, a register serves all sessions: [1] has what can be found by its place
	// alone too, for collections whose records have places. What a collection's records
	// are compared with does not depend on which of them have one.
	registers [2]*known
}

// known is the register as records are matched with it: structures in the order of
// their UIDs.
type known struct {
	structures []match.Structure
	register   *match.Register
}

// NewLinker returns a linker that reads addresses with the parser.
func NewLinker(store Store, parser *address.Parser) (*Linker, error) {
	w, err := match.DefaultWeights()
	if err != nil {
		return nil, err
	}
	return &Linker{Now: time.Now, store: store, parser: parser, weights: w}, nil
}

// Forget has the register read anew by the next session: it may have changed.
func (l *Linker) Forget() { l.registers = [2]*known{} }

// Counts says what became of records.
type Counts struct {
	Sure    int `json:"sure"`        // joined without anybody's look
	Review  int `json:"review"`      // wait with candidates
	Unlike  int `json:"rejected"`    // wait, and are like nothing
	Unknown int `json:"unknown_uid"` // name a UID that nobody knows
	Had     int `json:"linked"`      // named their structure, or had joined before
	Settled int `json:"settled"`     // a person decided that they are of none, or took a join back
}

// Session links the records of one collection.
type Session struct {
	*Linker
	Counts Counts

	c        catalog.Collection
	roles    *Roles
	linked   []storedLink // by hash
	reviews  map[string]reviewNote
	matchers []*match.Matcher
	*known   // nil until a record has to be matched
}

// storedLink is the link of a stored record; uid 0: it has one that is no UID.
type storedLink struct {
	id  uint64
	uid uid.UID
}

// reviewNote is what a session needs to know of a row of the queue.
type reviewNote struct{ state, digest string }

var linkSeed = maphash.MakeSeed()

// Begin makes the collection ready: it gets the field that says how a link came
// about. A collection whose rows are not matched has no session: nil, nil.
func (l *Linker) Begin(ctx context.Context, collection string) (*Session, error) {
	c, err := l.store.Collection(ctx, collection)
	if err != nil {
		return nil, err
	}
	r := ofRecords(&c)
	if r == nil {
		return nil, nil //nolint:nilnil // documented
	}
	if err := l.ready(ctx, &c, r); err != nil {
		return nil, err
	}
	s := &Session{Linker: l, c: c, roles: r, reviews: map[string]reviewNote{}}
	_, err = l.store.Scan(ctx, catalog.Query{Collection: c.Name}, func(f *catalog.Feature) error {
		if v := f.Props.Get(r.Link); v.Str() != "" {
			u, _ := uid.Parse(v.Str())
			s.linked = append(s.linked, storedLink{maphash.String(linkSeed, f.ID), u})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("links of %s: %w", c.Name, err)
	}
	slices.SortFunc(s.linked, func(a, b storedLink) int { return cmp.Compare(a.id, b.id) })
	q := catalog.Query{Collection: Reviews, Match: &catalog.Match{Field: "collection", Values: []string{c.Name}}}
	_, err = l.store.Scan(ctx, q, func(f *catalog.Feature) error {
		s.reviews[f.Props.Get("record").Str()] = reviewNote{f.Props.Get("state").Str(), f.Props.Get("digest").Str()}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reviews of %s: %w", c.Name, err)
	}
	return s, nil
}

// ready defines what is missing: the queue, and the collection's own field.
func (l *Linker) ready(ctx context.Context, c *catalog.Collection, r *Roles) error {
	if _, err := l.store.Collection(ctx, Reviews); errors.Is(err, catalog.ErrNotFound) {
		std, _ := catalog.StandardCollection(Reviews)
		if _, err := l.store.Define(ctx, std); err != nil {
			return fmt.Errorf("the queue of reviews: %w", err)
		}
	} else if err != nil {
		return err
	}
	if f, ok := c.Field(r.Proof); ok {
		if f.Type != catalog.TypeJSON {
			return &catalog.Invalid{Path: "fields." + f.Name, Reason: fmt.Sprintf("%s.%s is %s; how a link came about is kept in a field of this name, as json", c.Name, f.Name, f.Type)}
		}
		return nil
	}
	c.Fields = append(slices.Clone(c.Fields), r.proofField())
	if _, err := l.store.Define(ctx, *c); err != nil {
		return fmt.Errorf("describe how links of %s come about: %w", c.Name, err)
	}
	return nil
}

// Fields are those that the session writes: the link, and how it came about.
func (s *Session) Fields() (link, proof string) { return s.roles.Link, s.roles.Proof }

// had is the stored link of a record.
func (s *Session) had(id string) (uid.UID, bool) {
	i, ok := slices.BinarySearchFunc(s.linked, maphash.String(linkSeed, id), func(e storedLink, h uint64) int { return cmp.Compare(e.id, h) })
	if !ok {
		return 0, false
	}
	return s.linked[i].uid, true
}

// know reads the register, once.
func (s *Session) know(ctx context.Context) error {
	if s.known != nil {
		return nil
	}
	at := 1
	if s.c.Geometry == catalog.GeometryNone {
		at = 0
	}
	if s.registers[at] == nil {
		all, err := Structures(ctx, s.store, at == 1)
		if err != nil {
			return err
		}
		r, err := match.NewRegister(s.parser, all, s.weights)
		if err != nil {
			return fmt.Errorf("read the register: %w", err)
		}
		s.registers[at] = &known{all, r}
	}
	s.known = s.registers[at]
	return nil
}

// given are those of the UIDs that the register ever gave.
func (s *Session) given(ctx context.Context, ids []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	var queries []catalog.Query
	for _, name := range []string{registry.Buildings, registry.Structures} {
		queries = append(queries, catalog.Query{Collection: name, Ever: true, Match: &catalog.Match{Field: "uid", Values: ids}})
	}
	_, err := s.store.ScanAll(ctx, queries, func(_ int, f *catalog.Feature) error {
		out[f.Props.Get("uid").Str()] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look UIDs up: %w", err)
	}
	return out, nil
}

// place is where a review is shown: the record's own place, or else its best
// candidate's.
func (s *Session) place(f *catalog.Feature, candidates []Candidate) geo.Geometry {
	if !f.Geometry.IsEmpty() {
		return f.Geometry
	}
	for i := range candidates {
		u, err := uid.Parse(candidates[i].UID)
		if err != nil {
			continue
		}
		at, ok := slices.BinarySearchFunc(s.structures, u, func(m match.Structure, u uid.UID) int { return cmp.Compare(m.UID, u) })
		if !ok || s.structures[at].Geometry.IsEmpty() {
			continue
		}
		lon, lat := match.Middle(&s.structures[at].Geometry)
		return geo.NewPoint(lon, lat)
	}
	return geo.Geometry{}
}
