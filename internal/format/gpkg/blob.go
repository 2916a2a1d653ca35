package gpkg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"nagar/geo"
)

var errShort = errors.New("the geometry breaks off")

// decodeGeoPackage reads a GeoPackage geometry blob (clause 2.1.3): "GP", version,
// flags, SRS, an envelope of a size that the flags tell, then ISO WKB.
func decodeGeoPackage(b []byte) (geo.Geometry, error) {
	if len(b) < 8 || b[0] != 'G' || b[1] != 'P' {
		return geo.Geometry{}, errors.New("not a GeoPackage geometry")
	}
	if b[3]&0x20 != 0 {
		return geo.Geometry{}, errors.New("an extended GeoPackage geometry, which only its own program can read")
	}
	sizes := [8]int{0, 32, 48, 48, 64, -1, -1, -1}
	n := sizes[b[3]>>1&7]
	switch {
	case n < 0:
		return geo.Geometry{}, errors.New("not a GeoPackage geometry: unknown envelope")
	case len(b) < 8+n:
		return geo.Geometry{}, errShort
	}
	return geo.DecodeWKB(b[8+n:])
}

// spatiaLite reads SpatiaLite's geometry blob (BLOB-Geometry in its manual): 0x00,
// byte order, SRID, a box, 0x7c, then an entity as in WKB, whose members begin with
// 0x69 instead of a byte order, and 0xfe at the end.
type spatiaLite struct {
	b     []byte
	i     int
	order binary.ByteOrder
}

func decodeSpatiaLite(b []byte) (geo.Geometry, error) {
	if len(b) < 44 || b[0] != 0 || b[1] > 1 || b[38] != 0x7c || b[len(b)-1] != 0xfe {
		return geo.Geometry{}, errors.New("not a SpatiaLite geometry")
	}
	d := &spatiaLite{b: b[:len(b)-1], i: 39, order: binary.BigEndian}
	if b[1] == 1 {
		d.order = binary.LittleEndian
	}
	var g geo.Geometry
	if err := d.entity(&g, geo.None, 0); err != nil {
		return geo.Geometry{}, err
	}
	if d.i != len(d.b) {
		return geo.Geometry{}, errors.New("bytes left over behind a SpatiaLite geometry")
	}
	return g, nil
}

func (d *spatiaLite) uint32() (uint32, error) {
	if len(d.b)-d.i < 4 {
		return 0, errShort
	}
	v := d.order.Uint32(d.b[d.i:])
	d.i += 4
	return v, nil
}

// head reads the class of an entity; skip counts ordinates that are not kept (M).
func (d *spatiaLite) head() (t geo.Type, hasZ bool, skip int, err error) {
	n, err := d.uint32()
	if err != nil {
		return 0, false, 0, err
	}
	if n >= 1_000_000 {
		return 0, false, 0, errors.New("a compressed SpatiaLite geometry; uncompress it with UncompressGeometry()")
	}
	hasZ = n/1000 == 1 || n/1000 == 3
	if n/1000 >= 2 {
		skip = 1
	}
	if t = geo.Type(n % 1000); n/1000 > 3 || t < geo.Point || t > geo.GeometryCollection {
		return 0, false, 0, fmt.Errorf("a SpatiaLite geometry of class %d", n)
	}
	return t, hasZ, skip, nil
}

func (d *spatiaLite) positions(g *geo.Geometry, n uint32, skip int) error {
	s := g.Stride()
	if uint64(n)*uint64(s+skip)*8 > uint64(len(d.b)-d.i) {
		return errShort
	}
	for range n {
		for range s {
			g.Coords = append(g.Coords, math.Float64frombits(d.order.Uint64(d.b[d.i:])))
			d.i += 8
		}
		d.i += 8 * skip
	}
	return nil
}

func (d *spatiaLite) lines(g *geo.Geometry, n uint32, skip int) error {
	for range n {
		m, err := d.uint32()
		if err != nil {
			return err
		}
		if err := d.positions(g, m, skip); err != nil {
			return err
		}
		g.Ends = append(g.Ends, int32(g.NumPositions()))
	}
	return nil
}

// entity reads one entity into g; parent is the multi type it is a member of.
func (d *spatiaLite) entity(g *geo.Geometry, parent geo.Type, depth int) error {
	if depth > 32 {
		return errors.New("a SpatiaLite geometry nested over 32 deep")
	}
	t, hasZ, skip, err := d.head()
	if err != nil {
		return err
	}
	if parent == geo.None {
		g.Type, g.HasZ = t, hasZ
	} else if t != parent-3 || hasZ != g.HasZ {
		return fmt.Errorf("a %s inside a %s", t, parent)
	}
	if t == geo.Point {
		return d.positions(g, 1, skip)
	}
	n := uint32(1)
	if t != geo.LineString {
		if n, err = d.uint32(); err != nil {
			return err
		}
	}
	switch t {
	case geo.LineString:
		return d.lines(g, 1, skip)
	case geo.Polygon:
		if err := d.lines(g, n, skip); err != nil {
			return err
		}
		if parent == geo.MultiPolygon {
			g.Polys = append(g.Polys, int32(len(g.Ends)))
		}
		return nil
	}
	for range n {
		if d.i >= len(d.b) || d.b[d.i] != 0x69 {
			return errShort
		}
		d.i++
		if t != geo.GeometryCollection {
			if err := d.entity(g, t, depth+1); err != nil {
				return err
			}
			continue
		}
		var m geo.Geometry
		if err := d.entity(&m, geo.None, depth+1); err != nil {
			return err
		}
		g.Geoms = append(g.Geoms, m)
	}
	return nil
}
