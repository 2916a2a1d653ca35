package mvt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// ErrInvalid is wrapped by every error of Decode and of a feature's geometry.
var ErrInvalid = errors.New("invalid vector tile")

// Tile is a decoded tile.
type Tile struct{ Layers []Layer }

// Layer is a decoded layer. Strings are copies; the rest is its own.
type Layer struct {
	Name            string
	Version, Extent uint32
	Keys            []string
	Values          []Value
	Features        []Feature
}

// Feature is a decoded feature; Tags are pairs of indices into Keys and Values. One
// without a type is Unknown.
type Feature struct {
	ID       uint64
	HasID    bool
	Type     GeomType
	Tags     []uint32
	Geometry []uint32 // commands and parameters, section 4.3
}

// Kind is which member of a Value is set.
type Kind uint8

// The kinds of values.
const (
	KindNone Kind = iota
	KindText
	KindFloat
	KindDouble
	KindInt
	KindUint
	KindSint
	KindBool
)

// Value is a decoded attribute value.
type Value struct {
	Kind Kind
	Text string
	Num  float64 // float and double values
	Int  int64   // int, sint and bool values
	Uint uint64  // uint values
}

// Any returns the value as string, float64, int64, uint64, bool or nil.
func (v Value) Any() any {
	switch v.Kind {
	case KindText:
		return v.Text
	case KindFloat, KindDouble:
		return v.Num
	case KindInt, KindSint:
		return v.Int
	case KindUint:
		return v.Uint
	case KindBool:
		return v.Int != 0
	}
	return nil
}

// Layer returns the layer of that name, or nil.
func (t *Tile) Layer(name string) *Layer {
	for i := range t.Layers {
		if t.Layers[i].Name == name {
			return &t.Layers[i]
		}
	}
	return nil
}

