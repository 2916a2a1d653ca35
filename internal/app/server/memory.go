package server

import (
	"context"
	"os"
	"runtime/debug"
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
// needed and serving does not: a server that idles would keep it.
func giveBack(ctx context.Context, loaded ...func() bool) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		waiting := slices.ContainsFunc(loaded, func(ready func() bool) bool { return !ready() })
		if !waiting {
			debug.FreeOSMemory()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
