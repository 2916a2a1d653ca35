// Package linkage joins departments' records to the structures they are of, and
// keeps the queue of those that somebody has to look at.
//
// A record that names a valid UID is left as it is. One that names none is matched
// (package match): a sure one gets the UID, and beside it how it came by it; for a
// doubtful one, one that is like nothing, and one whose UID the register does not
// know, a row of the collection reviews is kept. What a person decided stands, and
// what the matching decided stands too until somebody undoes it; so doing it again
// changes nothing.
//
// A record's link and the row of its review change in one batch.
package linkage

import (
	"context"

	"nagar/catalog"
	"nagar/internal/registry"
)

// Reviews is the collection of the queue; a row's id is that of ReviewID.
const Reviews = "reviews"

// Store is what the package needs of a catalog.Store.
type Store interface {
	registry.Store
	Collection(ctx context.Context, name string) (catalog.Collection, error)
	Define(ctx context.Context, c catalog.Collection) (catalog.Rev, error)
	Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error)
}

// Matching is who decided what nobody did.
const Matching = "matching"
