package layers

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// workers bounds the work in flight. Small jobs and big ones wait in lines of
// their own, so that a city-wide tile never holds up a street: at most two small
// jobs per processor run, and big ones together hit at most bigLoad features.
type workers struct {
	small, big *semaphore.Weighted
	busy       atomic.Int64
}

const (
	bigJob  = 6_000   // features hit from which on a job is big
	bigLoad = 100_000 // features of all big jobs at once; a larger one runs alone
)

func newWorkers() *workers {
	return &workers{
		small: semaphore.NewWeighted(int64(2 * runtime.GOMAXPROCS(0))),
		big:   semaphore.NewWeighted(bigLoad),
	}
}

// enter waits for a place for a job that hits so many features; call the
// function that it returns when the job is done. The error is ctx's.
func (w *workers) enter(ctx context.Context, features int) (leave func(), err error) {
	sem, n := w.small, int64(1)
	if features >= bigJob {
		sem, n = w.big, int64(min(features, bigLoad))
	}
	if err := sem.Acquire(ctx, n); err != nil {
		return nil, err
	}
	w.busy.Add(1)
	return func() {
		w.busy.Add(-1)
		sem.Release(n)
	}, nil
}
