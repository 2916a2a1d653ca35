package ingest

import (
	"context"
	"errors"
	"io"
	"sync"

	"nagar/internal/format"
)

// job is one chunk on its way through the workers.
type job struct {
	chunk format.Chunk
	items []item
	m     *mapping // with which items were made
	err   error    // of the reader; the chunk is nil then
	ready chan struct{}
}

// pipeline reads chunks in one goroutine, processes them in several, and gives
// them out in order. At most 4 chunks a worker are in flight.
type pipeline struct {
	dec    format.Decoder
	work   chan *job
	order  chan *job
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// startPipeline runs process(worker, job) on every chunk. stop must be called.
func startPipeline(ctx context.Context, dec format.Decoder, workers int, process func(worker int, j *job)) *pipeline {
	ctx, cancel := context.WithCancel(ctx)
	p := &pipeline{dec: dec, work: make(chan *job, workers), order: make(chan *job, 2*workers), cancel: cancel}
	p.wg.Go(func() { p.read(ctx) })
	for i := range workers {
		p.wg.Go(func() {
			for j := range p.work {
				if ctx.Err() == nil {
					process(i, j)
				}
				close(j.ready)
			}
		})
	}
	return p
}

func (p *pipeline) read(ctx context.Context) {
	defer close(p.order)
	defer close(p.work)
	for {
		chunk, err := p.dec.Read()
		j := &job{chunk: chunk, err: err, ready: make(chan struct{})}
		if err != nil {
			close(j.ready)
		}
		select {
		case p.order <- j:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		select {
		case p.work <- j:
		case <-ctx.Done():
			close(j.ready)
			return
		}
	}
}

// next is the next chunk, processed; io.EOF after the last.
func (p *pipeline) next(ctx context.Context) (*job, error) {
	select {
	case j, ok := <-p.order:
		if !ok {
			return nil, context.Cause(ctx)
		}
		select {
		case <-j.ready:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if j.err != nil {
			return nil, j.err
		}
		return j, ctx.Err()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// stop ends all goroutines and waits for them.
func (p *pipeline) stop() {
	p.cancel()
	for range p.order { // let the reader go
	}
	p.wg.Wait()
}

// survey reads the whole file once for what its records are like. An error is the
// file's; the shape then holds what came before it.
func survey(ctx context.Context, dec format.Decoder, workers int, uidFrom map[string]bool) (*shape, error) {
	shapes := make([]*shape, workers)
	for i := range shapes {
		shapes[i] = newShape(dec.Info(), uidFrom)
	}
	p := startPipeline(ctx, dec, workers, func(w int, j *job) {
		var r format.Record
		decode := j.chunk.Decode
		if c, ok := j.chunk.(format.Surveyed); ok {
			decode = c.DecodeFields
		}
		for i := range j.chunk.Len() {
			decode(i, &r)
			if r.Err == nil {
				shapes[w].add(&r)
			} else if r.Fatal {
				j.items = append(j.items, item{reject: r.Err, fatal: true})
			}
		}
	})
	var err error
	for err == nil {
		var j *job
		if j, err = p.next(ctx); err == nil {
			for i := range j.items {
				err = j.items[i].reject
			}
			j.chunk.Release()
		}
	}
	p.stop()
	for _, s := range shapes[1:] {
		shapes[0].merge(s)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return shapes[0], err
}