// Decode reads a tile (not compressed), versions 1 and 2, and checks what the
// specification demands of its form: names, versions, types, tag pairs within the
// dictionaries. Geometry commands are checked when Feature.Lines reads them.
// Unknown fields are skipped. It keeps nothing of b, and allocates no more than a
// small multiple of its length.
func Decode(b []byte) (*Tile, error) {
	t := &Tile{}
	names := map[string]bool{}
	err := fields(b, func(f field) error {
		if f.num != 3 {
			return nil
		}
		if f.wire != 2 {
			return errWire
		}
		l, err := decodeLayer(f.bytes)
		if err != nil {
			return fmt.Errorf("layer %d: %w", len(t.Layers), err)
		}
		if names[l.Name] && l.Version >= 2 {
			return fmt.Errorf("two layers named %q", l.Name)
		}
		names[l.Name] = true
		t.Layers = append(t.Layers, l)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return t, nil
}

type field struct {
	num   int
	wire  int
	value uint64 // wire types 0, 1, 5
	bytes []byte // wire type 2
}

var (
	errWire  = errors.New("field of the wrong wire type")
	errShort = errors.New("breaks off")
)

// fields calls fn for each protobuf field.
func fields(b []byte, fn func(field) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return errShort
		}
		b = b[n:]
		f := field{num: int(tag >> 3), wire: int(tag & 7)}
		switch f.wire {
		case 0:
			if f.value, n = binary.Uvarint(b); n <= 0 {
				return errShort
			}
		case 1:
			if n = 8; len(b) < n {
				return errShort
			}
			f.value = binary.LittleEndian.Uint64(b)
		case 2:
			l, k := binary.Uvarint(b)
			if k <= 0 || l > uint64(len(b)-k) {
				return errShort
			}
			f.bytes, n = b[k:k+int(l)], k+int(l)
		case 5:
			if n = 4; len(b) < n {
				return errShort
			}
			f.value = uint64(binary.LittleEndian.Uint32(b))
		default:
			return fmt.Errorf("wire type %d", f.wire)
		}
		b = b[n:]
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

func decodeLayer(b []byte) (Layer, error) {
	l := Layer{Extent: 4096} // proto2 has a default for the extent; a version is required
	named := false
	var raw [][]byte
	err := fields(b, func(f field) error {
		want := map[int]int{1: 2, 2: 2, 3: 2, 4: 2, 5: 0, 15: 0}
		if w, known := want[f.num]; known && w != f.wire {
			return fmt.Errorf("field %d: %w", f.num, errWire)
		}
		switch f.num {
		case 1:
			l.Name, named = string(f.bytes), true
		case 2:
			raw = append(raw, f.bytes)
		case 3:
			if !utf8.Valid(f.bytes) {
				return errors.New("a key is not UTF-8")
			}
			l.Keys = append(l.Keys, string(f.bytes))
		case 4:
			v, err := decodeValue(f.bytes)
			if err != nil {
				return fmt.Errorf("value %d: %w", len(l.Values), err)
			}
			l.Values = append(l.Values, v)
		case 5:
			l.Extent = uint32(f.value)
		case 15:
			l.Version = uint32(f.value)
		}
		return nil
	})
	switch {
	case err != nil:
		return l, err
	case !named || l.Name == "":
		return l, errors.New("no name")
	case l.Version != 1 && l.Version != 2:
		return l, fmt.Errorf("version %d", l.Version)
	case l.Extent == 0:
		return l, errors.New("extent 0")
	}
	for i, r := range raw {
		f, err := decodeFeature(r)
		if err == nil {
			err = l.checkTags(&f)
		}
		if err != nil {
			return l, fmt.Errorf("feature %d: %w", i, err)
		}
		l.Features = append(l.Features, f)
	}
	return l, nil
}

func (l *Layer) checkTags(f *Feature) error {
	if len(f.Tags)%2 != 0 {
		return errors.New("odd number of tags")
	}
	for i := 0; i < len(f.Tags); i += 2 {
		if int(f.Tags[i]) >= len(l.Keys) || int(f.Tags[i+1]) >= len(l.Values) {
			return fmt.Errorf("tag %d is beyond the dictionary", i)
		}
	}
	return nil
}

func decodeValue(b []byte) (Value, error) {
	var v Value
	err := fields(b, func(f field) error {
		want := map[int]int{1: 2, 2: 5, 3: 1, 4: 0, 5: 0, 6: 0, 7: 0}
		w, known := want[f.num]
		if known && w != f.wire {
			return fmt.Errorf("field %d: %w", f.num, errWire)
		}
		switch f.num {
		case 1:
			if !utf8.Valid(f.bytes) {
				return errors.New("text is not UTF-8")
			}
			v = Value{Kind: KindText, Text: string(f.bytes)}
		case 2:
			v = Value{Kind: KindFloat, Num: float64(math.Float32frombits(uint32(f.value)))}
		case 3:
			v = Value{Kind: KindDouble, Num: math.Float64frombits(f.value)}
		case 4:
			v = Value{Kind: KindInt, Int: int64(f.value)}
		case 5:
			v = Value{Kind: KindUint, Uint: f.value}
		case 6:
			v = Value{Kind: KindSint, Int: int64(f.value>>1) ^ -int64(f.value&1)}
		case 7:
			v = Value{Kind: KindBool, Int: int64(f.value & 1)}
		}
		return nil
	})
	if err == nil && v.Kind == KindNone {
		err = errors.New("no value of a known type")
	}
	return v, err
}

func decodeFeature(b []byte) (Feature, error) {
	var f Feature
	shaped := false
	err := fields(b, func(d field) error {
		want := map[int]int{1: 0, 2: 2, 3: 0, 4: 2}
		if w, known := want[d.num]; known && w != d.wire {
			return fmt.Errorf("field %d: %w", d.num, errWire)
		}
		var err error
		switch d.num {
		case 1:
			f.ID, f.HasID = d.value, true
		case 2:
			f.Tags, err = packed(f.Tags, d.bytes)
		case 3:
			if d.value > uint64(Polygon) {
				return fmt.Errorf("geometry type %d", d.value)
			}
			f.Type = GeomType(d.value)
		case 4:
			shaped = true
			f.Geometry, err = packed(f.Geometry, d.bytes)
		}
		return err
	})
	switch {
	case err != nil:
		return f, err
	case !shaped:
		return f, errors.New("no geometry")
	}
	return f, nil
}

func packed(dst []uint32, b []byte) ([]uint32, error) {
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > math.MaxUint32 {
			return nil, errShort
		}
		dst, b = append(dst, uint32(v)), b[n:]
	}
	return dst, nil
}

// Lines decodes the feature's geometry into positions x0 y0 x1 y1 ... in tile
// units and the index, in positions, one past each point group, line or ring;
// rings are open (ClosePath repeats nothing).
func (f *Feature) Lines() (coords []int32, ends []int32, err error) {
	g := f.Geometry
	var x, y int32
	open := false // a line or ring has begun
	fail := func(why string) ([]int32, []int32, error) {
		return nil, nil, fmt.Errorf("%w: geometry: %s", ErrInvalid, why)
	}
	start := 0
	for i := 0; i < len(g); {
		cmd, n := g[i]&7, int(g[i]>>3)
		i++
		if cmd == cmdClosePath {
			if f.Type != Polygon || !open || n != 1 {
				return fail("ClosePath out of place")
			}
			if len(coords)/2-start < 3 {
				return fail("a ring of fewer than three positions")
			}
			ends, open = append(ends, int32(len(coords)/2)), false
			continue
		}
		if cmd != cmdMoveTo && cmd != cmdLineTo {
			return fail(fmt.Sprintf("command %d", cmd))
		}
		if n == 0 || n > (len(g)-i)/2 {
			return fail("parameters break off")
		}
		switch {
		case cmd == cmdMoveTo && f.Type == Point:
			if i > 1 {
				return fail("a second MoveTo of points")
			}
		case cmd == cmdMoveTo:
			if n != 1 || (open && f.Type == Polygon) {
				return fail("MoveTo out of place")
			}
			if open {
				if len(coords)/2-start < 2 {
					return fail("a line of one position")
				}
				ends = append(ends, int32(len(coords)/2))
			}
			open, start = true, len(coords)/2
		case f.Type == Point || !open || len(coords)/2-start != 1:
			return fail("LineTo out of place")
		}
		for range n {
			x += zigzag(g[i])
			y += zigzag(g[i+1])
			coords = append(coords, x, y)
			i += 2
		}
	}
	switch {
	case len(coords) == 0:
		return fail("empty")
	case f.Type == Polygon && open:
		return fail("a ring is not closed")
	case f.Type != Polygon:
		if f.Type == LineString && len(coords)/2-start < 2 {
			return fail("a line of one position")
		}
		ends = append(ends, int32(len(coords)/2))
	}
	return coords, ends, nil
}

func zigzag(v uint32) int32 { return int32(v>>1) ^ -int32(v&1) }

// Props returns the attributes of f, a feature of l.
func (l *Layer) Props(f *Feature) map[string]any {
	m := make(map[string]any, len(f.Tags)/2)
	for i := 0; i+1 < len(f.Tags); i += 2 {
		m[l.Keys[f.Tags[i]]] = l.Values[f.Tags[i+1]].Any()
	}
	return m
}
