// Package geojson turns the bytes of one GeoJSON object (RFC 7946) into a
// geometry and raw properties, and a geometry into bytes. It holds no files:
// splitting a stream into objects is the reader's work.
//
// Guarantees. Input is checked as JSON (RFC 8259, UTF-8 included) to its last
// byte. Depth is bounded, and no input makes the decoder allocate more than a
// small multiple of its own length. Coordinates are finite numbers, or the
// object is refused with the place. Z is kept; ordinates beyond the third are
// dropped and counted (section 3.1.1). Decoded names, ids and property values
// share the memory of the input; geometries do not.
//
// Tolerated, since it does no harm: members in any order, a missing geometry,
// properties or id, empty coordinates, unclosed or clockwise rings (see
// geo.Clean), foreign members, and the crs member of the 2008 edition, which is
// reported and not applied.
package geojson

import (
	"fmt"
	"strings"
)

// Error says what is wrong with a GeoJSON object and where.
type Error struct {
	Offset int    // byte in the input
	Path   string // such as geometry.coordinates[0][3]; "" for the object itself
	Reason string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
	}
	return fmt.Sprintf("%s: %s at byte %d", e.Path, e.Reason, e.Offset)
}

// in puts the error under the member or index that leads to it.
func (e *Error) in(place string) *Error {
	if e.Path != "" && !strings.HasPrefix(e.Path, "[") {
		place += "."
	}
	e.Path = place + e.Path
	return e
}
