package server

import (
	"context"
	"errors"

	"nagar/catalog"
	"nagar/city"
	"nagar/internal/httpapi"
	"nagar/internal/search"
	"nagar/layers"
)

// newSearch is the search over the store, with what it needs to know of the city.
func newSearch(store catalog.Store, engine *layers.Engine, profile *city.Profile) *search.Index {
	return search.New(store, search.Options{Bounds: profile.Bounds, Ward: profile.Ward, Look: engine.Look, Some: engine.Some})
}

// searcher shows the search to the HTTP surface; the rooms do not know each other.
type searcher struct{ index *search.Index }

// Find implements httpapi.Searcher.
func (s searcher) Find(ctx context.Context, q httpapi.SearchQuery) ([]httpapi.SearchHit, error) {
	found, err := s.index.Find(ctx, search.Query(q))
	if errors.Is(err, search.ErrNotReady) {
		return nil, httpapi.ErrSearchNotReady
	}
	if err != nil {
		return nil, err
	}
	hits := make([]httpapi.SearchHit, len(found))
	for i, h := range found {
		hits[i] = httpapi.SearchHit(h)
	}
	return hits, nil
}
