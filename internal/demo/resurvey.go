package demo

import (
	"context"
	"errors"
	"fmt"
	"math"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/geo"
)

// Changes is the truth about a second survey: id of a new footprint → the UID that it
// goes on under, "" for one of its own; and the UIDs by what became of them.
type Changes struct {
	Keeps                            map[string]string
	Gone, Split, Merged, Grown, Tall map[string]bool // Merged: those whose UID ends
	New                              map[string]bool // ids
	DX, DY                           float64         // metres by which the survey lies east and north as a whole
}

// errFull ends the building of a block.
var errFull = errors.New("enough")

// Resurvey gives the footprints of the same city some years later, as a second
// survey of it would: some three in a hundred buildings gone, split, joined, grown, new,
// or higher, every corner measured anew, the whole a metre or two off. The features
// have no UID. Options are those of Generate.
func Resurvey(ctx context.Context, o Options, yield func(f *catalog.Feature) error) (*Changes, error) {
	g, err := newGenerator(ctx, o, nil)
	if err == nil {
		err = g.measure()
	}
	if err != nil {
		return nil, fmt.Errorf("second survey: %w", err)
	}
	s := &resurvey{generator: g, yield: yield, truth: &Changes{
		Keeps: map[string]string{}, Gone: map[string]bool{}, Split: map[string]bool{}, Merged: map[string]bool{}, Grown: map[string]bool{}, Tall: map[string]bool{}, New: map[string]bool{},
	}}
	r := newRNG(g.seed, 0x5e2d)
	s.truth.DX, s.truth.DY = r.between(-1.8, 1.8), r.between(-1.8, 1.8)
	if err := s.run(); err != nil {
		return nil, fmt.Errorf("second survey: %w", err)
	}
	return s.truth, nil
}

// resurvey is a second survey under way.
type resurvey struct {
	*generator
	yield  func(f *catalog.Feature) error
	truth  *Changes
	serial int
	joined *building // waits for the next building of its block, to be one with it
	uid    uid.UID   // of joined
}

func (s *resurvey) run() error {
	w := builder{plan: s.plan, dense: s.dense}
	ids := &uidSource{uids: uids{s.Seed}}
	n, extra := 0, max(1, s.Buildings*7/1000) // what is built beyond the first survey's number is new
	for i := range s.blocks {
		if i%64 == 0 {
			if err := s.ctx.Err(); err != nil {
				return err
			}
		}
		var failed error
		w.build(&s.blocks[i], func(b *building) bool {
			if n++; n > s.Buildings {
				s.truth.New[fmt.Sprintf("demo-s-%06d", s.serial+1)] = true
				if failed = s.put(b, "", newRNG(s.seed, uint64(n)^0x2e5)); failed == nil && n == s.Buildings+extra {
					failed = errFull
				}
				return failed == nil
			}
			failed = s.again(b, ids.next(), newRNG(s.seed, uint64(n)^0x2e5), n == s.Buildings)
			return failed == nil
		})
		if failed == nil {
			failed = s.flush()
		}
		if errors.Is(failed, errFull) {
			return nil
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}

// again surveys a building of the first survey once more.
func (s *resurvey) again(b *building, id uid.UID, r rng, last bool) error {
	u := id.String()
	kind := r.IntN(1000)
	if s.joined != nil {
		kind = 999
	}
	switch {
	case kind < 5:
		s.truth.Gone[u] = true
		return nil
	case kind < 10 && len(b.rings) == 1 && len(b.rings[0]) == 4:
		s.truth.Split[u] = true
		f := boxAlong(b.rings[0], b.rings[0][1].sub(b.rings[0][0]).unit())
		d := f.u.left()
		c := f.c.add(f.u.mul(f.lu * .1)) // not in the middle: the larger part keeps the UID
		for k, half := range [2][]vec{clipHalf(nil, b.rings[0], c, d), clipHalf(nil, b.rings[0], c, d.mul(-1))} {
			piece := *b
			piece.rings = [][]vec{half}
			keeps := u
			if k == 1 {
				keeps = ""
			}
			if err := s.put(&piece, keeps, r); err != nil {
				return err
			}
		}
		return nil
	case kind < 15 && !last:
		kept := *b
		s.joined, s.uid = &kept, id
		return nil
	case kind < 20:
		s.truth.Grown[u] = true
		c := b.middle()
		grown := *b
		grown.rings = nil
		for _, ring := range b.rings {
			var out []vec
			for _, p := range ring {
				out = append(out, c.add(p.sub(c).mul(1.12)))
			}
			grown.rings = append(grown.rings, out)
		}
		return s.put(&grown, u, r)
	case kind < 30:
		s.truth.Tall[u] = true
		higher := *b
		higher.floors += 1 + r.IntN(2)
		higher.height += 3 * float64(higher.floors-b.floors)
		return s.put(&higher, u, r)
	}
	if s.joined != nil {
		return s.join(b, id, r)
	}
	return s.put(b, u, r)
}

// join makes one of the building that waits and the next of its block.
func (s *resurvey) join(b *building, id uid.UID, r rng) error {
	a := s.joined
	s.joined = nil
	if math.Abs(size(a)-size(b)) < .04*size(a) { // nobody could say which of the two goes on
		if err := s.put(a, s.uid.String(), r); err != nil {
			return err
		}
		return s.put(b, id.String(), r)
	}
	keeps, ends := s.uid, id
	if size(b) > size(a) {
		keeps, ends = id, s.uid
	}
	s.truth.Merged[ends.String()] = true
	f := s.footprint(a, keeps.String(), r)
	other := s.measured(b, r)
	g := &f.Geometry
	both := geo.Geometry{Type: geo.MultiPolygon, Coords: append(append([]float64{}, g.Coords...), other.Coords...), Ends: append([]int32{}, g.Ends...), Polys: []int32{int32(len(g.Ends))}}
	for _, e := range other.Ends {
		both.Ends = append(both.Ends, e+int32(g.NumPositions()))
	}
	both.Polys = append(both.Polys, int32(len(both.Ends)))
	f.Geometry = both
	return s.yield(f)
}

func size(b *building) float64 {
	sum := 0.0
	for _, r := range b.rings {
		sum += area(r) // holes run clockwise
	}
	return sum
}

// flush surveys a building that had nothing to be joined with.
func (s *resurvey) flush() error {
	if s.joined == nil {
		return nil
	}
	b := s.joined
	s.joined = nil
	return s.put(b, s.uid.String(), newRNG(s.seed, uint64(s.uid)))
}

func (s *resurvey) put(b *building, keeps string, r rng) error {
	f := s.footprint(b, keeps, r)
	return s.yield(f)
}

// footprint is the feature of a building in the second survey.
func (s *resurvey) footprint(b *building, keeps string, r rng) *catalog.Feature {
	s.serial++
	id := fmt.Sprintf("demo-s-%06d", s.serial)
	s.truth.Keeps[id] = keeps
	props := catalog.Properties{
		amount("height_m", b.height), amount("ground_m", s.level(b.rings[0][0])), number("floors", b.floors), text("roof", b.roof),
	}
	return &catalog.Feature{ID: id, Geometry: s.measured(b, r), Props: props}
}

// measured is the building's outline with the errors of a survey.
func (s *resurvey) measured(b *building, r rng) geo.Geometry {
	off := vec{s.truth.DX, s.truth.DY}
	rings := make([][]vec, len(b.rings))
	for i, ring := range b.rings {
		for _, p := range ring {
			rings[i] = append(rings[i], p.add(off).add(vec{r.NormFloat64() * .1, r.NormFloat64() * .1}))
		}
	}
	return s.geometry(rings...)
}
