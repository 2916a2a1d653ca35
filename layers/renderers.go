package layers

import (
	"cmp"
	"sync"
	"time"

	"nagar/layers/index"
)

// renderers keeps renderers between tiles, with the memory that they have grown to.
// Those of big jobs are kept apart: else every one would in time be as large as the
// largest tile, and there are as many as requests at a time.
//
// They are no sync.Pool: the little that a server holds otherwise makes the garbage
// collector run every twenty tiles or so, and each second run empties a pool. To
// grow a renderer anew, page by page, costs as much as to draw several tiles.
type renderers struct {
	mu   sync.Mutex
	idle [2][]*renderer // of small jobs and of big ones, the last used last
	held int            // bytes, of all that are idle

	// The fewest idle ones since the last look: so many were not needed, and go.
	fewest [2]int
	look   *time.Timer
	wait   time.Duration // until the next look; 0: keepFor
}

const (
	keepSmall = 4 << 20  // bytes beyond which a renderer of small jobs is not kept
	keepBig   = 24 << 20 // and one of big jobs: a tile of 100,000 features, all drawn, takes 20 MB or so
	keepAll   = 32 << 20 // and all that are idle

	// keepFor is how long a renderer is kept that nobody needs, and up to twice that.
	keepFor = 5 * time.Second
)

// class is the index in idle of the renderers for a job that hits so many features.
func class(features int) int {
	if features >= bigJob {
		return 1
	}
	return 0
}

// get returns a renderer for a job that hits so many features.
func (p *renderers) get(features int) *renderer {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := class(features)
	n := len(p.idle[k]) - 1
	if n < 0 {
		return new(renderer)
	}
	d := p.idle[k][n]
	p.idle[k][n] = nil
	p.idle[k] = p.idle[k][:n]
	p.held -= d.held()
	p.fewest[k] = min(p.fewest[k], n)
	return d
}

// put takes a renderer back from such a job.
func (p *renderers) put(d *renderer, features int) {
	k, held := class(features), d.held()
	if held > [2]int{keepSmall, keepBig}[k] {
		return
	}
	d.letGo()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held+held > keepAll {
		return
	}
	p.idle[k] = append(p.idle[k], d)
	p.held += held
	p.lookLater()
}

// lookLater sees to it that a look is due.
func (p *renderers) lookLater() {
	if p.look == nil {
		p.look = time.AfterFunc(cmp.Or(p.wait, keepFor), p.drop)
	}
}

// drop lets go of what nobody needed since the last look, and looks again later as
// long as something is left.
func (p *renderers) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look = nil
	for k, idle := range p.idle {
		for _, d := range idle[:p.fewest[k]] {
			p.held -= d.held()
		}
		n := copy(idle, idle[p.fewest[k]:])
		clear(idle[n:])
		p.idle[k], p.fewest[k] = idle[:n], n
		if n > 0 {
			p.lookLater()
		}
	}
}

// held is about how many bytes the renderer keeps for the next tile.
func (d *renderer) held() int {
	return d.w.Held() + cap(d.gzip.out) + d.find.Held() + 8*cap(d.arena) + 4*(cap(d.points)+cap(d.ends)+cap(d.pieces)+cap(d.some)+cap(d.blocks.coords)+cap(d.blocks.label)) + 8*cap(d.others.bits)
}

// letGo drops what belongs to a collection: a renderer at rest would keep whole
// segments that a merge has replaced.
func (d *renderer) letGo() {
	d.job, d.snap, d.holds = nil, nil, nil
	d.shape = index.Shape{}
	clear(d.sums[:cap(d.sums)])
}
