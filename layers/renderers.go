package layers

import (
	"sync"

	"nagar/layers/index"
)

// renderers keeps renderers between tiles, with the memory that they have grown to.
// Those of big jobs are kept apart: else every one would in time be as large as the
// largest tile, and there are as many as requests at a time. The garbage collector
// takes what is not used.
type renderers struct {
	small, big sync.Pool
}

const (
	keepSmall = 4 << 20  // bytes beyond which a renderer of small jobs is not kept
	keepBig   = 32 << 20 // and one of big jobs: a tile of 100,000 features, all drawn, takes 20 MB or so
)

// get returns a renderer for a job that hits so many features.
func (p *renderers) get(features int) *renderer {
	if d, ok := p.of(features).Get().(*renderer); ok {
		return d
	}
	return new(renderer)
}

// put takes a renderer back from such a job.
func (p *renderers) put(d *renderer, features int) {
	limit := keepSmall
	if features >= bigJob {
		limit = keepBig
	}
	if d.held() <= limit {
		d.letGo()
		p.of(features).Put(d)
	}
}

func (p *renderers) of(features int) *sync.Pool {
	if features >= bigJob {
		return &p.big
	}
	return &p.small
}

// held is about how many bytes the renderer keeps for the next tile.
func (d *renderer) held() int {
	return d.w.Held() + 8*cap(d.arena) + 4*(cap(d.points)+cap(d.ends)+cap(d.pieces)+cap(d.some)+cap(d.blocks.coords)) + 8*cap(d.others.bits)
}

// letGo drops what belongs to a collection: a renderer at rest would keep whole
// segments that a merge has replaced.
func (d *renderer) letGo() {
	d.job, d.snap, d.holds = nil, nil, nil
	d.shape = index.Shape{}
	clear(d.sums[:cap(d.sums)])
}
