package layers

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"nagar/catalog"
	"nagar/layers/index"
)

type edit = index.Edit

func emptySnapshot(c *catalog.Collection) *index.Snapshot {
	return index.NewSnapshot(index.NewBuilder(c).Build())
}

// expand undoes an encoding.
func expand(t *testing.T, enc Encoding, b []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	var err error
	switch enc {
	case Gzip:
		r, err = gzip.NewReader(r)
	case Zstd:
		r, err = zstd.NewReader(r)
	case Brotli:
		r = brotli.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// skip skips the test where something that it needs is missing, and fails it in CI.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}
