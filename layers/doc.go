// Package layers answers what is drawn and asked: it follows a store, keeps every
// collection in memory as immutable snapshots, and renders vector tiles and
// spatial queries from them.
//
// Guarantees. A revision becomes visible as a whole. Once Rev reports a revision,
// no answer is older than it, cached or not, and the Dirty notices of a revision
// are sent after that. The same request on the same content gives the same bytes,
// whatever the order of loading. All methods are safe for concurrent use; readers
// take no lock that a writer holds for longer than a pointer swap.
//
// Precision. Coordinates are kept on the grid of geo.Merc (9.3 mm at the equator,
// less elsewhere). Coordinates that were given with seven decimals come back
// exactly, others within a centimetre on each axis. Answers carry no Z. Edges are
// straight in mercator. Latitudes beyond ±85.051129° are moved onto that limit.
package layers
