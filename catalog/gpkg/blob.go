package gpkg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"nagar/geo"
)

// The GeoPackage geometry blob (OGC 12-128r19, clause 2.1.3): "GP", a version
// byte, a byte of flags, the SRS id, an optional envelope, then ISO WKB.
const (
	flagLittle   = 0x01
	flagEnvelope = 0x0e // three bits: 0 none, 1 XY, 2 XYZ, 3 XYM, 4 XYZM
	flagEmpty    = 0x10
	flagExtended = 0x20

	srsWGS84     = 4326
	srsUndefined = 0 // "undefined geographic": outside tools write it when they were told no SRS

	headerLen = 8
)

var envelopeLen = [8]int{0, 32, 48, 48, 64, -1, -1, -1}

// errBlob is wrapped by every error of decodeBlob.
var errBlob = errors.New("invalid GeoPackage geometry")

// appendBlob appends g as a GeoPackage blob in EPSG:4326, with an XY envelope for
// everything but points (whose position is their envelope, and which GDAL writes
// the same way). A geometry of type None appends nothing.
func appendBlob(b []byte, g *geo.Geometry, box geo.Box) []byte {
	if g.Type == geo.None {
		return b
	}
	flags := byte(flagLittle)
	envelope := false
	switch {
	case box.IsEmpty():
		flags |= flagEmpty
	case g.Type != geo.Point:
		flags |= 1 << 1
		envelope = true
	}
	b = append(b, 'G', 'P', 0, flags)
	b = binary.LittleEndian.AppendUint32(b, srsWGS84)
	if envelope {
		for _, v := range [4]float64{box.W, box.E, box.S, box.N} {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	return geo.AppendWKB(b, g, geo.ISO)
}

// blobHeader is what stands before the WKB of a GeoPackage blob.
type blobHeader struct {
	srs         int32
	empty       bool
	hasEnvelope bool
	envelope    geo.Box // as stated by whoever wrote it; may be wrong
	wkb         []byte  // the rest of the blob, sharing its memory
}

// decodeHeader reads the header of a GeoPackage blob in either byte order, with
// any kind of envelope.
func decodeHeader(b []byte) (blobHeader, error) {
	var h blobHeader
	if len(b) < headerLen || b[0] != 'G' || b[1] != 'P' {
		return h, fmt.Errorf("%w: it does not begin with GP", errBlob)
	}
	if b[2] != 0 {
		return h, fmt.Errorf("%w: version %d", errBlob, b[2])
	}
	flags := b[3]
	if flags&flagExtended != 0 {
		return h, fmt.Errorf("%w: extended geometry types are not read", errBlob)
	}
	var order binary.ByteOrder = binary.BigEndian
	if flags&flagLittle != 0 {
		order = binary.LittleEndian
	}
	h.srs = int32(order.Uint32(b[4:]))
	h.empty = flags&flagEmpty != 0
	n := envelopeLen[flags&flagEnvelope>>1]
	if n < 0 {
		return h, fmt.Errorf("%w: envelope kind %d", errBlob, flags&flagEnvelope>>1)
	}
	if len(b) < headerLen+n {
		return h, fmt.Errorf("%w: it breaks off in the envelope", errBlob)
	}
	if n > 0 {
		f := func(i int) float64 { return math.Float64frombits(order.Uint64(b[headerLen+8*i:])) }
		h.hasEnvelope = true
		h.envelope = geo.Box{W: f(0), E: f(1), S: f(2), N: f(3)}
	}
	h.wkb = b[headerLen+n:]
	return h, nil
}

// decodeBlob reads a GeoPackage blob whose coordinates are EPSG:4326. An empty
// blob is no geometry.
func decodeBlob(b []byte) (geo.Geometry, error) {
	if len(b) == 0 {
		return geo.Geometry{}, nil
	}
	h, err := decodeHeader(b)
	if err != nil {
		return geo.Geometry{}, err
	}
	if h.srs != srsWGS84 && h.srs != srsUndefined {
		return geo.Geometry{}, fmt.Errorf("%w: its SRS is %d, not 4326", errBlob, h.srs)
	}
	g, err := geo.DecodeWKB(h.wkb)
	if err != nil {
		return geo.Geometry{}, fmt.Errorf("%w: %w", errBlob, err)
	}
	return g, nil
}

// blobBox is the bounding box of a blob that this store wrote or has checked,
// without decoding more than needed: the envelope, or a point's position.
func blobBox(b []byte) (geo.Box, error) {
	if len(b) == 0 {
		return geo.EmptyBox(), nil
	}
	h, err := decodeHeader(b)
	if err != nil {
		return geo.EmptyBox(), err
	}
	if h.hasEnvelope && !h.empty {
		return h.envelope, nil
	}
	if w := h.wkb; len(w) >= 21 && w[0] == 1 && (w[1] == 1 && w[2] == 0 || w[1] == 0xe9 && w[2] == 3) && w[3] == 0 && w[4] == 0 {
		x, y := math.Float64frombits(binary.LittleEndian.Uint64(w[5:])), math.Float64frombits(binary.LittleEndian.Uint64(w[13:]))
		if math.IsNaN(x) && math.IsNaN(y) {
			return geo.EmptyBox(), nil
		}
		return geo.Box{W: x, E: x, S: y, N: y}, nil
	}
	g, err := geo.DecodeWKB(h.wkb)
	if err != nil {
		return geo.EmptyBox(), fmt.Errorf("%w: %w", errBlob, err)
	}
	return g.Box(), nil
}
