package httpapi

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Pools of encoders: making one costs more than most answers take to compress.
var (
	gzipPool = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(io.Discard, 2)
		if err != nil {
			panic(err) // a constant level
		}
		return w
	}}
	brotliPool = sync.Pool{New: func() any { return brotli.NewWriterLevel(io.Discard, 2) }}
	zstdOnce   = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(1<<20))
	})
)

// packedPool has buffers that compressed answers are written into; very large ones
// are not kept.
var packedPool = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func keepPacked(b *bytes.Buffer) {
	if b.Cap() <= 1<<20 {
		packedPool.Put(b)
	}
}

// compressTo writes a body, in parts, to out in the content coding e.
func compressTo(out *bytes.Buffer, e encoding, body ...[]byte) error {
	switch e {
	case asIs:
		for _, part := range body {
			out.Write(part)
		}
		return nil
	case zstandard:
		w, err := zstdOnce()
		if err != nil {
			return fmt.Errorf("zstd: %w", err)
		}
		whole := body[0]
		if len(body) > 1 {
			whole = bytes.Join(body, nil)
		}
		out.Write(w.EncodeAll(whole, out.AvailableBuffer()))
		return nil
	case gzipped:
		w := gzipPool.Get().(*gzip.Writer)
		defer gzipPool.Put(w)
		return squeeze(out, w, body...)
	case brotlied:
		w := brotliPool.Get().(*brotli.Writer)
		defer brotliPool.Put(w)
		return squeeze(out, w, body...)
	}
	return fmt.Errorf("content coding %d", e)
}

// compress returns body in the content coding e.
func compress(e encoding, body []byte) ([]byte, error) {
	if e == asIs {
		return body, nil
	}
	var out bytes.Buffer
	err := compressTo(&out, e, body)
	return out.Bytes(), err
}

type resettable interface {
	io.WriteCloser
	Reset(io.Writer)
}

func squeeze(out *bytes.Buffer, w resettable, body ...[]byte) error {
	w.Reset(out)
	for _, part := range body {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return w.Close()
}

// compressWell is compress for what is sent often: slower and smaller.
func compressWell(e encoding, body []byte) ([]byte, error) {
	var out bytes.Buffer
	switch e {
	case gzipped:
		w, err := gzip.NewWriterLevel(io.Discard, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		err = squeeze(&out, w, body)
		return out.Bytes(), err
	case brotlied:
		err := squeeze(&out, brotli.NewWriterLevel(io.Discard, 9), body)
		return out.Bytes(), err
	}
	return compress(e, body)
}

// unpacksTo reports whether packed, in the content coding e, is want.
func unpacksTo(e encoding, packed, want []byte) bool {
	var r io.Reader
	switch e {
	case gzipped:
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return false
		}
		r = z
	case brotlied:
		r = brotli.NewReader(bytes.NewReader(packed))
	case zstandard:
		z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return false
		}
		defer z.Close()
		r = z
	default:
		return bytes.Equal(packed, want)
	}
	got, err := io.ReadAll(io.LimitReader(r, int64(len(want))+1))
	return err == nil && bytes.Equal(got, want)
}
