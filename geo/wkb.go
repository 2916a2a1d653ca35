package geo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// WKBFlavour is how well-known binary says that a geometry has Z and an SRID.
type WKBFlavour uint8

// The two flavours. ISO (ISO 13249-3, OGC 06-103r4 section 8) adds 1000 to the
// type for Z; EWKB (PostGIS) sets bit 31 for Z and bit 29 for an SRID, here
// always 4326.
const (
	ISO WKBFlavour = iota
	EWKB
)

const (
	ewkbZ    = 0x80000000
	ewkbM    = 0x40000000
	ewkbSRID = 0x20000000
)

// maxWKBDepth bounds the nesting of geometry collections.
const maxWKBDepth = 32

// ErrWKB is wrapped by every error of DecodeWKB.
var ErrWKB = errors.New("invalid WKB")

// AppendWKB appends g as little-endian WKB. An empty point is written with NaN
// coordinates, as GeoPackage and PostGIS do. A geometry of type None appends nothing.
func AppendWKB(b []byte, g *Geometry, f WKBFlavour) []byte {
	return appendWKB(b, g, f, true)
}

func appendWKB(b []byte, g *Geometry, f WKBFlavour, top bool) []byte {
	if g.Type == None {
		return b
	}
	head := func(t Type, srid bool) {
		b = append(b, 1)
		n := uint32(t)
		switch {
		case f == ISO && g.HasZ:
			n += 1000
		case f == EWKB && g.HasZ:
			n |= ewkbZ
		}
		if f == EWKB && srid {
			n |= ewkbSRID
		}
		b = binary.LittleEndian.AppendUint32(b, n)
		if f == EWKB && srid {
			b = binary.LittleEndian.AppendUint32(b, 4326)
		}
	}
	s := g.Stride()
	count := func(n int) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }
	floats := func(c []float64) {
		for _, v := range c {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	line := func(i int) {
		l := g.Line(i)
		count(len(l) / s)
		floats(l)
	}
	head(g.Type, top)
	switch g.Type {
	case Point:
		if len(g.Coords) == 0 {
			for range s {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(math.NaN()))
			}
		}
		floats(g.Coords)
	case LineString:
		if len(g.Ends) == 0 {
			count(0)
			break
		}
		line(0)
	case Polygon:
		count(len(g.Ends))
		for i := range g.Ends {
			line(i)
		}
	case MultiPoint:
		count(g.NumPositions())
		for i := 0; i < len(g.Coords); i += s {
			head(Point, false)
			floats(g.Coords[i : i+s])
		}
	case MultiLineString:
		count(len(g.Ends))
		for i := range g.Ends {
			head(LineString, false)
			line(i)
		}
	case MultiPolygon:
		count(len(g.Polys))
		for p := range g.Polys {
			from, to := g.PolygonRings(p)
			head(Polygon, false)
			count(to - from)
			for i := from; i < to; i++ {
				line(i)
			}
		}
	case GeometryCollection:
		count(len(g.Geoms))
		for i := range g.Geoms {
			b = appendWKB(b, &g.Geoms[i], f, false)
		}
	}
	return b
}

// DecodeWKB reads one WKB geometry, either byte order, ISO or EWKB; an M
// ordinate is dropped, an SRID is skipped. No input makes it allocate much more
// than the input's own length.
func DecodeWKB(b []byte) (Geometry, error) {
	d := wkbDecoder{b: b}
	var g Geometry
	if err := d.geometry(&g, None, 0); err != nil {
		return Geometry{}, fmt.Errorf("%w at byte %d: %w", ErrWKB, d.pos, err)
	}
	if d.pos != len(b) {
		return Geometry{}, fmt.Errorf("%w at byte %d: %d bytes left over", ErrWKB, d.pos, len(b)-d.pos)
	}
	return g, nil
}

type wkbDecoder struct {
	b     []byte
	pos   int
	order binary.ByteOrder
}

var errWKBShort = errors.New("breaks off")

func (d *wkbDecoder) uint32() (uint32, error) {
	if len(d.b)-d.pos < 4 {
		return 0, errWKBShort
	}
	v := d.order.Uint32(d.b[d.pos:])
	d.pos += 4
	return v, nil
}

