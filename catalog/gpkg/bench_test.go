package gpkg_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/geo"
)

// buildings is the collection of the benchmarks: seven attributes, footprints.
func buildings() catalog.Collection {
	return catalog.Collection{Name: "buildings", Geometry: catalog.GeometryPolygon, Fields: []catalog.Field{
		{Name: "uid", Type: catalog.TypeText}, {Name: "height_m", Type: catalog.TypeReal}, {Name: "floors", Type: catalog.TypeInteger},
		{Name: "use", Type: catalog.TypeText}, {Name: "ward", Type: catalog.TypeText}, {Name: "year", Type: catalog.TypeInteger}, {Name: "name", Type: catalog.TypeText},
	}}
}

var (
	uses  = []string{"residential", "apartments", "commercial", "retail", "office", "industrial"}
	wards = []string{"A", "B", "C", "D", "E", "F/N", "F/S", "G/N", "G/S", "K/W", "K/E", "L"}
)

// building makes the n-th building of a synthetic city; the same n, the same building.
func building(n int) catalog.Op {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	x, y := 72.77+r.Float64()*0.22, 18.89+r.Float64()*0.38
	corners := 4 + r.IntN(5)
	ring := make([]float64, 0, 2*corners+2)
	for i := range corners {
		a := 2 * math.Pi * float64(i) / float64(corners)
		ring = append(ring, x+1e-4*math.Cos(a), y+1e-4*math.Sin(a))
	}
	ring = append(ring, ring[0], ring[1])
	id := fmt.Sprintf("b%08d", n)
	props := catalog.Properties{
		{Name: "uid", Value: catalog.Text(id)}, {Name: "height_m", Value: catalog.Real(3 + r.Float64()*60)}, {Name: "floors", Value: catalog.Integer(int64(1 + r.IntN(30)))},
		{Name: "use", Value: catalog.Text(uses[r.IntN(len(uses))])}, {Name: "ward", Value: catalog.Text(wards[r.IntN(len(wards))])}, {Name: "year", Value: catalog.Integer(int64(1900 + r.IntN(126)))},
	}
	if n%9 == 0 {
		props = append(props, catalog.Property{Name: "name", Value: catalog.Text(fmt.Sprintf("Sai Krupa %d", n))})
	}
	return catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: catalog.Feature{ID: id, Geometry: geo.NewPolygon(ring), Props: props}}
}

const benchBatch = 5000

func batchOf(i int) catalog.Batch {
	ops := make([]catalog.Op, benchBatch)
	for k := range ops {
		ops[k] = building(i*benchBatch + k)
	}
	return catalog.Batch{Ops: catalog.Ops(ops...)}
}

