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

// compress returns body in the content coding e.
func compress(e encoding, body []byte) ([]byte, error) {
	switch e {
	case asIs:
		return body, nil
	case zstandard:
		w, err := zstdOnce()
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		return w.EncodeAll(body, make([]byte, 0, len(body)/4+64)), nil
	case gzipped:
		w := gzipPool.Get().(*gzip.Writer)
		defer gzipPool.Put(w)
		return squeeze(w, body)
	case brotlied:
		w := brotliPool.Get().(*brotli.Writer)
		defer brotliPool.Put(w)
		return squeeze(w, body)
	}
	return nil, fmt.Errorf("content coding %d", e)
}

type resettable interface {
	io.WriteCloser
	Reset(io.Writer)
}

func squeeze(w resettable, body []byte) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, 0, len(body)/4+64))
	w.Reset(out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// compressWell is compress for what is sent often: slower and smaller.
func compressWell(e encoding, body []byte) ([]byte, error) {
	switch e {
	case gzipped:
		w, err := gzip.NewWriterLevel(io.Discard, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		return squeeze(w, body)
	case brotlied:
		return squeeze(brotli.NewWriterLevel(io.Discard, 9), body)
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
