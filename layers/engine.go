package layers

import (
	"context"
	"errors"

	"nagar/catalog"
	"nagar/geo"
)

// Engine follows a Source and answers from memory.
type Engine struct {
	src  Source
	opts Options
}

var errNotYet = errors.New("not ready")

// New returns an engine over src. It starts nothing: call Run.
func New(src Source, o Options) *Engine { return &Engine{src: src, opts: o} }

// Run loads every collection, then follows the source until ctx ends.
func (e *Engine) Run(ctx context.Context) error { return errNotYet }

// Ready reports whether everything is loaded.
func (e *Engine) Ready() bool { return false }

// Loaded is closed once everything is loaded.
func (e *Engine) Loaded() <-chan struct{} { return nil }

// Rev is the revision that every answer from now on shows at least.
func (e *Engine) Rev() catalog.Rev { return 0 }

// WaitRev returns nil once Rev is at least rev, or ctx's error.
func (e *Engine) WaitRev(ctx context.Context, rev catalog.Rev) error { return errNotYet }

// MaxZoom is the zoom of the tiles that Dirty names.
func (e *Engine) MaxZoom() int { return 16 }

// Collections describes all collections, by name.
func (e *Engine) Collections() []Info { return nil }

// Collection describes one collection.
func (e *Engine) Collection(name string) (Info, bool) { return Info{}, false }

// Tile renders one tile, or takes it from the cache.
func (e *Engine) Tile(ctx context.Context, r TileRequest) (*Tile, error) { return nil, errNotYet }

// Near answers the features nearest to a position, nearest first.
func (e *Engine) Near(ctx context.Context, r NearRequest) (*Answer, error) { return nil, errNotYet }

// Within answers the features that meet a box or polygon.
func (e *Engine) Within(ctx context.Context, r WithinRequest) (*Answer, error) {
	return nil, errNotYet
}

// AtPoint answers what is at a position.
func (e *Engine) AtPoint(ctx context.Context, r AtRequest) (*Answer, error) { return nil, errNotYet }

// Feature finds a current feature by its id or, failing that, by its numeric key in decimal.
func (e *Engine) Feature(collection, idOrKey string) (id string, key catalog.Key, ok bool) {
	return "", 0, false
}

// Stats are the figures for metrics.
func (e *Engine) Stats() Stats { return Stats{} }

// Dirty says which tiles changed, at MaxZoom (their parents and children changed
// too), or a box in degrees when they are many. Reset: so much was missed or
// changed that everything of the collection may have.
type Dirty struct {
	Collection string
	Rev        catalog.Rev
	Tiles      []geo.Tile // nil when Box is set
	Box        *geo.Box
}

// Subscription is one client's queue of Dirty notices, at most one per
// collection: notices that are not taken yet are merged, so a slow client costs
// no more memory than a fast one.
type Subscription struct{}

// Subscribe returns a new queue; Close it.
func (e *Engine) Subscribe() *Subscription { return &Subscription{} }

// Wait is a channel that has an item when there is something to Take.
func (s *Subscription) Wait() <-chan struct{} { return nil }

// Take returns and clears what is waiting, by collection name.
func (s *Subscription) Take() []Dirty { return nil }

// Close ends the subscription.
func (s *Subscription) Close() {}
