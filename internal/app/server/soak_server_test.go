package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soakChild has the arguments of twin in a child of TestSoak: memory, goroutines
// and files are then the server's alone.
const soakChild = "NAGAR_TEST_SOAK"

func runSoakChild(args string) {
	os.Exit(Twin(strings.Split(args, "\n"), os.Stdout, os.Stderr))
}

type soakServer struct{ base string }

// startSoakServer starts twin on the town's store, until the test ends; with a
// snapshot file, "on" or "off".
func startSoakServer(t *testing.T, c *town, snapshot string) *soakServer {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSoak$")
	cmd.Env = append(os.Environ(), soakChild+"="+strings.Join([]string{"--store", c.store, "--addr", "127.0.0.1:0", "--admin-token", c.token, "--cache-mb", "16", "--snapshot", snapshot}, "\n"))
	log := &lines{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if t.Failed() {
			said := 0
			for line := range strings.Lines(log.buf.String()) {
				if strings.Contains(line, "level=ERROR") && said < 5 {
					said++
					t.Logf("the server said: %.3000s", line)
				}
			}
		}
	})
	s := &soakServer{}
	for sc := bufio.NewScanner(out); s.base == "" && sc.Scan(); {
		s.base, _ = strings.CutPrefix(sc.Text(), "listening on ")
	}
	go io.Copy(io.Discard, out)
	eventually(t, "the server is ready", func() bool {
		r, err := http.Get(s.base + "/readyz")
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return s
}

// soakFigures are what the server says of itself.
type soakFigures struct {
	heap, resident    int64 // bytes; the heap as it was after the last collection
	goroutines, files int64
	segments, merges  int64
	cache, index      int64 // bytes
	cpu               int64 // ms since it started
}

func (f soakFigures) String() string {
	return fmt.Sprintf("heap %.1f MB, resident %d MB, %d goroutines, %d files, %d segments after %d merges, cache %d MB, index %d MB, %.1f s of processor",
		float64(f.heap)/(1<<20), f.resident>>20, f.goroutines, f.files, f.segments, f.merges, f.cache>>20, f.index>>20, float64(f.cpu)/1000)
}

// figures asks the server how it is.
func (s *soakServer) figures(t *testing.T) soakFigures {
	t.Helper()
	resp, err := http.Get(s.base + "/metrics")
	if err != nil {
		t.Error(err)
		return soakFigures{}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	number := func(name string) float64 {
		for line := range bytes.Lines(text) {
			if rest, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
				v, err := strconv.ParseFloat(strings.TrimSpace(string(rest)), 64)
				if err == nil {
					return v
				}
			}
		}
		t.Errorf("no metric %s", name)
		return 0
	}
	value := func(name string) int64 { return int64(number(name)) }
	return soakFigures{
		cpu: int64(1000 * number("process_cpu_seconds_total")),

		// The collector's next goal is what it found alive, and GOGC per cent more.
		heap:       value("go_memstats_next_gc_bytes") * 100 / (100 + value("go_gc_gogc_percent")),
		resident:   value("process_resident_memory_bytes"),
		goroutines: value("go_goroutines"), files: value("process_open_fds"),
		segments: value("nagar_index_segments"), merges: value("nagar_index_merges_total"),
		cache: value("nagar_cache_bytes"), index: value("nagar_index_bytes"),
	}
}

// watch samples the figures until ctx ends.
func (s *soakServer) watch(t *testing.T, ctx context.Context, every time.Duration) []soakFigures {
	t.Helper()
	var out []soakFigures
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return out
		case <-tick.C:
			out = append(out, s.figures(t))
		}
	}
}

// settled waits until the server holds no more goroutines and files than before
// anybody came.
func (s *soakServer) settled(t *testing.T, before soakFigures) (now soakFigures) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "goroutines and files are given back", func() bool {
		now = s.figures(t)
		return now.goroutines <= before.goroutines+30 && now.files <= before.files+30 // a database keeps some connections
	})
	return now
}
