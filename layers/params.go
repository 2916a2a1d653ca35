package layers

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"nagar/catalog"
	"nagar/geo"
)

// defaultLimit is the page size when none is asked for.
const defaultLimit = 100

// Bounds of a query's geometry: positions, and metres of ground around it, within
// which distances are right to a ten-thousandth.
const (
	maxRegion   = 100_000
	MaxDistance = 50_000
)

// limitOf checks a page size.
func limitOf(n int) (int, error) {
	switch {
	case n == 0:
		return defaultLimit, nil
	case n < 0 || n > MaxLimit:
		return 0, &catalog.Invalid{Path: "limit", Reason: fmt.Sprintf("want 1 to %d, got %d", MaxLimit, n)}
	}
	return n, nil
}

func checkPosition(lon, lat float64) error {
	if !(lon >= -180 && lon <= 180) {
		return &catalog.Invalid{Path: "lon", Reason: fmt.Sprintf("%v is not a longitude from -180 to 180", lon)}
	}
	if !(lat >= -90 && lat <= 90) {
		return &catalog.Invalid{Path: "lat", Reason: fmt.Sprintf("%v is not a latitude from -90 to 90", lat)}
	}
	return nil
}

// cursor marks: which query a cursor belongs to.
const (
	cursorWithin = 'w'
	cursorNear   = 'n'
	cursorCount  = 'c'
)

func makeCursor(mark byte, a, b uint64) string {
	var c [17]byte
	c[0] = mark
	binary.BigEndian.PutUint64(c[1:], a)
	binary.BigEndian.PutUint64(c[9:], b)
	return base64.RawURLEncoding.EncodeToString(c[:])
}

func readCursor(mark byte, s string) (a, b uint64, err error) {
	c, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(c) != 17 || c[0] != mark {
		return 0, 0, &catalog.Invalid{Path: "after", Reason: "not a cursor of this query"}
	}
	return binary.BigEndian.Uint64(c[1:]), binary.BigEndian.Uint64(c[9:]), nil
}

func checkBox(b geo.Box) error {
	bad := func(why string) error { return &catalog.Invalid{Path: "bbox", Reason: why} }
	for _, v := range [2]float64{b.W, b.E} {
		if !(v >= -180 && v <= 180) {
			return bad(fmt.Sprintf("%v is not a longitude from -180 to 180", v))
		}
	}
	for _, v := range [2]float64{b.S, b.N} {
		if !(v >= -90 && v <= 90) {
			return bad(fmt.Sprintf("%v is not a latitude from -90 to 90", v))
		}
	}
	if b.W > b.E {
		return bad(fmt.Sprintf("west %v is east of east %v; a box across the antimeridian is not taken, ask for its two halves", b.W, b.E))
	}
	if b.S > b.N {
		return bad(fmt.Sprintf("south %v is north of north %v", b.S, b.N))
	}
	return nil
}
