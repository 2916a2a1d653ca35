package index

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"nagar/catalog"
	"nagar/geo"
)

// chest is a file in memory for stored snapshots.
type chest struct{ b []byte }

func (c *chest) put(b []byte) (Span, error) {
	for len(c.b)%64 != 0 {
		c.b = append(c.b, 0)
	}
	s := Span{At: int64(len(c.b)), Len: int64(len(b))}
	c.b = append(c.b, b...)
	return s, nil
}

func (c *chest) at(s Span) ([]byte, error) {
	if s.At < 0 || s.Len < 0 || s.At > int64(len(c.b)) || s.Len > int64(len(c.b))-s.At {
		return nil, ErrStored
	}
	return c.b[s.At : s.At+s.Len], nil
}

// edited is a snapshot of several segments with hidden features, and what it holds.
func editedSnapshot(t testing.TB, r *rand.Rand, c *catalog.Collection, n int) (*Snapshot, map[string]catalog.Feature) {
	b := NewBuilder(c)
	want := map[string]catalog.Feature{}
	for i := range n {
		f := thing(r, i)
		want[f.ID] = f
		b.Add(&f)
	}
	s := NewSnapshot(b.Build())
	for range 3 {
		var edits []Edit
		for _, i := range r.Perm(n)[:n/20+1] {
			f := thing(r, i)
			if r.IntN(3) == 0 {
				delete(want, f.ID)
				edits = append(edits, Edit{ID: f.ID})
				continue
			}
			want[f.ID] = f
			edits = append(edits, Edit{ID: f.ID, New: &f})
		}
		s = s.Apply(c, edits, func(geo.GridBox) {})
	}
	return s, want
}

// TestStoredSnapshotIsTheSame holds every array of every segment, and what is
// hidden, equal after a way through a file. A field that is added to Segment or
// Column and not stored fails it.
func TestStoredSnapshotIsTheSame(t *testing.T) {
	r := random(t)
	c := things()
	for _, n := range []int{1, 40, 9000} {
		s, want := editedSnapshot(t, r, c, n)
		var file chest
		stored, err := s.Store(file.put)
		if err != nil {
			t.Fatal(err)
		}
		dir, err := json.Marshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		stored = nil
		if err := json.Unmarshal(dir, &stored); err != nil {
			t.Fatal(err)
		}
		got, err := OpenStored(stored, &file, file.at)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, c, want)
		if len(got.parts) != len(s.parts) || got.box != s.box || got.live != s.live {
			t.Fatalf("%d parts, %d features, box %v; want %d, %d, %v", len(got.parts), got.live, got.box, len(s.parts), s.live, s.box)
		}
		for i := range s.parts {
			a, b := *s.parts[i].seg, *got.parts[i].seg
			if !b.Mapped() || a.Mapped() {
				t.Error("whose memory it is, is not told")
			}
			for f := range a.cols {
				if x, y := a.Repeats().Of(f), b.Repeats().Of(f); !slices.Equal(x, y) {
					t.Errorf("segment %d: field %d repeats otherwise", i, f)
				}
			}
			b.number, b.owner, b.derived = a.number, nil, a.derived
			if !reflect.DeepEqual(emptied(a), emptied(b)) {
				t.Errorf("segment %d of %d features differs", i, a.Len())
			}
			if x, y := s.parts[i].dead, got.parts[i].dead; x.count() != y.count() {
				t.Errorf("segment %d hides %d features, want %d", i, y.count(), x.count())
			}
		}
		// The edits go on over the mapped arrays, which take the place of those in the heap.
		next := s.Apply(c, []Edit{{ID: "t0"}}, func(geo.GridBox) {})
		delete(want, "t0")
		replaced := next.Replace(s, got)
		same(t, replaced, c, want)
		if replaced.live > 0 && replaced.parts[0].seg.Number() != next.parts[0].seg.Number() {
			t.Error("a segment has another number once it is mapped")
		}
	}
}

// emptied makes arrays of no elements nil, as they are after the way through a file.
func emptied(s Segment) Segment {
	clear := func(v reflect.Value) {
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 && !f.IsNil() {
				reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().SetZero()
			}
		}
	}
	s.cols = append([]Column(nil), s.cols...)
	for i := range s.cols {
		clear(reflect.ValueOf(&s.cols[i]).Elem())
	}
	clear(reflect.ValueOf(&s).Elem())
	clear(reflect.ValueOf(&s.tree).Elem())
	return s
}

// TestPurgeKeepsNothingHidden: after it no array holds what an edit replaced.
func TestPurgeKeepsNothingHidden(t *testing.T) {
	r := random(t)
	c := things()
	s, want := editedSnapshot(t, r, c, 500)
	m := s.PlanPurge()
	if m == nil {
		t.Fatal("nothing is hidden")
	}
	m.Run(c)
	s = m.Install(s)
	same(t, s, c, want)
	for i := range s.parts {
		if s.parts[i].dead.count() > 0 {
			t.Errorf("part %d still hides features", i)
		}
	}
	if s.PlanPurge() != nil {
		t.Error("a purge is due after a purge")
	}
}

// FuzzOpenStored: whatever arrays and places are given, the snapshot is refused or
// can be used in every way.
func FuzzOpenStored(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	c := things()
	c.Fields = c.Fields[:3]
	for _, n := range []int{1, 4} { // small: what is interesting is made smaller still, which takes long
		s, _ := editedSnapshot(f, r, c, n)
		var file chest
		stored, err := s.Store(file.put)
		if err != nil {
			f.Fatal(err)
		}
		dir, err := json.Marshal(stored)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(dir, file.b)
	}
	f.Fuzz(func(t *testing.T, dir, arrays []byte) {
		var stored []StoredSegment
		if json.Unmarshal(dir, &stored) != nil {
			return
		}
		file := chest{append(make([]byte, 0, len(arrays)+8), arrays...)}
		s, err := OpenStored(stored, &file, file.at)
		if err != nil {
			if !errors.Is(err, ErrStored) {
				t.Fatalf("%v does not wrap ErrStored", err)
			}
			return
		}
		useAll(s)
	})
}

// useAll reads all that a snapshot has.
func useAll(s *Snapshot) {
	var find Finder
	var sh Shape
	n := 0
	s.All(func(ref Ref) bool {
		g := s.Segment(ref.Part)
		for i := range g.NumColumns() {
			_ = g.Value(ref.Handle, i).String()
		}
		for ok := g.Shape(ref.Handle, &sh); ok; ok = sh.Next() {
			for i := range sh.Ends {
				n += len(sh.Ring(i))
			}
			for i := range sh.NumPolygons() {
				from, to := sh.Rings(i)
				n += to - from
			}
		}
		s.FindKey(g.Key(ref.Handle))
		n += len(g.ID(ref.Handle))
		return n < 1<<20
	})
	find.Search(s, geo.GridBox{MinX: -1 << 31, MinY: -1 << 31, MaxX: 1<<31 - 1, MaxY: 1<<31 - 1})
	find.Search(s, geo.GridBox{MaxX: 1 << 20, MaxY: 1 << 20})
}
