package layers

import (
	"bytes"
	stdgzip "compress/gzip"
	"context"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/gzip"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/deflate"
)

// drawn are tiles of a zoom over a city, as they are before they are compressed.
func drawn(t testing.TB, e *Engine, z uint32, all bool, n int) [][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(z), 9))
	var out [][]byte
	for range n {
		at := geo.TileAt(72.83+r.Float64()*0.04, 19.03+r.Float64()*0.04, z)
		tile, err := e.Tile(context.Background(), TileRequest{Collections: []string{"buildings"}, Tile: at, View: catalog.Public, All: all})
		if err != nil {
			t.Fatal(err)
		}
		if len(tile.Data) > 0 {
			out = append(out, tile.Data)
		}
	}
	return out
}

// packer is a gzip writer of a library.
type packer interface {
	io.WriteCloser
	Reset(io.Writer)
}

// packedSize is how small a library makes raw. It writes to buf.
func packedSize(t testing.TB, w packer, buf *bytes.Buffer, raw []byte) int {
	t.Helper()
	buf.Reset()
	w.Reset(buf)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Len()
}

// What we leave out for speed costs less than a tenth of the bytes, at any zoom.
func TestTilesAreAsSmallAsTheStandardLibrarys(t *testing.T) {
	src := newMemSource()
	src.define(buildingsCollection())
	src.write("buildings", city(rand.New(rand.NewPCG(8, 8)), 8_000))
	e := start(t, src, Options{})
	std, err := stdgzip.NewWriterLevel(nil, stdgzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	for z := uint32(10); z <= 18; z++ {
		for _, all := range []bool{false, true} {
			ours, theirs := 0, 0
			for _, raw := range drawn(t, e, z, all, 5) {
				packed := new(gzipper).pack(raw)
				if got := expand(t, Gzip, packed); !bytes.Equal(got, raw) {
					t.Fatalf("zoom %d: a tile does not come back", z)
				}
				ours += len(packed)
				theirs += packedSize(t, std, &buf, raw)
			}
			if ours*10 > theirs*11 {
				t.Errorf("zoom %d, all %v: %d bytes, compress/gzip takes %d", z, all, ours, theirs)
			}
		}
	}
}

// Against the libraries, over the same tiles.
func BenchmarkGzip(b *testing.B) {
	tiles := drawn(b, benchEngine(), 14, true, 20)
	raw := 0
	for _, t := range tiles {
		raw += len(t)
	}
	run := func(name string, pack func([]byte) int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(raw / len(tiles)))
			n := 0
			for i := range b.N {
				n += pack(tiles[i%len(tiles)])
			}
			b.ReportMetric(float64(n)/float64(b.N), "B/tile")
		})
	}
	var e deflate.Encoder
	var out []byte
	var buf bytes.Buffer
	run("ours", func(raw []byte) int {
		out = e.Gzip(out[:0], raw)
		return len(out)
	})
	for _, level := range []int{1, 2} {
		w, err := gzip.NewWriterLevel(nil, level)
		if err != nil {
			b.Fatal(err)
		}
		run("klauspost"+string(rune('0'+level)), func(raw []byte) int { return packedSize(b, w, &buf, raw) })
	}
	w, err := stdgzip.NewWriterLevel(nil, 1)
	if err != nil {
		b.Fatal(err)
	}
	run("standard1", func(raw []byte) int { return packedSize(b, w, &buf, raw) })
}
