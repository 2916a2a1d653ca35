package mvt

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"nagar/geo"
)

func TestVarintsAreThoseOfTheStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	check := func(v uint64) {
		var b [16]byte
		n := putUvarint(b[:], v)
		if want := binary.AppendUvarint(nil, v); !bytes.Equal(b[:n], want) || uvarintLen(v) != len(want) {
			t.Fatalf("%d: % x (length %d), want % x", v, b[:n], uvarintLen(v), want)
		}
	}
	for bit := range 64 {
		for d := range uint64(3) {
			check(1<<bit + d - 1)
		}
	}
	check(math.MaxUint64)
	for range 100_000 {
		check(r.Uint64() >> r.IntN(64))
	}
}

// TestTagsAreReadBack has keys and values of every length of index.
func TestTagsAreReadBack(t *testing.T) {
	for _, key := range []uint32{0, 1, 127, 128, 1<<14 - 1} {
		for _, value := range []uint32{0, 127, 128, 1<<14 - 1, 1 << 14, 1<<21 - 1, 1 << 21, 1<<28 - 1, 1 << 28, math.MaxUint32} {
			tag := MakeTagKey(key).Tag(value)
			want := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(key)), uint64(value))
			got := binary.LittleEndian.AppendUint64(nil, uint64(tag))[:tag.len()]
			if !bytes.Equal(got, want) {
				t.Errorf("key %d, value %d: % x, want % x", key, value, got, want)
			}
		}
	}
}

// TestIntegersOfEveryLength compares what is read with what was written, and holds
// that a value is kept once for each scope, however large the table grows.
func TestIntegersOfEveryLength(t *testing.T) {
	var want []int64
	for bit := range 64 {
		v := int64(1) << bit
		want = append(want, v, v-1, -v)
	}
	for i := range int64(3000) {
		want = append(want, i*7919)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	var w Writer
	w.Reset()
	w.Layer("n")
	for range 2 {
		for _, v := range want {
			for scope := range uint32(2) {
				w.Once(scope, w.Int(v))
			}
		}
	}
	w.Feature(1)
	w.Points([]int32{1, 2})
	end(&w)
	w.EndLayer(4096)
	tile, err := Decode(w.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	values := tile.Layers[0].Values
	if len(values) != 2*len(want) {
		t.Fatalf("%d values, want %d", len(values), 2*len(want))
	}
	for i, v := range want {
		if values[2*i].Int != v || values[2*i+1].Int != v {
			t.Fatalf("read %v and %v, want %d", values[2*i], values[2*i+1], v)
		}
	}
}

// slowRing is what CleanRing promises, by the parts it stands for.
func slowRing(w *Writer, ring []int32) bool {
	r := geo.CleanRing(slices.Clone(ring))
	if !slices.Equal(r, ring) || geo.RingArea2(r) <= 0 {
		return false
	}
	w.Ring(ring)
	return true
}

func FuzzCleanRing(f *testing.F) {
	f.Add([]byte{0, 0, 10, 0, 10, 10, 0, 10})
	f.Add([]byte{0, 0, 10, 0, 20, 0, 20, 20})
	f.Add([]byte{5, 5, 5, 5, 9, 9, 1, 9})
	f.Add([]byte{0, 0, 0, 10, 10, 10, 10, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var ring []int32
		for i, v := range b {
			c := int32(int8(v))
			if len(b)%5 == 0 && i < 16 {
				c *= 1 + int32(i)*4 // longer steps, less than 2¹⁴ in all
			}
			ring = append(ring, c)
		}
		ring = ring[:len(ring)&^1]
		var fast, slow Writer
		for _, w := range []*Writer{&fast, &slow} {
			w.Reset()
			w.Layer("rings")
			w.Feature(7)
			w.Ring([]int32{100, 100, 200, 100, 200, 200}) // the pen is somewhere
		}
		if got, want := fast.CleanRing(ring), slowRing(&slow, ring); got != want {
			t.Fatalf("%v: %v, want %v", ring, got, want)
		}
		for _, w := range []*Writer{&fast, &slow} {
			w.Ring([]int32{0, 0, 9, 0, 9, 9})
			w.EndFeature()
			w.EndLayer(4096)
		}
		if !bytes.Equal(fast.Bytes(), slow.Bytes()) {
			t.Fatalf("%v: written as % x, want % x", ring, fast.Bytes(), slow.Bytes())
		}
	})
}

// TestCleanRingLeavesLargeCoordinatesAlone: its products would not fit.
func TestCleanRingLeavesLargeCoordinatesAlone(t *testing.T) {
	for _, big := range []int32{1 << 14, -1<<14 - 1, 1 << 20, math.MaxInt32, math.MinInt32} {
		for _, ring := range [][]int32{{0, 0, big, 0, big, 7}, {big, big, 7, 0, 0, 7}} {
			var w Writer
			w.Layer("rings")
			w.Feature(7)
			if w.CleanRing(ring) {
				t.Errorf("%v was written", ring)
			}
		}
	}
}