// head reads byte order, type and SRID; skip is the number of ordinates beyond
// those kept (1 when M is present).
func (d *wkbDecoder) head() (t Type, hasZ bool, skip int, err error) {
	if d.pos >= len(d.b) {
		return 0, false, 0, errWKBShort
	}
	switch d.b[d.pos] {
	case 0:
		d.order = binary.BigEndian
	case 1:
		d.order = binary.LittleEndian
	default:
		return 0, false, 0, fmt.Errorf("byte order %d", d.b[d.pos])
	}
	d.pos++
	n, err := d.uint32()
	if err != nil {
		return 0, false, 0, err
	}
	hasZ, hasM := n&ewkbZ != 0, n&ewkbM != 0
	srid := n&ewkbSRID != 0
	n &^= ewkbZ | ewkbM | ewkbSRID
	switch n / 1000 {
	case 0:
	case 1:
		hasZ = true
	case 2:
		hasM = true
	case 3:
		hasZ, hasM = true, true
	default:
		return 0, false, 0, fmt.Errorf("geometry type %d", n)
	}
	if n %= 1000; n < uint32(Point) || n > uint32(GeometryCollection) {
		return 0, false, 0, fmt.Errorf("geometry type %d", n)
	}
	if srid {
		if _, err := d.uint32(); err != nil {
			return 0, false, 0, err
		}
	}
	if hasM {
		skip = 1
	}
	return Type(n), hasZ, skip, nil
}

// positions appends n positions to g.
func (d *wkbDecoder) positions(g *Geometry, n, skip int) error {
	s := g.Stride()
	if size := (s + skip) * 8; n > (len(d.b)-d.pos)/size {
		return errWKBShort
	}
	g.Coords = slices.Grow(g.Coords, n*s)
	for range n {
		for range s {
			g.Coords = append(g.Coords, math.Float64frombits(d.order.Uint64(d.b[d.pos:])))
			d.pos += 8
		}
		d.pos += skip * 8
	}
	return nil
}

func (d *wkbDecoder) line(g *Geometry, skip int) error {
	n, err := d.uint32()
	if err != nil {
		return err
	}
	if err := d.positions(g, int(n), skip); err != nil {
		return err
	}
	g.Ends = append(g.Ends, int32(g.NumPositions()))
	return nil
}

func (d *wkbDecoder) rings(g *Geometry, skip int) error {
	n, err := d.uint32()
	if err != nil {
		return err
	}
	if int(n) > (len(d.b)-d.pos)/4 {
		return errWKBShort
	}
	for range n {
		if err := d.line(g, skip); err != nil {
			return err
		}
	}
	return nil
}

// geometry reads one geometry into g; parent says of which multi type it is a
// member (None at the top and in collections).
func (d *wkbDecoder) geometry(g *Geometry, parent Type, depth int) error {
	t, hasZ, skip, err := d.head()
	if err != nil {
		return err
	}
	if parent != None {
		if want := parent - 3; t != want {
			return fmt.Errorf("%s inside %s", t, parent)
		}
		if hasZ != g.HasZ {
			return fmt.Errorf("%s with and without Z", parent)
		}
	} else {
		g.Type, g.HasZ = t, hasZ
	}
	switch t {
	case Point:
		if err := d.positions(g, 1, skip); err != nil {
			return err
		}
		s := g.Stride()
		if p := g.Coords[len(g.Coords)-s:]; math.IsNaN(p[0]) && math.IsNaN(p[1]) {
			g.Coords = g.Coords[:len(g.Coords)-s] // an empty point
		}
	case LineString:
		if err := d.line(g, skip); err != nil {
			return err
		}
	case Polygon:
		if err := d.rings(g, skip); err != nil {
			return err
		}
		if parent == MultiPolygon {
			g.Polys = append(g.Polys, int32(len(g.Ends)))
		}
	default:
		return d.members(g, t, depth)
	}
	return nil
}

func (d *wkbDecoder) members(g *Geometry, t Type, depth int) error {
	n, err := d.uint32()
	if err != nil {
		return err
	}
	if int(n) > (len(d.b)-d.pos)/9 { // the least a member takes
		return errWKBShort
	}
	if depth >= maxWKBDepth {
		return fmt.Errorf("collections nested over %d deep", maxWKBDepth)
	}
	for range n {
		if t != GeometryCollection {
			if err := d.geometry(g, t, depth+1); err != nil {
				return err
			}
			continue
		}
		var m Geometry
		if err := d.geometry(&m, None, depth+1); err != nil {
			return err
		}
		g.Geoms = append(g.Geoms, m)
	}
	return nil
}
