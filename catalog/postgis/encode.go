package postgis

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"nagar/catalog"
	"nagar/geo"
)

// The wire forms are those of PostgreSQL's binary COPY (manual, COPY, "Binary
// Format"): each value is its length as int32, −1 for null, then its bytes, big-endian.

// instant is a time in µs since 1970, or none.
type instant int64

const none instant = math.MinInt64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return none
	}
	return instant(t.UnixMicro())
}

// time is the zero time for none.
func (i instant) time() time.Time {
	if i == none {
		return time.Time{}
	}
	return time.UnixMicro(int64(i)).UTC()
}

const (
	epochMicros = 946684800 * 1e6 // 2000-01-01, PostgreSQL's day zero, in µs since 1970
	epochDays   = 10957
	// What a timestamptz and an int64 of µs since 1970 both hold.
	minInstant = instant(-210800000000 * 1e6)
	maxInstant = instant(9200000000000 * 1e6)
	minDate    = -2440000
	maxDate    = 100000000
)

func checkInstant(path string, i instant) error {
	if i != none && (i < minInstant || i > maxInstant) {
		return &catalog.Invalid{Path: path, Reason: "the store holds times from 4713 BC to 293000 AD"}
	}
	return nil
}

func appendNull(b []byte) []byte { return append(b, 0xff, 0xff, 0xff, 0xff) }

func appendInt64(b []byte, v int64) []byte {
	b = append(b, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(b, uint64(v))
}

func appendInt32(b []byte, v int32) []byte {
	b = append(b, 0, 0, 0, 4)
	return binary.BigEndian.AppendUint32(b, uint32(v))
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

func appendInstant(b []byte, i instant) []byte {
	if i == none {
		return appendNull(b)
	}
	return appendInt64(b, int64(i)-epochMicros)
}

func appendGeometry(b []byte, g *geo.Geometry) []byte {
	if g.Type == geo.None {
		return appendNull(b)
	}
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b = geo.AppendWKB(b, g, geo.EWKB)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

// appendValue appends v as the column type of a field; the value was checked
// against the field.
func appendValue(b []byte, f *catalog.Field, v catalog.Value) ([]byte, error) {
	if v.IsNull() {
		return appendNull(b), nil
	}
	switch f.Type {
	case catalog.TypeText, catalog.TypeJSON:
		return appendText(b, v.Str()), nil
	case catalog.TypeInteger:
		return appendInt64(b, v.Int()), nil
	case catalog.TypeReal:
		return appendInt64(b, int64(math.Float64bits(v.Float()))), nil
	case catalog.TypeBoolean:
		if v.Bool() {
			return append(b, 0, 0, 0, 1, 1), nil
		}
		return append(b, 0, 0, 0, 1, 0), nil
	case catalog.TypeTime:
		i := instant(v.AsTime().UnixMicro())
		return appendInstant(b, i), checkInstant("properties."+f.Name, i)
	case catalog.TypeDate:
		days := v.AsTime().Unix() / 86400
		if days < minDate || days > maxDate {
			return b, &catalog.Invalid{Path: "properties." + f.Name, Reason: "the store holds dates from 4713 BC to 275760 AD"}
		}
		return appendInt32(b, int32(days-epochDays)), nil
	}
	return b, fmt.Errorf("field %s has unknown type %q", f.Name, f.Type)
}

// rowEncoder encodes features of one table.
type rowEncoder struct {
	t    *table
	vals []catalog.Value
	set  []bool
}

// spread puts the properties in the order of the fields.
func (e *rowEncoder) spread(props catalog.Properties) {
	if len(e.vals) != len(e.t.Fields) {
		e.vals, e.set = make([]catalog.Value, len(e.t.Fields)), make([]bool, len(e.t.Fields))
	}
	clear(e.vals)
	clear(e.set)
	for i := range props {
		p := &props[i]
		k := i // most sources give the fields in their order
		if k >= len(e.t.Fields) || e.t.Fields[k].Name != p.Name {
			k = e.t.byName[p.Name]
		}
		e.vals[k], e.set[k] = p.Value, true
	}
}

// body appends the columns id, geom, the fields, valid_to and nagar_hash.
func (e *rowEncoder) body(b []byte, f *catalog.Feature) ([]byte, int64, error) {
	e.spread(f.Props)
	b = appendText(b, f.ID)
	h := newHash()
	at := len(b)
	b = appendGeometry(b, &f.Geometry)
	h.add(0, b[at:])
	for i := range e.t.Fields {
		at = len(b)
		var err error
		if b, err = appendValue(b, &e.t.Fields[i], e.vals[i]); err != nil {
			return b, 0, err
		}
		if !e.vals[i].IsNull() {
			h.add(uint64(i)+1, b[at:])
		}
	}
	b = appendInstant(b, instantOf(f.ValidTo))
	hash := h.sum()
	return appendInt64(b, hash), hash, nil
}

// given is the set of fields that the properties name, as bits of a bytea in the
// order of get_bit.
func (e *rowEncoder) given() []byte {
	bits := make([]byte, (len(e.set)+7)/8)
	for i, ok := range e.set {
		if ok {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return bits
}

// contentHash hashes geometry and properties, so that an unchanged feature is
// known without reading it back. A field that is null counts as absent: a new
// field changes no hash. Every step is a bijection of the state, so two contents
// that differ in one word never meet.
type contentHash uint64

func newHash() contentHash { return 0x9e3779b97f4a7c15 }

func (h *contentHash) add(field uint64, b []byte) {
	x := uint64(*h) ^ field
	for len(b) >= 8 {
		x = mix(x ^ binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	var last [8]byte
	copy(last[:], b)
	x = mix(x ^ binary.LittleEndian.Uint64(last[:]))
	*h = contentHash(mix(x + field))
}

func (h *contentHash) sum() int64 { return int64(mix(uint64(*h))) }

// mix is the finaliser of splitmix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
