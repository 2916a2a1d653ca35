package gpkg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"nagar/geo"
)

func samples() []geo.Geometry {
	return []geo.Geometry{
		{Type: geo.Point}, {Type: geo.Polygon}, {Type: geo.GeometryCollection},
		geo.NewPoint(72.8777, 19.076),
		{Type: geo.Point, HasZ: true, Coords: []float64{72.8, 19, -0.1}},
		geo.NewLineString([]float64{0, 0, 1, 1, 2, 0}),
		geo.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 4, 0, 0}, []float64{1, 1, 1, 2, 2, 2, 2, 1, 1, 1}),
		{Type: geo.MultiPoint, HasZ: true, Coords: []float64{1, 2, 3, 4, 5, 6}},
		{Type: geo.GeometryCollection, Geoms: []geo.Geometry{geo.NewPoint(1, 2), geo.NewLineString([]float64{0, 0, 1, 1})}},
	}
}

func TestBlobReadsBack(t *testing.T) {
	for _, g := range samples() {
		b := appendBlob(nil, &g, g.Box())
		got, err := decodeBlob(b)
		if err != nil || !got.Equal(&g) {
			t.Errorf("%v: wrote %+v, read %+v, %v", g.Type, g, got, err)
		}
		box, err := blobBox(b)
		if err != nil || box != g.Box() && !(box.IsEmpty() && g.IsEmpty()) {
			t.Errorf("%v: box %+v, want %+v, %v", g.Type, box, g.Box(), err)
		}
		for n := 1; n < len(b); n++ {
			if _, err := decodeBlob(b[:n]); err == nil {
				t.Fatalf("%v cut to %d of %d bytes was read", g.Type, n, len(b))
			}
		}
	}
}

// Other programs write other envelopes, byte orders and SRS ids.
func TestBlobVariants(t *testing.T) {
	g := geo.NewPolygon([]float64{0, 0, 4, 0, 4, 4, 0, 0})
	wkb := geo.AppendWKB(nil, &g, geo.ISO)
	for kind, size := range envelopeLen {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			flags := byte(kind << 1)
			if order == binary.AppendByteOrder(binary.LittleEndian) {
				flags |= flagLittle
			}
			b := order.AppendUint32([]byte{'G', 'P', 0, flags}, srsWGS84)
			for _, v := range []float64{0, 4, 0, 4, -1, 1, 7, 9}[:max(size, 0)/8] {
				b = order.AppendUint64(b, math.Float64bits(v))
			}
			b = append(b, wkb...)
			got, err := decodeBlob(b)
			if size < 0 {
				if !errors.Is(err, errBlob) {
					t.Errorf("envelope kind %d: %v", kind, err)
				}
				continue
			}
			box, boxErr := blobBox(b)
			if err != nil || boxErr != nil || !got.Equal(&g) || box != g.Box() {
				t.Errorf("envelope kind %d: %+v %v, box %+v %v", kind, got, err, box, boxErr)
			}
		}
	}
	whole := appendBlob(nil, &g, g.Box())
	for what, spoil := range map[string]func([]byte){
		"magic": func(b []byte) { b[0] = 'X' }, "version": func(b []byte) { b[2] = 1 },
		"extended": func(b []byte) { b[3] |= flagExtended }, "srs": func(b []byte) { binary.LittleEndian.PutUint32(b[4:], 3857) },
	} {
		b := bytes.Clone(whole)
		spoil(b)
		if _, err := decodeBlob(b); !errors.Is(err, errBlob) {
			t.Errorf("wrong %s: %v", what, err)
		}
	}
}

