package postgis

import (
	"encoding/binary"
	"fmt"
	"math"

	"nagar/catalog"
	"nagar/geo"
)

// binaryInt reads an int2, int4 or int8 in binary form; null is 0.
func binaryInt(b []byte) int64 {
	switch len(b) {
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 8:
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func binaryInstant(b []byte) instant {
	if b == nil {
		return none
	}
	v := binaryInt(b)
	if v == math.MaxInt64 || v == math.MinInt64 { // infinity, written from outside: no bound
		return none
	}
	return instant(v + epochMicros)
}

// binaryValue reads a value of a field's column in binary form.
func binaryValue(t catalog.FieldType, b []byte) (catalog.Value, error) {
	if b == nil {
		return catalog.Null, nil
	}
	size := 8
	switch t {
	case catalog.TypeText:
		return catalog.Text(string(b)), nil
	case catalog.TypeJSON:
		return catalog.JSON(string(b)), nil
	case catalog.TypeBoolean:
		size = 1
	case catalog.TypeDate:
		size = 4
	}
	if len(b) != size {
		return catalog.Null, fmt.Errorf("a %s of %d bytes", t, len(b))
	}
	switch t {
	case catalog.TypeInteger:
		return catalog.Integer(binaryInt(b)), nil
	case catalog.TypeReal:
		return catalog.Real(math.Float64frombits(binary.BigEndian.Uint64(b))), nil
	case catalog.TypeBoolean:
		return catalog.Boolean(b[0] != 0), nil
	case catalog.TypeTime:
		return catalog.Time(binaryInstant(b).time()), nil
	case catalog.TypeDate:
		return catalog.Date(instant((binaryInt(b) + epochDays) * 86400 * 1e6).time()), nil
	}
	return catalog.Null, fmt.Errorf("field type %q", t)
}

// featureColumns is how many columns decodeFeature reads besides the fields.
const featureColumns = 5

// selectList is what decodeFeature reads, of a row named alias whose revision is rev.
func (t *table) selectList(alias, rev string) string {
	return alias + `.id, ` + rev + `, ` + alias + `.valid_from, ` + alias + `.valid_to, ` + alias + `.geom` + t.list(alias+".")
}

// decodeFeature reads the columns of selectList into f; nothing of f shares memory with vals.
func (t *table) decodeFeature(vals [][]byte, f *catalog.Feature) error {
	if len(vals) != featureColumns+len(t.Fields) {
		return fmt.Errorf("%s: a row of %d columns for %d fields", t.Name, len(vals), len(t.Fields))
	}
	f.ID = string(vals[0])
	f.Rev = catalog.Rev(binaryInt(vals[1]))
	f.ValidFrom, f.ValidTo = binaryInstant(vals[2]).time(), binaryInstant(vals[3]).time()
	f.Geometry, f.Props = geo.Geometry{}, nil
	if vals[4] != nil {
		g, err := geo.DecodeWKB(vals[4])
		if err != nil {
			return fmt.Errorf("%s/%s: %w", t.Name, f.ID, err)
		}
		f.Geometry = g
	}
	n := 0
	for _, v := range vals[featureColumns:] {
		if v != nil {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	f.Props = make(catalog.Properties, 0, n)
	for i, b := range vals[featureColumns:] {
		if b == nil {
			continue
		}
		v, err := binaryValue(t.Fields[i].Type, b)
		if err != nil {
			return fmt.Errorf("%s/%s: %s: %w", t.Name, f.ID, t.Fields[i].Name, err)
		}
		f.Props = append(f.Props, catalog.Property{Name: t.Fields[i].Name, Value: v})
	}
	return nil
}
