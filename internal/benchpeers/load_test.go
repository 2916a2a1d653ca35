//go:build peers

package benchpeers

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// figures are what one run of one server over one list measured.
type figures struct {
	requests, errors int
	perSecond        float64
	cpu              float64 // ms of the watched processes per request
	p50, p99         time.Duration
	bytes            float64 // mean of an answer, as sent
	memory           int64   // proportional share of the watched processes at the end, bytes
}

// load asks for the items with so many clients, each in turn: each once, or for a
// time over and over. Bodies are read to the end.
func load(items []string, clients int, lasting time.Duration, watch []int, ask func(client *http.Client, item string) (int64, error)) figures {
	var next, bytes, failed atomic.Int64
	took := make([][]time.Duration, clients)
	before, start := cpuTime(watch), time.Now()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}, Timeout: 2 * time.Minute}
			for lasting == 0 || time.Since(start) < lasting {
				n := int(next.Add(1) - 1)
				if lasting == 0 && n >= len(items) {
					return
				}
				begin := time.Now()
				size, err := ask(client, items[n%len(items)])
				if err != nil {
					failed.Add(1)
					continue
				}
				bytes.Add(size)
				took[i] = append(took[i], time.Since(begin))
			}
		}()
	}
	wg.Wait()
	elapsed := time.Since(start)
	all := slices.Concat(took...)
	slices.Sort(all)
	f := figures{requests: len(all), errors: int(failed.Load()), memory: memoryOf(watch)}
	if len(all) == 0 {
		return f
	}
	n := float64(len(all))
	f.perSecond, f.bytes = n/elapsed.Seconds(), float64(bytes.Load())/n
	f.cpu = (cpuTime(watch) - before) * 1000 / n
	f.p50, f.p99 = all[len(all)/2], all[min(len(all)*99/100, len(all)-1)]
	return f
}

// get asks over HTTP as a browser does, and takes 200 and 204 for an answer.
func get(url func(item string) string) func(*http.Client, string) (int64, error) {
	return func(client *http.Client, item string) (int64, error) {
		q, err := http.NewRequest(http.MethodGet, url(item), nil)
		if err != nil {
			return 0, err
		}
		q.Header.Set("Accept-Encoding", "gzip")
		r, err := client.Do(q)
		if err != nil {
			return 0, err
		}
		defer r.Body.Close()
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil && r.StatusCode != http.StatusOK && r.StatusCode != http.StatusNoContent {
			err = fmt.Errorf("status %d", r.StatusCode)
		}
		return n, err
	}
}

// family is the processes and all below them.
func family(roots []int) []int {
	below := map[int][]int{}
	list, _ := os.ReadDir("/proc")
	for _, e := range list {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if f := stat(pid); len(f) > 1 {
				parent, _ := strconv.Atoi(f[1])
				below[parent] = append(below[parent], pid)
			}
		}
	}
	out := slices.Clone(roots)
	for i := 0; i < len(out); i++ {
		out = append(out, below[out[i]]...)
	}
	return out
}

// stat is /proc/PID/stat from the state on.
func stat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.Fields(rest)
}

// cpuTime is the seconds that the processes and their children have computed, those
// that have ended included.
func cpuTime(roots []int) float64 {
	ticks := 0.0
	for _, pid := range family(roots) {
		if f := stat(pid); len(f) > 14 {
			for _, at := range [4]int{11, 12, 13, 14} {
				v, _ := strconv.ParseFloat(f[at], 64)
				ticks += v
			}
		}
	}
	return ticks / 100
}

func memoryOf(roots []int) int64 {
	sum := int64(0)
	for _, pid := range family(roots) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				kb, _ := strconv.ParseInt(f[1], 10, 64)
				sum += kb << 10
			}
		}
	}
	return sum
}
