package server

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestMemoryIsBoundedByWhatLives: large buffers that are dropped leave the process
// again, and the bound goes with the server.
func TestMemoryIsBoundedByWhatLives(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	before := debug.SetMemoryLimit(-1)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- boundMemory(ctx) }()
	held := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapSys - m.HeapReleased
	}
	bufs := make([][]byte, 40)
	for i := range bufs {
		bufs[i] = make([]byte, 8<<20)
		for j := 0; j < len(bufs[i]); j += 4096 {
			bufs[i][j] = 1
		}
	}
	most := held()
	runtime.KeepAlive(bufs)
	bufs = nil
	runtime.GC()
	for end := time.Now().Add(time.Minute); held() > most-200<<20; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d MB of %d are held a minute later", held()>>20, most>>20)
		}
		_ = make([]byte, 8<<20) // as a server that serves on
		runtime.Gosched()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("the limit is %d afterwards, was %d", got, before)
	}
	if memoryFor(100<<20) <= 130<<20 || memoryFor(0) > math.MaxInt64/2 {
		t.Error("the bound leaves no room")
	}
}
