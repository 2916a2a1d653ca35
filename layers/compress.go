package layers

import (
	"bytes"
	"slices"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The levels: gzip 2 of klauspost/compress is as small as level 1 of compress/gzip
// in half its time; zstd and brotli at their fastest come out alike.
var (
	gzips = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(nil, 2)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
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
func compress(enc Encoding, raw []byte) []byte {
	if enc == Identity {
		return slices.Clone(raw)
	}
	if enc == Zstd {
		w := zstds.Get().(*zstd.Encoder)
		defer zstds.Put(w)
		return slices.Clip(w.EncodeAll(raw, make([]byte, 0, len(raw)/2+64)))
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	// Writing to a buffer does not fail.
	if enc == Gzip {
		w := gzips.Get().(*gzip.Writer)
		defer gzips.Put(w)
		w.Reset(buf)
		_, _ = w.Write(raw)
		_ = w.Close()
	} else {
		w := brotlis.Get().(*brotli.Writer)
		defer brotlis.Put(w)
		w.Reset(buf)
		_, _ = w.Write(raw)
		_ = w.Close()
	}
	return slices.Clone(buf.Bytes())
}
