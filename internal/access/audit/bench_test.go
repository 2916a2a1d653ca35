package audit

import (
	"fmt"
	"path/filepath"
	"testing"

	"nagar/internal/access/accessdb"
)

func BenchmarkAppend(b *testing.B) {
	db, err := accessdb.OpenFile(b.Context(), filepath.Join(b.TempDir(), "access.db"), Schema)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	l := New(db, b.TempDir())
	for _, readers := range []int{1, 32} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(readers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := l.Append(b.Context(), read("r", "b1")); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkReading is what a verification and a report cost for each entry.
func BenchmarkReading(b *testing.B) {
	db, err := accessdb.OpenFile(b.Context(), filepath.Join(b.TempDir(), "access.db"), Schema)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	l := New(db, b.TempDir())
	const entries = 50_000
	many := make([]Entry, entries)
	for i := range many {
		many[i] = read(fmt.Sprint("r", i), fmt.Sprint("b", i%5000), fmt.Sprint("b", i%777))
		many[i].Who.Account = fmt.Sprint("a", i%40) // so that no two are told as one
	}
	if err := l.Append(b.Context(), many...); err != nil {
		b.Fatal(err)
	}
	each := func(b *testing.B, read func() error) {
		b.ReportAllocs()
		for b.Loop() {
			if err := read(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entries, "ns/entry")
	}
	b.Run("verify", func(b *testing.B) {
		each(b, func() error { _, err := l.Verify(b.Context()); return err })
	})
	b.Run("breach", func(b *testing.B) {
		each(b, func() error { _, err := l.Breach(b.Context(), Filter{}); return err })
	})
}
