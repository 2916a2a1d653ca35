package gpkg

import (
	"encoding/binary"

	"nagar/geo"

	"zombiezen.com/go/sqlite"
)

// registerFunctions gives a connection the SQL functions that GeoPackage's R-tree
// triggers (clause 3.1.3, rtree index extension, all versions of them) and its
// geometry-type triggers call. SQLite lacks them, and a write to a table whose
// triggers call a missing function fails.
func registerFunctions(c *sqlite.Conn) error {
	bound := func(pick func(geo.Box) float64) func(sqlite.Context, []sqlite.Value) (sqlite.Value, error) {
		return func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			box, ok := argBox(args[0])
			if !ok || box.IsEmpty() {
				return sqlite.Value{}, nil
			}
			return sqlite.FloatValue(pick(box)), nil
		}
	}
	functions := map[string]func(sqlite.Context, []sqlite.Value) (sqlite.Value, error){
		"ST_MinX": bound(func(b geo.Box) float64 { return b.W }),
		"ST_MaxX": bound(func(b geo.Box) float64 { return b.E }),
		"ST_MinY": bound(func(b geo.Box) float64 { return b.S }),
		"ST_MaxY": bound(func(b geo.Box) float64 { return b.N }),
		"ST_IsEmpty": func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			box, ok := argBox(args[0])
			if !ok {
				return sqlite.Value{}, nil
			}
			if box.IsEmpty() {
				return sqlite.IntegerValue(1), nil
			}
			return sqlite.IntegerValue(0), nil
		},
		"ST_SRID": func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			h, err := decodeHeader(args[0].Blob())
			if err != nil {
				return sqlite.Value{}, nil
			}
			return sqlite.IntegerValue(int64(h.srs)), nil
		},
		"ST_GeometryType": func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			if name := wkbTypeName(args[0].Blob()); name != "" {
				return sqlite.TextValue(name), nil
			}
			return sqlite.Value{}, nil
		},
	}
	for name, f := range functions {
		if err := c.CreateFunction(name, &sqlite.FunctionImpl{NArgs: 1, Scalar: f, Deterministic: true, AllowIndirect: true}); err != nil {
			return err
		}
	}
	return c.CreateFunction("GPKG_IsAssignable", &sqlite.FunctionImpl{NArgs: 2, Deterministic: true, AllowIndirect: true,
		Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			if assignable(args[0].Text(), args[1].Text()) {
				return sqlite.IntegerValue(1), nil
			}
			return sqlite.IntegerValue(0), nil
		}})
}

// argBox is the box of a blob argument; an R-tree trigger may be handed anything,
// and must not fail, or the outside program's write would.
func argBox(v sqlite.Value) (geo.Box, bool) {
	if v.Type() != sqlite.TypeBlob {
		return geo.Box{}, false
	}
	box, err := blobBox(v.Blob())
	return box, err == nil
}

func wkbTypeName(blob []byte) string {
	h, err := decodeHeader(blob)
	if err != nil || len(h.wkb) < 5 {
		return ""
	}
	n := binary.BigEndian.Uint32(h.wkb[1:])
	if h.wkb[0] == 1 {
		n = binary.LittleEndian.Uint32(h.wkb[1:])
	}
	if n %= 1000; n < 1 || n > 7 {
		return ""
	}
	return gpkgTypeNames[n]
}

var gpkgTypeNames = [...]string{"GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"}

// assignable reports whether a geometry of type got may stand in a column of type want
// (annex G of the standard).
func assignable(want, got string) bool {
	switch want {
	case got, "GEOMETRY":
		return true
	case "GEOMETRYCOLLECTION":
		return got == "MULTIPOINT" || got == "MULTILINESTRING" || got == "MULTIPOLYGON"
	case "CURVE":
		return got == "LINESTRING"
	case "SURFACE":
		return got == "POLYGON"
	case "MULTICURVE":
		return got == "MULTILINESTRING"
	case "MULTISURFACE":
		return got == "MULTIPOLYGON"
	}
	return false
}