func FuzzGeoPackageBlob(f *testing.F) {
	for _, g := range samples() {
		f.Add(appendBlob(nil, &g, g.Box()))
	}
	f.Add([]byte{'G', 'P', 0, 0, 0, 0, 0x10, 0xe6})
	f.Fuzz(func(t *testing.T, b []byte) {
		box, boxErr := blobBox(b)
		_ = wkbTypeName(b)
		g, err := decodeBlob(b)
		if err != nil {
			return
		}
		if boxErr != nil && len(b) > 0 {
			t.Fatalf("decodes, but its box does not: %v", boxErr)
		}
		_ = box // as the writer stated it: may be anything
		w := appendBlob(nil, &g, g.Box())
		h, err := decodeBlob(w)
		if err != nil {
			t.Fatalf("own output refused: %v", err)
		}
		if !bytes.Equal(w, appendBlob(nil, &h, h.Box())) {
			t.Fatal("not stable")
		}
	})
}

// Whatever box meets a window lies under one of the window's keys.
func TestCellRangesMissNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	levels := make([]int, maxLevel+1)
	for i := range levels {
		levels[i] = i
	}
	random := func() geo.Box {
		size := math.Pow(10, -7+9*r.Float64())
		x, y := -180+360*r.Float64(), -90+180*r.Float64()
		if r.IntN(3) == 0 { // on the borders of cells
			x, y = math.Round(x), math.Round(y)
		}
		return geo.Box{W: max(x-size*r.Float64(), -180), S: max(y-size*r.Float64(), -90), E: min(x+size*r.Float64(), 180), N: min(y+size*r.Float64(), 90)}
	}
	met := 0
	for range 20_000 {
		a, b := random(), random()
		if r.IntN(2) == 0 { // near each other
			dx, dy := (a.E-a.W)*(r.Float64()*3-1.5), (a.N-a.S)*(r.Float64()*3-1.5)
			b = geo.Box{W: a.E + dx, S: a.N + dy, E: a.E + dx + (a.E-a.W)*r.Float64(), N: a.N + dy + (a.N-a.S)*r.Float64()}
		}
		if !a.Intersects(b) {
			continue
		}
		met++
		key, ok := cellOf(a)
		if !ok {
			t.Fatalf("no key for %+v", a)
		}
		found := false
		for _, k := range cellRanges(b, levels) {
			found = found || k.from <= key && key <= k.to
		}
		if !found {
			t.Fatalf("box %+v of level %d is not under the keys of window %+v", a, key>>cellShift, b)
		}
	}
	if met < 1000 {
		t.Fatalf("only %d pairs met", met)
	}
	city := geo.Box{W: 72.8, S: 19, E: 72.805, N: 19.005}
	if n := len(cellRanges(city, levels)); n > (maxLevel+1)*4*maxRanges {
		t.Errorf("%d ranges for a small window", n)
	}
}

func TestTimesReadBack(t *testing.T) {
	for _, want := range []time.Time{
		time.Date(2026, 11, 23, 8, 15, 30, 123456000, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(0, 2, 29, 0, 0, 0, 0, time.UTC),
		time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-44, 3, 15, 12, 0, 0, 0, time.UTC),
	} {
		text := appendTime(nil, want)
		if got, err := parseTime(text); err != nil || !got.Equal(want) {
			t.Errorf("%v is written %s and read %v, %v", want, text, got, err)
		}
	}
	utc := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-23T08:30:00+05:30": utc, "2026-11-23 08:30+0530": utc, "2026/11/23 03:00:00": utc, "2026-11-23T03:00:00.0000001Z": utc,
		"2026-11-23": utc.Truncate(24 * time.Hour),
	} {
		if got, err := parseTime([]byte(text)); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2026", "2026-13-01", "2026-02-30", "2026-11-23T25:00", "2026-11-23T10", "2026-11-23T10:00:00+", "2026-11-23T10:00:00.", "23/11/2026", "yesterday", "2026-11-23X10:00"} {
		if got, err := parseTime([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add([]byte("2026-11-23T08:30:00.123456+05:30"))
	f.Add([]byte("+12026-11-23"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseTime(b)
		if err != nil {
			return
		}
		again, err := parseTime(appendTime(nil, got))
		if err != nil || !again.Equal(got) {
			t.Fatalf("%q is %v, written and read %v, %v", b, got, again, err)
		}
	})
}
