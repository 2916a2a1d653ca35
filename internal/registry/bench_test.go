package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
	"nagar/layers"
)

// recordsEach is how many departments' records each structure of the benchmark has.
const recordsEach = 5

// BenchmarkPage reads structures' pages, eight readers at a time: p95 is what a
// caller waits, user-µs the CPU of this process for each page. NAGAR_BENCH_STRUCTURES=1000000
// makes it the city that the targets speak of; it takes minutes to fill.
func BenchmarkPage(b *testing.B) {
	n := 10_000
	if s := os.Getenv("NAGAR_BENCH_STRUCTURES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("gpkg", func(b *testing.B) {
		s, err := gpkg.Open(b.Context(), filepath.Join(b.TempDir(), "city.gpkg"))
		if err != nil {
			b.Fatal(err)
		}
		benchPages(b, s, n)
	})
	b.Run("postgis", func(b *testing.B) {
		url := pgtest.Start(b)
		s, err := postgis.Open(b.Context(), url)
		if err != nil {
			b.Fatal(err)
		}
		fillPages(b, s, n)
		if err := s.Close(); err != nil { // it builds the indexes
			b.Fatal(err)
		}
		if s, err = postgis.Open(b.Context(), url); err != nil {
			b.Fatal(err)
		}
		readPages(b, s, n)
	})
}

func benchPages(b *testing.B, s catalog.Store, n int) {
	fillPages(b, s, n)
	readPages(b, s, n)
}

// held is a directory of collections in memory, as the engine is one.
type held []layers.Info

func (h held) Collections() []layers.Info { return h }

func fillPages(b *testing.B, s catalog.Store, n int) {
	b.Helper()
	for _, c := range catalog.Standard() {
		if _, err := s.Define(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	names := []string{"tax", "connections", "permits", "fire", "lifts"}
	for _, name := range names[:recordsEach] {
		if _, err := s.Define(b.Context(), catalog.Collection{Name: name, Owner: name, Geometry: catalog.GeometryNone, Fields: []catalog.Field{
			{Name: "uid", Type: catalog.TypeText, Link: Structures}, {Name: "account", Type: catalog.TypeText}, {Name: "holder", Type: catalog.TypeText},
			{Name: "issued", Type: catalog.TypeDate}, {Name: "expires", Type: catalog.TypeDate}, {Name: "amount", Type: catalog.TypeInteger},
		}}); err != nil {
			b.Fatal(err)
		}
	}
	put := func(collection string, f func(i int) catalog.Feature) {
		const chunk = 50_000
		for from := 0; from < n; from += chunk {
			if _, err := s.Apply(b.Context(), catalog.Batch{Ops: func(yield func(*catalog.Op, error) bool) {
				for i := from; i < min(from+chunk, n); i++ {
					if !yield(&catalog.Op{Kind: catalog.Put, Collection: collection, Feature: f(i)}, nil) {
						return
					}
				}
			}}); err != nil {
				b.Fatal(err)
			}
		}
	}
	put(Buildings, func(i int) catalog.Feature {
		return catalog.Feature{ID: fmt.Sprint("b", i), Geometry: square(i % 100), Props: values("uid", nth(i), "floors", i%40, "height_m", 3.1*float64(i%40), "use", "residential", "ward", "K/W", "year", 1990)}
	})
	for _, name := range names[:recordsEach] {
		put(name, func(i int) catalog.Feature {
			return catalog.Feature{ID: fmt.Sprint(name, i), Props: values("uid", nth(i), "account", fmt.Sprint("AX/", i), "holder", "Somebody", "issued", at(2020), "expires", at(2030), "amount", i)}
		})
	}
}

func readPages(b *testing.B, s catalog.Store, n int) {
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	all, err := s.Collections(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var directory held
	for _, c := range all {
		directory = append(directory, layers.Info{Collection: c})
	}
	r := New(s, directory)
	if err := r.Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	const readers = 8
	times := make([][]time.Duration, readers)
	var left atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	left.Store(int64(b.N))
	before := userTime(b)
	for k := range readers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(k), 7))
			for left.Add(-1) >= 0 {
				start := time.Now()
				page, err := r.Structure(context.Background(), nth(rng.IntN(n)), catalog.At{}, catalog.Everything, today)
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := json.Marshal(page); err != nil || len(page.Records) != recordsEach || page.Geometry.Type != geo.Polygon {
					b.Errorf("page: %+v, %v", page, err)
				}
				times[k] = append(times[k], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	spent := userTime(b) - before
	waited := slices.Concat(times...)
	slices.Sort(waited)
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "user-µs/op")
	if len(waited) > 0 {
		b.ReportMetric(float64(waited[len(waited)*95/100].Microseconds())/1000, "p95-ms")
	}
}

// userTime is the CPU time of this process, the system's on its behalf included.
func userTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
