package mvt

import (
	"fmt"
	"testing"
)

// BenchmarkManyValues writes features with a text of their own each, as the
// structure UIDs of buildings are: the value dictionary is most of the work.
func BenchmarkManyValues(b *testing.B) {
	texts := make([]string, 12_000)
	for i := range texts {
		texts[i] = fmt.Sprintf("%05X-%05X", i*7919%0xfffff, i*104729%0xfffff)
	}
	b.ReportAllocs()
	var w Writer
	for range b.N {
		w.Reset()
		w.Layer("buildings")
		k := w.Key("uid")
		for i, s := range texts {
			w.Feature(uint64(i)<<30 + 1)
			w.Points([]int32{int32(i % 4096), int32(i / 4096)})
			end(&w, k, w.Once(k, w.Text(s)))
		}
		w.EndLayer(4096)
	}
	b.SetBytes(int64(len(w.Bytes())))
}
