package layers

import (
	"bytes"
	"slices"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"nagar/layers/deflate"
)

// gzipper is an encoder with the memory that it writes to.
type gzipper struct {
	deflate.Encoder
	out []byte
}

// pack returns raw as gzip, in memory of its own.
func (g *gzipper) pack(raw []byte) []byte {
	g.out = g.Gzip(g.out[:0], raw)
	return slices.Clone(g.out)
}

// zstd and brotli at their fastest come out as small as our gzip.
var (
	zstds = sync.Pool{New: func() any {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err) // the options are constants
		}
		return w
	}}
	brotlis = sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, 1) }}
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

// compress returns raw in the encoding, in memory of its own.
func (d *renderer) compress(enc Encoding, raw []byte) []byte {
	switch enc {
	case Gzip:
		return d.gzip.pack(raw)
	case Zstd:
		w := zstds.Get().(*zstd.Encoder)
		defer zstds.Put(w)
		return slices.Clip(w.EncodeAll(raw, make([]byte, 0, len(raw)/2+64)))
	case Brotli:
		buf := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(buf)
		buf.Reset()
		w := brotlis.Get().(*brotli.Writer)
		defer brotlis.Put(w)
		w.Reset(buf)
		_, _ = w.Write(raw) // writing to a buffer does not fail
		_ = w.Close()
		return slices.Clone(buf.Bytes())
	}
	return slices.Clone(raw)
}
