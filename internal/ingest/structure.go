package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"nagar/catalog"
	"nagar/catalog/uid"
)

// validUID reports whether v is the text of a structure UID that may be given.
func validUID(v catalog.Value) bool {
	if v.Type() != catalog.TypeText {
		return false
	}
	u, err := uid.Parse(v.Str())
	return err == nil && !u.Reserved()
}

// idSeed makes the hashes of ids unpredictable: a file cannot be made to collide.
var idSeed = maphash.MakeSeed()

// hashID is 64 bits of an id. Two of ten million ids share one with a chance of
// three in a million; then the second feature is rejected as a duplicate.
func hashID(id string) uint64 { return maphash.String(idSeed, id) }

// structures gives the features of a collection their structure UIDs.
type structures struct {
	stored []storedUID // by hash
	taken  sieve       // UIDs stored, or given in this load
}

// storedUID is the UID of a stored feature, by the hash of its id: 24 bytes each.
type storedUID struct {
	id  uint64
	uid uid.UID
	rev catalog.Rev
}

// newStructures reads the UIDs that were ever given: a UID is never given twice,
// and what comes back after it was gone comes back with its own.
func newStructures(ctx context.Context, store catalog.Store, collection string) (*structures, error) {
	s := &structures{}
	for _, name := range []string{collection, "structures", "uid_leases"} {
		_, err := store.Scan(ctx, catalog.Query{Collection: name, Ever: true}, func(f *catalog.Feature) error {
			u, err := uid.Parse(f.Props.Get("uid").Str())
			if err != nil {
				return nil //nolint:nilerr // it has none
			}
			s.taken.add(u)
			if name == collection {
				s.stored = append(s.stored, storedUID{hashID(f.ID), u, f.Rev})
			}
			return nil
		})
		if err != nil && !errors.Is(err, catalog.ErrNotFound) {
			return nil, fmt.Errorf("read the structures of %s: %w", name, err)
		}
	}
	slices.SortFunc(s.stored, func(a, b storedUID) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b.rev, a.rev)) })
	s.stored = slices.Clip(slices.CompactFunc(s.stored, func(a, b storedUID) bool { return a.id == b.id })) // the latest of each
	return s, nil
}

// of is the UID that the feature of that id has been given before.
func (s *structures) of(id string) (uid.UID, bool) {
	i, ok := slices.BinarySearchFunc(s.stored, hashID(id), func(e storedUID, h uint64) int { return cmp.Compare(e.id, h) })
	if !ok {
		return 0, false
	}
	return s.stored[i].uid, true
}

// sieve is a Bloom filter of UIDs: it never misses one that was added, and takes
// few others for one, for which another is drawn. Ten million UIDs make it wrong
// once in a hundred draws, and it stays at 16 MB.
type sieve struct{ bits []uint64 }

const sieveBits = 1 << 27

// places are the bits of a UID: four 27-bit parts of its spread value.
func places(u uid.UID) (at [4]uint32) {
	h := uint64(u)
	for i := range at {
		h = (h ^ h>>31) * 0x9e3779b97f4a7c15
		at[i] = uint32(h >> 37)
	}
	return at
}

func (s *sieve) add(u uid.UID) {
	if s.bits == nil {
		s.bits = make([]uint64, sieveBits/64)
	}
	for _, b := range places(u) {
		s.bits[b/64] |= 1 << (b % 64)
	}
}

func (s *sieve) has(u uid.UID) bool {
	if s.bits == nil {
		return false
	}
	for _, b := range places(u) {
		if s.bits[b/64]>>(b%64)&1 == 0 {
			return false
		}
	}
	return true
}

// assign gives the feature its UID: that of its source when valid, else the one
// it has been given before, else a new one.
func (s *structures) assign(f *catalog.Feature, index int) {
	v := f.Props[index].Value
	if u, err := uid.Parse(v.Str()); err == nil && !u.Reserved() {
		s.taken.add(u)
		f.Props[index].Value = catalog.Text(u.String())
		return
	}
	u, ok := s.of(f.ID)
	for !ok {
		u = uid.Random()
		ok = !u.Reserved() && !s.taken.has(u)
	}
	s.taken.add(u)
	f.Props[index].Value = catalog.Text(u.String())
}
