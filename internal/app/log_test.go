package app

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// shared is a log's file that a test reads while it is written.
type shared struct {
	mu     sync.Mutex
	b      bytes.Buffer
	writes int
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	return s.b.Write(p)
}

func (s *shared) read() (string, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String(), s.writes
}

// TestLogLinesGoOutTogetherAndWarningsAtOnce counts lines, their order and writes.
func TestLogLinesGoOutTogetherAndWarningsAtOnce(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		out := &shared{}
		log, flush := NewLogger(out, format)
		other := log.With("a", 1).WithGroup("g")
		for range 100 {
			log.Info("one")
			other.Info("two", "b", 2)
		}
		log.Warn("three")
		got, writes := out.read()
		if strings.Count(got, "one") != 100 || strings.Count(got, "two") != 100 || !strings.Contains(got, "three") {
			t.Fatalf("%s: a warning is not out, or what was before it is not:\n%s", format, got)
		}
		if writes > 20 {
			t.Errorf("%s: %d writes for 200 lines", format, writes)
		}
		log.Info("four")
		flush()
		if got, _ := out.read(); !strings.HasSuffix(strings.TrimSpace(got), "four") && !strings.Contains(got, `"four"}`) {
			t.Errorf("%s: after flush: %s", format, got[len(got)-100:])
		}
		log.Info("five")
		for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			if got, _ := out.read(); strings.Contains(got, "five") {
				break
			} else if time.Now().After(end) {
				t.Fatalf("%s: a line by itself never goes out", format)
			}
		}
	}
}

func BenchmarkLogLine(b *testing.B) {
	log, _ := NewLogger(&shared{}, "text")
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "request", slog.String("method", "GET"), slog.Int("status", 200))
	}
}
