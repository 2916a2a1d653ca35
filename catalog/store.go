package catalog

import (
	"context"
	"time"

	"nagar/geo"
)

// At picks a moment on both clocks. The zero At is now on both.
type At struct {
	AsOf  time.Time // true in the city then; zero: now
	Known Rev       // as recorded up to and including this revision; 0: the latest
}

// IsNow reports whether both clocks stand at now.
func (a At) IsNow() bool { return a.AsOf.IsZero() && a.Known == 0 }

// Query selects features of one collection for Scan.
type Query struct {
	Collection string
	Box        *geo.Box // features whose bounding box meets it, borders included; nil: all, those without geometry too
	At         At
	Match      *Match // of these values; nil: of any

	// Planned selects, beside what is true now, what is recorded to become true: the
	// current versions whose ValidFrom is still to come. It is for At now.
	Planned bool

	// Limit ends the scan after that many features; 0: no limit. Where few are
	// wanted it is better than ending the scan by an error: what is not asked for
	// need not be called off.
	Limit int

	// Ever selects every version that was ever current, whenever it was true and
	// whatever has become of it; At does not count. A feature of several versions
	// comes as often.
	Ever bool
}

// Version is one entry of a feature's history.
type Version struct {
	Feature
	RevTo    Rev // the revision that superseded it; 0: still held to be true
	Recorded time.Time
	Author   string
	Reason   string
}

// Problem is one inconsistency that Check found.
type Problem struct {
	Collection, ID string
	Reason         string
}

// Store is the contract of catalog/gpkg and catalog/postgis, proven by
// catalog/catalogtest. All methods are safe for concurrent use, by several
// processes too, and end soon after their context. An error that stems from the
// caller's input is *Invalid, *Conflict or ErrNotFound; one that stems from the
// place the store lives in wraps ErrUnavailable.
type Store interface {
	// Define creates the collection, or alters it by the rules of Collection.Alter.
	Define(ctx context.Context, c Collection) (Rev, error)
	// Collection returns one description, or ErrNotFound.
	Collection(ctx context.Context, name string) (Collection, error)
	// Collections returns all descriptions, by name.
	Collections(ctx context.Context) ([]Collection, error)

	// Apply writes a batch; see Batch and Op.
	Apply(ctx context.Context, b Batch) (Result, error)

	// Feature returns one feature as it is at that moment, or ErrNotFound.
	Feature(ctx context.Context, collection, id string, at At) (Feature, error)
	// History returns every version of a feature by recorded, then valid time; ErrNotFound when there never was one.
	History(ctx context.Context, collection, id string) ([]Version, error)
	// Scan calls fn for each selected feature of one consistent snapshot, and
	// returns the snapshot's revision. The *Feature may be reused after fn
	// returns; what it points to may be kept. fn's error ends the scan and is returned.
	Scan(ctx context.Context, q Query, fn func(*Feature) error) (Rev, error)

	// ScanAll is a Scan of each query, all of one and the same snapshot; fn is told
	// which of them selected the feature. It is for many small questions.
	ScanAll(ctx context.Context, queries []Query, fn func(i int, f *Feature) error) (Rev, error)

	// Head is the latest revision.
	Head(ctx context.Context) (Rev, error)
	// RevAt is the last revision recorded at or before t; 0 when there is none.
	RevAt(ctx context.Context, t time.Time) (Rev, error)
	// Changes calls fn for every revision after since, in commit order, up to the
	// head of when it was called or later, and returns the last one reached.
	// fn's error ends it and is returned, with the last revision handled whole.
	Changes(ctx context.Context, since Rev, fn func(Commit) error) (Rev, error)
	// Wait returns nil once there is a revision after since, or ctx's error. A lost
	// notification delays it, at most a second, and never more.
	Wait(ctx context.Context, since Rev) error

	// Check verifies every invariant of the store and calls fn for each problem.
	Check(ctx context.Context, fn func(Problem) error) error
	// Close ends the store; what was acknowledged stays.
	Close() error
}
