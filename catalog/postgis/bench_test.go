package postgis_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"nagar/catalog"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
)

func buildings() catalog.Collection {
	return catalog.Collection{Name: "buildings", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{
		{Name: "uid", Type: catalog.TypeText}, {Name: "height_m", Type: catalog.TypeReal}, {Name: "floors", Type: catalog.TypeInteger},
		{Name: "use", Type: catalog.TypeText}, {Name: "ward", Type: catalog.TypeText}, {Name: "year", Type: catalog.TypeInteger},
	}}
}

// footprint is building i of a grid over Mumbai.
func footprint(i int, height float64) catalog.Feature {
	x, y := 72.77+float64(i%1000)*2e-4, 18.89+float64(i/1000%2000)*2e-4
	return catalog.Feature{
		ID:       fmt.Sprint(i),
		Geometry: geo.NewPolygon([]float64{x, y, x + 1e-4, y, x + 1e-4, y + 1e-4, x, y + 1e-4, x, y}),
		Props: catalog.Properties{
			{Name: "uid", Value: catalog.Text(fmt.Sprintf("%016X", i))}, {Name: "height_m", Value: catalog.Real(height)},
			{Name: "floors", Value: catalog.Integer(int64(height / 3))}, {Name: "use", Value: catalog.Text("residential")},
			{Name: "ward", Value: catalog.Text("K/W")}, {Name: "year", Value: catalog.Integer(1974)},
		},
	}
}

const benchBatch = 5_000

// puts is one batch of buildings from the given number on.
func puts(from, n int, height float64) iter.Seq2[*catalog.Op, error] {
	return func(yield func(*catalog.Op, error) bool) {
		var op catalog.Op
		for i := from; i < from+n; i++ {
			op = catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: footprint(i, height)}
			if !yield(&op, nil) {
				return
			}
		}
	}
}

func openBench(b *testing.B) *postgis.Store {
	b.Helper()
	ctx := context.Background()
	s, err := postgis.Open(ctx, pgtest.Start(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if _, err := s.Define(ctx, buildings()); err != nil {
		b.Fatal(err)
	}
	return s
}

func load(b *testing.B, s *postgis.Store, n int, height float64) (r catalog.Result) {
	b.Helper()
	for from := 0; from < n; from += benchBatch {
		one, err := s.Apply(context.Background(), catalog.Batch{Ops: puts(from, min(benchBatch, n-from), height)})
		if err != nil {
			b.Fatal(err)
		}
		r.Created += one.Created
		r.Unchanged += one.Unchanged
		r.Updated += one.Updated
	}
	return r
}

// Each benchmark's op is one feature, in batches of 5,000.

func BenchmarkApplyNew(b *testing.B) {
	s := openBench(b)
	b.ReportAllocs()
	b.ResetTimer()
	load(b, s, b.N, 3)
}

func BenchmarkApplyUnchanged(b *testing.B) {
	s := openBench(b)
	load(b, s, b.N, 3)
	b.ReportAllocs()
	b.ResetTimer()
	if r := load(b, s, b.N, 3); r.Unchanged != b.N {
		b.Fatalf("unchanged %d of %d", r.Unchanged, b.N)
	}
}

func BenchmarkApplyUpdate(b *testing.B) {
	s := openBench(b)
	load(b, s, b.N, 3)
	b.ReportAllocs()
	b.ResetTimer()
	if r := load(b, s, b.N, 6); r.Updated != b.N {
		b.Fatalf("updated %d of %d", r.Updated, b.N)
	}
}

// BenchmarkApplyOne is one edit in a batch of its own.
func BenchmarkApplyOne(b *testing.B) {
	s := openBench(b)
	load(b, s, 1000, 3)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := s.Apply(context.Background(), catalog.Batch{Ops: puts(i%1000, 1, float64(4+i))}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	s := openBench(b)
	load(b, s, b.N, 3)
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	if _, err := s.Scan(context.Background(), catalog.Query{Collection: "buildings"}, func(*catalog.Feature) error {
		n++
		return nil
	}); err != nil || n != b.N {
		b.Fatalf("%d of %d, %v", n, b.N, err)
	}
}

func BenchmarkChanges(b *testing.B) {
	s := openBench(b)
	load(b, s, b.N, 3)
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	if _, err := s.Changes(context.Background(), 0, func(c catalog.Commit) error {
		n += len(c.Changes)
		return nil
	}); err != nil || n != b.N+1 {
		b.Fatalf("%d of %d, %v", n, b.N, err)
	}
}
