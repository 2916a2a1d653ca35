package catalog

import (
	"context"
	"time"
)

// Differ is a Store that can tell how another moment differs from what is current,
// at a cost that follows the differences and not the size of the collection's
// features: who has the present at hand makes the past of it.
type Differ interface {
	// Unlike calls fn for each feature whose version at the moment may be another
	// than the one in the caller's copy of the collection: with that version, or nil
	// when there is none. An id may come with nil, also more than once, before it
	// comes with a version. What it never names is in the copy as it is at the
	// moment. The *Feature may be reused after fn returns; what it points to may be
	// kept. All is of one snapshot, whose revision Unlike returns; fn's error ends it
	// and is returned.
	Unlike(ctx context.Context, o Other, fn func(id string, then *Feature) error) (Rev, error)
}

// Other is a moment to compare a copy of a collection with. The copy has what was
// current at the revision Since and valid at some time, the same or another for
// each feature, from Shown on.
type Other struct {
	Collection string
	At         At
	Since      Rev
	Shown      time.Time
}

// Settled reports whether a current version that is in the store now, recorded by
// rev, is in the copy, and is the feature's version at the moment (asof, known) too:
// it has been valid since before both, and no end of it is known.
func (o *Other) Settled(rev Rev, from, to time.Time, asof time.Time, known Rev) bool {
	return rev <= min(o.Since, known) && to.IsZero() && (from.IsZero() || !from.After(o.Shown) && !from.After(asof))
}
