package pg

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/internal/twin/history"
	"nagar/internal/twin/history/historytest"
)

func TestContract(t *testing.T) {
	historytest.Run(t, func(t *testing.T) historytest.Open {
		url := pgtest.Start(t)
		return func(t *testing.T) history.Store {
			s, err := Open(t.Context(), url, historytest.Zone(t))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
}

func TestNobodyThere(t *testing.T) {
	_, err := Open(t.Context(), "postgres://user:secret@127.0.0.1:1/db", time.UTC)
	if !errors.Is(err, catalog.ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.Context(), "postgres://user:secret@h:x/db", time.UTC); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkAppend appends a second of 10,000 datastreams at a time.
func BenchmarkAppend(b *testing.B) {
	s, err := Open(b.Context(), pgtest.Start(b), historytest.Zone(b))
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
