package layers

import (
	"context"

	"nagar/catalog"
)

// A scan is read and taken in by two goroutines: a store decodes rows while those
// before are projected and put into columns.
const (
	aheadBatch   = 512
	aheadBatches = 4
)

// scanAhead calls take for every feature of a scan, in order, from one other
// goroutine, and returns when that is done. An error may come after some features.
func scanAhead(ctx context.Context, src Source, q catalog.Query, take func(*catalog.Feature)) (catalog.Rev, error) {
	full, spare := make(chan []catalog.Feature, aheadBatches), make(chan []catalog.Feature, aheadBatches+2)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for fs := range full {
			for i := range fs {
				take(&fs[i])
			}
			clear(fs)
			spare <- fs[:0]
		}
	}()
	made := 0
	var fs []catalog.Feature
	next := func() []catalog.Feature {
		if made < aheadBatches+2 {
			made++
			return make([]catalog.Feature, 0, aheadBatch)
		}
		return <-spare
	}
	rev, err := src.Scan(ctx, q, func(f *catalog.Feature) error {
		if fs == nil {
			fs = next()
		}
		if fs = append(fs, *f); len(fs) == aheadBatch {
			full <- fs
			fs = nil
		}
		return ctx.Err()
	})
	if len(fs) > 0 {
		full <- fs
	}
	close(full)
	<-done
	return rev, err
}
