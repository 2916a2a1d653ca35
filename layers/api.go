package layers

import (
	"context"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// Source is what the engine needs of a store; catalog.Store has it all.
type Source interface {
	catalog.Feed
	Head(ctx context.Context) (catalog.Rev, error)
	RevAt(ctx context.Context, t time.Time) (catalog.Rev, error)
	Collections(ctx context.Context) ([]catalog.Collection, error)
	Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error)
}

// Options are the engine's settings; the zero value works.
type Options struct {
	MaxZoom    int              // zoom of the tiles that Dirty names, and of the TileJSON; 0: 16
	CacheBytes int64            // the most that cached tiles may take; 0: 64 MiB, negative: no cache
	TileBytes  int              // budget of a compressed generalised tile in bytes; 0: 500 kB
	Clock      func() time.Time // the city's now; nil: time.Now

	// Snapshots is the folder, beside the store and for it alone, where the index is
	// kept from one run to the next; "": nowhere. It holds all that the collections
	// hold, so it is as secret as the store. Tell, unless nil, is told what became
	// of it; it is called from Run's goroutines, one at a time.
	Snapshots string
	Tell      func(SnapshotNotice)
}

// SnapshotNotice says what became of the snapshot file.
type SnapshotNotice struct {
	Written bool        // it was written, or should have been; else it was, or should have been, read
	Rev     catalog.Rev // that it shows
	Bytes   int64
	Took    time.Duration
	Err     error // why it was not written; why it was not used, and everything was read from the store
}

// Info describes a collection as it is now.
type Info struct {
	catalog.Collection
	Count int         // features, those without geometry too
	Box   geo.Box     // contains all geometries, in degrees of seven decimals; EmptyBox when there is none
	Rev   catalog.Rev // of the last change to its content or description that the engine saw, at least the loaded one
}

// Encoding is a content encoding of a tile.
type Encoding uint8

// The encodings.
const (
	Identity Encoding = iota
	Gzip
	Zstd
	Brotli
)

// String is the name in Content-Encoding, "" for Identity.
func (e Encoding) String() string {
	return [...]string{"", "gzip", "zstd", "br"}[e&3]
}

// TileRequest asks for one tile of one or more collections, one layer each, in the order given.
type TileRequest struct {
	Collections []string
	Tile        geo.Tile // 0 ≤ Z ≤ geo.MaxTileZoom
	View        catalog.View
	All         bool   // every feature in full, also below z14
	Filter      string // CQL2 text; "" for all
	At          catalog.At
	Encoding    Encoding
}

// Tile is a rendered tile.
type Tile struct {
	Data     []byte      // in the encoding asked for; empty when there is nothing to draw. Not to be changed.
	ETag     string      // strong, quoted; a function of Data
	Rev      catalog.Rev // the tile shows this revision or a later one
	Features int         // features drawn, those merged into blocks or clusters not counted
	Dropped  int         // features that the tile stands for but does not draw one by one
	Cached   bool        // it came from the cache
	Carried  []Carried   // by layer, of those that carry any
}

// NearRequest asks for the features nearest to a position, by ground distance
// in metres to the geometry (0 inside a polygon).
type NearRequest struct {
	Collection string
	Lon, Lat   float64 // degrees
	Limit      int     // 1 to MaxLimit; 0: 100
	After      string  // Answer.Next of the page before
	Filter     string  // CQL2 text
	View       catalog.View
	At         catalog.At
}

// WithinRequest asks for the features that meet a box or a polygon, borders
// included, or are within a ground distance of a geometry; exactly one of Box,
// Polygon and Around is given.
type WithinRequest struct {
	Collection string
	Box        *geo.Box
	Polygon    *geo.Geometry // Polygon or MultiPolygon
	Around     *geo.Geometry // of any type
	Distance   float64       // metres to Around, 0 to MaxDistance
	Filter     string        // CQL2 text
	View       catalog.View
	At         catalog.At
	Limit      int    // 1 to MaxLimit; 0: 100
	After      string // Answer.Next of the page before
}

// AtRequest asks what is at a position: the polygons that contain it, borders
// included, and the lines and points within a centimetre.
type AtRequest struct {
	Lon, Lat    float64  // degrees
	Collections []string // in this order; nil: all that the view sees, by name
	View        catalog.View
	At          catalog.At
	Limit       int // 1 to MaxLimit; 0: 100
}

// MaxLimit is the most features one answer holds.
const MaxLimit = 10_000

// Answer is a page of features as GeoJSON.
type Answer struct {
	// Features is a JSON array of GeoJSON features, brackets included. Each has id,
	// key (the numeric key of tiles), geometry without Z and, in properties, the
	// non-null fields that the view sees in schema order; near and a distance add
	// distance_m, at adds collection. They are the caller's, until Release.
	Features []byte
	Count    int
	Next     string // cursor of the next page; "" when this is the last
	Rev      catalog.Rev
	Carried  []Carried // by collection, of those that it has any of

	page *answerPage // memory of Features
}

// Stats are the engine's figures for metrics.
type Stats struct {
	Rev                  catalog.Rev
	Collections          int
	Features             int
	Segments             int   // index segments over all collections
	IndexBytes           int64 // memory of the indexes
	CacheBytes           int64
	CacheTiles           int
	CacheHits, CacheMiss int64
	TilesRendered        int64
	FeaturesDropped      int64 // sum of Tile.Dropped over rendered tiles
	InFlight             int64 // renders and queries being worked on
	Subscribers          int
	Edits, Merges        int64
}
