package ingest

import (
	"context"
	"fmt"
	"hash/maphash"

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
	byID  map[uint64]uid.UID // hash of a stored feature's id → its UID
	taken map[uid.UID]bool   // stored, or given in this load
}

// newStructures reads the UIDs that are stored, when any are. Each entry costs
// some 30 bytes.
func newStructures(ctx context.Context, store catalog.Store, collection string, filled bool) (*structures, error) {
	s := &structures{byID: map[uint64]uid.UID{}, taken: map[uid.UID]bool{}}
	if !filled {
		return s, nil
	}
	_, err := store.Scan(ctx, catalog.Query{Collection: collection}, func(f *catalog.Feature) error {
		if u, err := uid.Parse(f.Props.Get("uid").Str()); err == nil {
			s.byID[hashID(f.ID)] = u
			s.taken[u] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the structures of %s: %w", collection, err)
	}
	return s, nil
}

// assign gives the feature its UID: that of its source when valid, else the one
// it has been given before, else a new one.
func (s *structures) assign(f *catalog.Feature, index int) {
	v := f.Props[index].Value
	if u, err := uid.Parse(v.Str()); err == nil && !u.Reserved() {
		s.taken[u] = true
		f.Props[index].Value = catalog.Text(u.String())
		return
	}
	u, ok := s.byID[hashID(f.ID)]
	for !ok {
		u = uid.Random()
		ok = !u.Reserved() && !s.taken[u]
	}
	s.taken[u] = true
	f.Props[index].Value = catalog.Text(u.String())
}
