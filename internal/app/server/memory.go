package server

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"time"
)

// garbage is how much, in percent of what lives, may lie about before it is
// collected. Most of what a server holds is arrays without pointers, which the
// collector need not walk: with 30 instead of Go's 100 a million buildings load
// within 520 MB instead of 720.
const garbage = 30

// collectOften sets that, unless the environment says otherwise (GOGC).
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}

// giveBack waits until everything is loaded and returns to the system what loading
// needed and serving does not: a server that idles would keep it. From then on the
// memory is bounded.
func giveBack(ctx context.Context, loaded ...func() bool) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		waiting := slices.ContainsFunc(loaded, func(ready func() bool) bool { return !ready() })
		if !waiting {
			debug.FreeOSMemory()
			return boundMemory(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// boundMemory keeps what is free in the heap small, until ctx ends: what sixty-four
// clients with large tiles leave behind goes back to the system at once instead of
// over minutes. The bound follows what lives, so that it makes no garbage
// collection that would not be due soon by garbage above; GOMEMLIMIT sets another.
func boundMemory(ctx context.Context) error {
	if os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		metrics.Read(live)
		if live[0].Value.Kind() == metrics.KindUint64 {
			debug.SetMemoryLimit(memoryFor(live[0].Value.Uint64()))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// memoryFor is the bound of all memory of the Go runtime while so much lives: the
// garbage that may lie about, and 24 MB for stacks, tables and large buffers.
func memoryFor(live uint64) int64 {
	return int64(live) + int64(live)*garbage/100 + 24<<20
}
