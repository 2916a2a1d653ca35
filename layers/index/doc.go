// Package index keeps one collection in memory, ready to be drawn and searched:
// flat mercator coordinates, a packed R-tree, columns of attributes.
//
// A Segment is an immutable set of features, in Hilbert order of their box
// centres, features without geometry last. A Snapshot is an immutable stack of
// Segments in which a feature of an upper one hides that of the same id below (a
// bit per hidden feature). An edit makes a small Segment and a new Snapshot that
// shares all else; segments of like size are merged, so that there are never
// many. Readers hold a Snapshot and need no lock.
//
// Order. Searches yield features in canonical order: Hilbert value of the centre
// of the box, then key. It depends on the content alone, not on how the
// segments came to be.
//
// Coordinates are geo's mercator grid. Rings are open; outer rings run so that
// geo.RingArea2 is positive (as MVT wants), holes the other way round.
package index
