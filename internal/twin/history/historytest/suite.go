// Package historytest is the contract of history.Store as a suite that each store passes.
package historytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nagar/internal/twin/history"
)

// Open opens a store, the same each time it is called.
type Open func(t *testing.T) history.Store

// Zone is the time zone that stores must be opened with.
func Zone(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// Run runs the suite; fresh makes an empty place.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"random": random, "position": positions, "given": given, "kinds": kinds, "prune": prune, "erase": erase, "two writers": twoWriters, "hours": hours,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func at(seq uint64) history.Position { return history.Position{Stream: "s", Seq: seq} }

func appendAt(t *testing.T, s history.Store, from uint64, readings ...history.Observation) []bool {
	t.Helper()
	after := at(from)
	if from == 0 {
		after = history.Position{}
	}
	for i := range readings {
		readings[i].Seq = from + 1
	}
	fresh, err := s.Append(t.Context(), after, at(from+1), readings)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func scan(t *testing.T, s history.Store, span history.Span) (out []history.Observation) {
	t.Helper()
	if err := s.Scan(t.Context(), span, func(o *history.Observation) error {
		out = append(out, *o)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func rollups(t *testing.T, s history.Store, l history.Level, span history.Span) (out []history.Rollup) {
	t.Helper()
	if err := s.Rollups(t.Context(), l, span, func(r history.Rollup) error {
		out = append(out, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func same(a, b history.Observation) bool {
	if a.Number() != b.Number() || a.Number() && a.Value != b.Value {
		return false
	}
	a.Value, b.Value, a.Seq, b.Seq = 0, 0, 0, 0
	return a == b
}

// random compares with a map, over batches of random readings of a few datastreams
// and days, many of them twice.
func random(t *testing.T, open Open) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	s, zone := open(t), Zone(t)
	begin := time.Date(2024, 5, 31, 18, 0, 0, 0, time.UTC).UnixMicro()
	have := map[string]map[int64]history.Observation{}
	for batch := range uint64(30) {
		var readings []history.Observation
		var want []bool
		for range r.IntN(60) {
			o := history.Observation{Datastream: fmt.Sprint("d", r.IntN(4)), Time: begin + r.Int64N(5000)*60e6, Value: math.Round(r.NormFloat64()*100) / 4}
			if r.IntN(5) == 0 {
				o.Quality = history.OutOfRange
			}
			if have[o.Datastream] == nil {
				have[o.Datastream] = map[int64]history.Observation{}
			}
			_, there := have[o.Datastream][o.Time]
			if want = append(want, !there); !there {
				have[o.Datastream][o.Time] = o
			}
			readings = append(readings, o)
		}
		if got := appendAt(t, s, batch, readings...); !slices.Equal(got, want) {
			t.Fatalf("batch %d: new are %v, want %v", batch, got, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t)
	defer s.Close()
	for id, by := range have {
		var want []history.Observation
		for _, o := range by {
			want = append(want, o)
		}
		slices.SortFunc(want, func(a, b history.Observation) int { return int(a.Time/1000 - b.Time/1000) })
		if got := scan(t, s, history.Span{Datastream: id}); !slices.EqualFunc(got, want, same) {
			t.Errorf("%s: %d readings, want %d", id, len(got), len(want))
		}
		from, to := want[len(want)/4].Time, want[len(want)/2].Time
		part := slices.Clone(want[len(want)/4 : len(want)/2])
		slices.Reverse(part)
		if got := scan(t, s, history.Span{Datastream: id, From: from, To: to, Newest: true}); !slices.EqualFunc(got, part, same) {
			t.Errorf("%s, newest first: %d readings, want %d", id, len(got), len(part))
		}
		for _, l := range history.Levels {
			sums := map[int64]*history.Rollup{}
			for _, o := range want {
				start := l.Start(o.Time, zone)
				if sums[start] == nil {
					sums[start] = &history.Rollup{Start: start}
				}
				sums[start].Add(&o)
			}
			got := rollups(t, s, l, history.Span{Datastream: id})
			if len(got) != len(sums) || !slices.IsSortedFunc(got, func(a, b history.Rollup) int { return int((a.Start - b.Start) / 1e6) }) {
				t.Fatalf("%s level %d: %d buckets, want %d in order", id, l, len(got), len(sums))
			}
			for _, g := range got {
				if w := sums[g.Start]; w == nil || g.Count != w.Count || g.Good != w.Good || g.Min != w.Min || g.Max != w.Max || math.Abs(g.Sum-w.Sum) > 1e-6 {
					t.Errorf("%s level %d: %+v, want %+v", id, l, g, w)
				}
			}
		}
	}
	latest := map[string]int64{}
	if err := s.Latest(t.Context(), time.UnixMicro(begin+2000*60e6), func(o *history.Observation) error {
		latest[o.Datastream] = o.Time
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for id, by := range have {
		newest := int64(0)
		for time := range by {
			if time >= begin+2000*60e6 {
				newest = max(newest, time)
			}
		}
		if latest[id] != newest {
			t.Errorf("latest of %s: %d, want %d", id, latest[id], newest)
		}
	}
}

func positions(t *testing.T, open Open) {
	s := open(t)
	defer s.Close()
	ctx := t.Context()
	if p, err := s.Position(ctx); err != nil || p != (history.Position{}) {
		t.Errorf("of an empty store: %v %v", p, err)
	}
	one := history.Observation{Datastream: "d", Time: 1e12, Value: 1}
	appendAt(t, s, 0, one)
	if _, err := s.Append(ctx, history.Position{}, at(5), []history.Observation{{Datastream: "d", Time: 2e12, Value: 1}}); !errors.Is(err, history.ErrMoved) {
		t.Errorf("from a position that is past: %v", err)
	}
	if got := scan(t, s, history.Span{Datastream: "d"}); len(got) != 1 {
		t.Errorf("what was refused is there: %v", got)
	}
	if p, err := s.Position(ctx); err != nil || p != at(1) {
		t.Errorf("position %v %v", p, err)
	}
	if _, err := s.Append(ctx, at(1), history.Position{Stream: "another", Seq: 7}, nil); err != nil {
		t.Errorf("a batch of nothing: %v", err)
	}
	if p, err := s.Position(ctx); err != nil || p != (history.Position{Stream: "another", Seq: 7}) {
		t.Errorf("position %v %v", p, err)
	}
	enough := errors.New("enough")
	if err := s.Scan(ctx, history.Span{Datastream: "d"}, func(*history.Observation) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("an error of fn: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Append(gone, history.Position{Stream: "another", Seq: 7}, at(9), []history.Observation{one}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// given: readings without a time of their own are all new; those of one time with a
// time of their own are one.
func given(t *testing.T, open Open) {
	s := open(t)
	defer s.Close()
	midnight := time.Date(2024, 6, 2, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
	o := func(given bool, value float64) history.Observation {
		return history.Observation{Datastream: "d", Time: midnight, Value: value, Given: given}
	}
	if got := appendAt(t, s, 0, o(false, 1), o(false, 2), o(true, 3), o(true, 4)); !slices.Equal(got, []bool{true, false, true, true}) {
		t.Errorf("new: %v", got)
	}
	if got := appendAt(t, s, 1, o(true, 5), o(false, 6)); !slices.Equal(got, []bool{true, false}) {
		t.Errorf("new: %v", got)
	}
	var values []float64
	for i, got := range scan(t, s, history.Span{Datastream: "d"}) {
		if values = append(values, got.Value); got.Time != midnight+int64(i) {
			t.Errorf("reading %d is of %d", i, got.Time-midnight)
		}
	}
	if !slices.Equal(values, []float64{1, 3, 4, 5}) {
		t.Errorf("values %v", values)
	}
}

// kinds: what a reading has besides a number comes back.
func kinds(t *testing.T, open Open) {
	s := open(t)
	defer s.Close()
	want := []history.Observation{
		{Datastream: "d 'ü", Time: -62e15, Value: -1.5e300},
		{Datastream: "d 'ü", Time: -1, Value: math.NaN(), Text: `"wet"`, Quality: history.Late | history.Stuck},
		{Datastream: "d 'ü", Time: 0, End: 3600e6, Value: 0, Extra: `{"resultTime":"x"}`},
		{Datastream: "d 'ü", Time: 250e15, Value: 1},
	}
	appendAt(t, s, 0, slices.Clone(want)...)
	if got := scan(t, s, history.Span{Datastream: "d 'ü", From: math.MinInt64}); !slices.EqualFunc(got, want, same) {
		t.Errorf("got %+v", got)
	}
	if got := scan(t, s, history.Span{Datastream: "unknown"}); got != nil {
		t.Errorf("of an unknown datastream: %v", got)
	}
	if got := rollups(t, s, history.Hour, history.Span{Datastream: "d 'ü", From: -1e10, To: 1e10}); len(got) != 2 && len(got) != 1 {
		t.Errorf("hours: %+v", got)
	}
}

func prune(t *testing.T, open Open) {
	s := open(t)
	defer s.Close()
	day := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	var readings []history.Observation
	for h := range 24 * 5 {
		readings = append(readings, history.Observation{Datastream: "d", Time: day.Add(time.Duration(h) * time.Hour).UnixMicro(), Value: 1})
	}
	appendAt(t, s, 0, readings...)
	if n, err := s.Prune(t.Context(), day.AddDate(0, 0, 2).Add(time.Hour)); n != 2 || err != nil {
		t.Fatalf("%d days went, %v", n, err)
	}
	if got := scan(t, s, history.Span{Datastream: "d"}); len(got) != 72 || got[0].Time != day.AddDate(0, 0, 2).UnixMicro() {
		t.Errorf("%d readings are left", len(got))
	}
	if got := rollups(t, s, history.FiveMinutes, history.Span{Datastream: "d"}); len(got) != 72 {
		t.Errorf("%d five-minute roll-ups are left", len(got))
	}
	if got := rollups(t, s, history.Hour, history.Span{Datastream: "d"}); len(got) < 120 {
		t.Errorf("%d hours are left", len(got))
	}
	if got := appendAt(t, s, 1, history.Observation{Datastream: "d", Time: day.UnixMicro(), Value: 1}); !got[0] {
		t.Error("a late reading of a day that went is refused")
	}
}

func erase(t *testing.T, open Open) {
	s := open(t)
	defer s.Close()
	appendAt(t, s, 0, history.Observation{Datastream: "a", Time: 1e15, Value: 1}, history.Observation{Datastream: "b", Time: 1e15, Value: 1})
	for _, id := range []string{"a", "unknown"} {
		if err := s.Erase(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := scan(t, s, history.Span{Datastream: "a"}), scan(t, s, history.Span{Datastream: "b"}); len(a) != 0 || len(b) != 1 {
		t.Errorf("%d of a, %d of b are left", len(a), len(b))
	}
	if got := rollups(t, s, history.Day, history.Span{Datastream: "a"}); len(got) != 0 {
		t.Errorf("roll-ups: %v", got)
	}
}

// twoWriters: two that follow one stream count nothing twice, and miss nothing.
func twoWriters(t *testing.T, open Open) {
	const batches = 40
	done := make(chan error, 2)
	for w := range 2 {
		s := open(t)
		defer s.Close()
		go func() {
			done <- func() error {
				for {
					p, err := s.Position(context.Background())
					if err != nil {
						return err
					}
					if p.Seq == batches {
						return nil
					}
					o := history.Observation{Datastream: fmt.Sprint("d", p.Seq%3), Time: 1e15 + int64(p.Seq), Value: float64(w), Seq: p.Seq + 1}
					if _, err := s.Append(context.Background(), p, at(p.Seq+1), []history.Observation{o}); err != nil && !errors.Is(err, history.ErrMoved) {
						return err
					}
				}
			}()
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	s, n := open(t), 0
	defer s.Close()
	for d := range 3 {
		n += len(scan(t, s, history.Span{Datastream: fmt.Sprint("d", d)}))
	}
	if n != batches {
		t.Errorf("%d readings, want %d", n, batches)
	}
}

// hours reads the hours of seven weeks of one datastream among others.
func hours(t *testing.T, open Open) {
	s := open(t)
	defer s.Close()
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	const days, step = 49, 7
	batch := uint64(0)
	for d := 0; d < days; d += step {
		var readings []history.Observation
		for h := range 24 * step {
			for id := range 5 {
				readings = append(readings, history.Observation{Datastream: fmt.Sprint("d", id), Time: begin.AddDate(0, 0, d).Add(time.Duration(h)*time.Hour + 30*time.Minute).UnixMicro(), Value: float64(h)})
			}
		}
		appendAt(t, s, batch, readings...)
		batch++
	}
	start := time.Now()
	got := rollups(t, s, history.Hour, history.Span{Datastream: "d3"})
	t.Logf("%d hours in %s", len(got), time.Since(start))
	if len(got) < days*24 || got[100].Good != 1 {
		t.Errorf("%d hours", len(got))
	}
}
