package daily

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"nagar/internal/twin/history"
	"nagar/internal/twin/history/historytest"
)

func TestContract(t *testing.T) {
	historytest.Run(t, func(t *testing.T) historytest.Open {
		folder := filepath.Join(t.TempDir(), "city #1?.gpkg.d", "observations")
		return func(t *testing.T) history.Store {
			s, err := Open(t.Context(), folder, historytest.Zone(t))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
}

// TestCrashBetweenTheFiles: a day's file was committed, history.db was not. The
// same messages come again, and count once.
func TestCrashBetweenTheFiles(t *testing.T) {
	folder := t.TempDir()
	s, err := Open(t.Context(), folder, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	readings := func() []history.Observation {
		return []history.Observation{{Datastream: "d", Time: 1e15, Value: 3, Seq: 1}, {Datastream: "d", Time: 1e15, Value: 4, Seq: 1}, {Datastream: "d", Time: 1e15, Value: 5, Seq: 2, Given: true}}
	}
	end := history.Position{Stream: "s", Seq: 2}
	if _, err := s.Append(t.Context(), history.Position{}, end, readings()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.OpenConn(filepath.Join(folder, mainFile), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(sqlitex.ExecuteScript(c, "UPDATE state SET stream='', seq=0; DELETE FROM rollups;", nil), c.Close())
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), folder, time.UTC); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fresh, err := s.Append(t.Context(), history.Position{}, end, readings())
	if err != nil || fmt.Sprint(fresh) != "[true false true]" {
		t.Fatalf("new: %v %v", fresh, err)
	}
	n := 0
	if err := s.Scan(t.Context(), history.Span{Datastream: "d"}, func(*history.Observation) error { n++; return nil }); err != nil || n != 2 {
		t.Errorf("%d readings, %v", n, err)
	}
	if err := s.Rollups(t.Context(), history.Day, history.Span{Datastream: "d"}, func(r history.Rollup) error {
		if r.Count != 2 || r.Sum != 8 {
			t.Errorf("%+v", r)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestOnlyTheOwnerReadsTheFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "observations")
	s, err := Open(t.Context(), folder, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Append(t.Context(), history.Position{}, history.Position{Stream: "s", Seq: 1}, []history.Observation{{Datastream: "d", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) < 2 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

// BenchmarkAppend appends a second of 10,000 datastreams at a time.
func BenchmarkAppend(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir(), historytest.Zone(b))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	readings := make([]history.Observation, 10_000)
	var at history.Position
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	b.ReportAllocs()
	for b.Loop() {
		next := history.Position{Stream: "s", Seq: at.Seq + 1}
		for i := range readings {
			readings[i] = history.Observation{Datastream: fmt.Sprint("d", i), Time: now + int64(next.Seq)*1e6, Value: float64(i), Seq: next.Seq}
		}
		if _, err := s.Append(b.Context(), at, next, readings); err != nil {
			b.Fatal(err)
		}
		at = next
	}
	b.ReportMetric(float64(b.N*len(readings))/b.Elapsed().Seconds(), "readings/s")
}