func benchStore(b *testing.B) *gpkg.Store {
	s, err := gpkg.Open(context.Background(), filepath.Join(b.TempDir(), "bench.gpkg"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if _, err := s.Define(context.Background(), buildings()); err != nil {
		b.Fatal(err)
	}
	return s
}

// cpuTime is what this process has used of the processors: steadier than the
// clock where they are shared.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// load applies n batches, timing nothing but Apply.
func load(b *testing.B, s *gpkg.Store, n int, want catalog.Status) {
	var longest, used time.Duration
	for i := range n {
		b.StopTimer()
		batch := batchOf(i)
		b.StartTimer()
		start, before := time.Now(), cpuTime()
		r, err := s.Apply(context.Background(), batch)
		used += cpuTime() - before
		longest = max(longest, time.Since(start))
		if err != nil || r.Statuses[0] != want {
			b.Fatalf("%+v %v", r, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n*benchBatch), "µs/row")
	b.ReportMetric(float64(used.Microseconds())/float64(n*benchBatch), "cpu-µs/row")
	b.ReportMetric(float64(longest.Milliseconds()), "ms/longest")
}

// BenchmarkApply loads new features in batches of 5,000: one operation is a batch.
func BenchmarkApply(b *testing.B) {
	s := benchStore(b)
	b.ReportAllocs()
	b.ResetTimer()
	load(b, s, b.N, catalog.Created)
}

// BenchmarkApplyUnchanged loads what is there already.
func BenchmarkApplyUnchanged(b *testing.B) {
	s := benchStore(b)
	load(b, s, b.N, catalog.Created)
	b.ReportAllocs()
	b.ResetTimer()
	load(b, s, b.N, catalog.Unchanged)
}

// BenchmarkScan reads 100,000 features; one operation is the whole scan.
func BenchmarkScan(b *testing.B) {
	s := benchStore(b)
	load(b, s, 20, catalog.Created)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if _, err := s.Scan(context.Background(), catalog.Query{Collection: "buildings"}, func(*catalog.Feature) error { n++; return nil }); err != nil || n != 20*benchBatch {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*20*benchBatch), "µs/row")
}

// BenchmarkWindow searches windows of some 500 m among 100,000 features.
func BenchmarkWindow(b *testing.B) {
	s := benchStore(b)
	load(b, s, 20, catalog.Created)
	world := geo.World() // the first window makes the spatial index
	if _, err := s.Scan(context.Background(), catalog.Query{Collection: "buildings", Box: &world}, func(*catalog.Feature) error { return nil }); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	found := 0
	r := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		x, y := 72.78+r.Float64()*0.2, 18.9+r.Float64()*0.36
		box := geo.Box{W: x, S: y, E: x + 0.005, N: y + 0.0045}
		if _, err := s.Scan(context.Background(), catalog.Query{Collection: "buildings", Box: &box}, func(*catalog.Feature) error { found++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(found)/float64(b.N), "features")
}

// BenchmarkChanges replays the feed of 100,000 features.
func BenchmarkChanges(b *testing.B) {
	s := benchStore(b)
	load(b, s, 20, catalog.Created)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if _, err := s.Changes(context.Background(), 0, func(c catalog.Commit) error { n += len(c.Changes); return nil }); err != nil || n != 20*benchBatch+1 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*20*benchBatch), "µs/row")
}

// BenchmarkFeature reads one feature by its id, transaction and all.
func BenchmarkFeature(b *testing.B) {
	s := benchStore(b)
	load(b, s, 1, catalog.Created)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := s.Feature(context.Background(), "buildings", fmt.Sprintf("b%08d", i%benchBatch), catalog.At{}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkEdit writes one feature that is there, as a person at a map does.
func BenchmarkEdit(b *testing.B) {
	s := benchStore(b)
	load(b, s, 1, catalog.Created)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		op := building(i % benchBatch)
		op.Feature.Props[2].Value = catalog.Integer(int64(1000 + i))
		if r, err := s.Apply(context.Background(), catalog.Batch{Ops: catalog.Ops(op)}); err != nil || r.Updated != 1 {
			b.Fatal(r, err)
		}
		i++
	}
}

// BenchmarkApplyUpdated changes an attribute of 100,000 features whose window
// index exists; one operation is a batch of 5,000.
func BenchmarkApplyUpdated(b *testing.B) {
	s := benchStore(b)
	load(b, s, 20, catalog.Created)
	box := geo.World()
	if _, err := s.Scan(context.Background(), catalog.Query{Collection: "buildings", Box: &box}, func(*catalog.Feature) error { return nil }); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var used time.Duration
	for i := range b.N {
		b.StopTimer()
		ops := make([]catalog.Op, benchBatch)
		for k := range ops {
			ops[k] = building(i%20*benchBatch + k)
			ops[k].Feature.Props[2].Value = catalog.Integer(int64(1000 + i))
		}
		b.StartTimer()
		before := cpuTime()
		if r, err := s.Apply(context.Background(), catalog.Batch{Ops: catalog.Ops(ops...)}); err != nil || r.Updated != benchBatch {
			b.Fatal(r, err)
		}
		used += cpuTime() - before
	}
	b.ReportMetric(float64(used.Microseconds())/float64(b.N*benchBatch), "cpu-µs/row")
}
