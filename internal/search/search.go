package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2"

	"nagar/catalog"
	"nagar/city/spelling"
	"nagar/geo"
)

// ErrNotReady says that the city has not been read yet.
var ErrNotReady = errors.New("search has not read the city yet")

// Source is what the search follows; catalog.Store has it all.
type Source interface {
	catalog.Feed
	Head(ctx context.Context) (catalog.Rev, error)
	Collections(ctx context.Context) ([]catalog.Collection, error)
	Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error)
}

// Options are the settings; the zero value works.
type Options struct {
	// Bounds is the city's box, degrees: it tells which of two numbers is the latitude.
	Bounds geo.Box
	// Ward reads a spelling of a ward and returns its name, so that "F North" finds F/N.
	Ward func(string) (string, bool)
	// Dir is where the full-text index is kept while Run runs; "": the system's
	// folder for temporary files.
	Dir string
	// Look tells what a view sees of a collection's features, by id, as they are
	// now. It is asked where not all rows are seen alike; without it, such a
	// collection is not searched.
	Look func(collection string, v catalog.View) func(id string) (catalog.Properties, bool)
	// Some tells whether any feature of a collection has a value in one of the fields,
	// as of the revision that it returns: where none has, the collection need not be
	// read. nil: all are read.
	Some func(collection string, fields []string) (bool, catalog.Rev)
	// MaxPlaces is the most places that are kept; 0: 500,000. What is beyond is not
	// found, and Left counts it.
	MaxPlaces int
}

// Query is a question.
type Query struct {
	Text   string
	Lang   string // language of titles, a BCP 47 code
	View   catalog.View
	Limit  int
	Offset int
	Near   *[2]float64 // lon, lat degrees: what is near comes earlier
}

// Hit is a result.
type Hit struct {
	Collection string // "" for coordinates
	ID         string
	Key        catalog.Key
	Title      string             // name in the reader's language
	Props      catalog.Properties // what the view sees of its name, address, category ...
	Lon, Lat   float64            // a point on or in it, degrees
	Box        geo.Box            // of the whole, degrees
	Score      float64            // 0 to 1
}

// Index is the search over one city. It is safe for concurrent use.
type Index struct {
	src   Source
	opts  Options
	ready atomic.Bool
	rev   atomic.Int64
	left  atomic.Int64

	mu          sync.RWMutex
	index       bleve.Index // nil unless Run runs
	collections map[string]catalog.Collection
	places      map[string]*place // by document id
	where       map[string]string // collection/id → document id
}

// New returns a search over src. It starts nothing: call Run.
func New(src Source, o Options) *Index {
	if o.MaxPlaces == 0 {
		o.MaxPlaces = 500_000
	}
	return &Index{src: src, opts: o}
}

// Ready reports whether the whole city has been read.
func (x *Index) Ready() bool { return x.ready.Load() }

// Rev is the revision that answers show at least.
func (x *Index) Rev() catalog.Rev { return catalog.Rev(x.rev.Load()) }

// Left is the number of named features that did not fit (Options.MaxPlaces).
func (x *Index) Left() int64 { return x.left.Load() }

// Run reads the city, then follows it until ctx ends or the source fails in
// another way than being away (catalog.ErrUnavailable). It keeps a folder in
// Options.Dir meanwhile, and removes it.
func (x *Index) Run(ctx context.Context) error {
	dir, err := os.MkdirTemp(x.opts.Dir, "nagar-search-")
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	index, err := openIndex(dir + "/index")
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	x.mu.Lock()
	x.index = index
	x.collections, x.places, x.where = map[string]catalog.Collection{}, map[string]*place{}, map[string]string{}
	x.mu.Unlock()
	err = x.follow(ctx)
	x.ready.Store(false)
	x.mu.Lock() // no question is being looked up past this point
	x.index = nil
	closeErr := index.Close()
	x.mu.Unlock()
	return errors.Join(err, closeErr, os.RemoveAll(dir))
}

// follow reads the city and follows it. While the store is away it tries again,
// and goes on answering from what it has.
func (x *Index) follow(ctx context.Context) error {
	since := catalog.Rev(-1) // nothing was read yet
	for wait := retryLeast; ; wait = min(2*wait, retryMost) {
		err := x.readAll(ctx, &since)
		if err == nil {
			// What was written while the collections were read comes again; that is harmless.
			err = catalog.Follow(ctx, x.src, since, func(c catalog.Commit) error {
				if err := x.commit(ctx, c); err != nil {
					return err
				}
				if !c.More {
					since, wait = c.Rev, retryLeast
					x.rev.Store(int64(c.Rev))
				}
				return nil
			})
		}
		if !errors.Is(err, catalog.ErrUnavailable) || ctx.Err() != nil {
			return fmt.Errorf("search: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("search: %w", ctx.Err())
		case <-time.After(wait):
		}
	}
}

// How long to wait for a store that is away.
const retryLeast, retryMost = 200 * time.Millisecond, 10 * time.Second

// readAll reads every collection, once.
func (x *Index) readAll(ctx context.Context, since *catalog.Rev) error {
	if *since >= 0 {
		return nil
	}
	head, err := x.src.Head(ctx)
	if err != nil {
		return err
	}
	list, err := x.src.Collections(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if c := &list[i]; x.opts.Some != nil && named(c) {
			if some, rev := x.opts.Some(c.Name, nameFields(c)); !some {
				x.know(c)
				head = min(head, rev) // what was written since is in the feed
				continue
			}
		}
		if err := x.read(ctx, &list[i]); err != nil {
			return fmt.Errorf("read %s: %w", list[i].Name, err)
		}
	}
	*since = head
	x.rev.Store(int64(head))
	x.ready.Store(true)
	return nil
}

// Find answers a question, best first; ErrNotReady before the city was read.
func (x *Index) Find(ctx context.Context, q Query) ([]Hit, error) {
	if !x.Ready() {
		return nil, ErrNotReady
	}
	if lon, lat, ok := coordinates(q.Text, x.opts.Bounds); ok {
		return page([]Hit{placeAt(lon, lat)}, q), nil
	}
	hits, err := x.ask(ctx, q, q.Text)
	if err != nil {
		return nil, err
	}
	if x.opts.Ward != nil {
		if name, ok := x.opts.Ward(q.Text); ok && name != q.Text {
			more, err := x.ask(ctx, q, name)
			if err != nil {
				return nil, err
			}
			hits = union(more, hits)
		}
	}
	sort.SliceStable(hits, func(i, j int) bool { return before(&hits[i], &hits[j]) })
	return page(hits, q), nil
}

// before orders hits: by score, then by what keeps pages apart from each other stable.
func before(a, b *Hit) bool {
	return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.Title, b.Title), strings.Compare(a.Collection, b.Collection), strings.Compare(a.ID, b.ID)) < 0
}

// union joins two lists; what is in both keeps its better score.
func union(a, b []Hit) []Hit {
	at := make(map[string]int, len(a))
	for i := range a {
		at[a[i].Collection+"/"+a[i].ID] = i
	}
	for _, h := range b {
		if i, ok := at[h.Collection+"/"+h.ID]; !ok {
			a = append(a, h)
		} else if h.Score > a[i].Score {
			a[i].Score = h.Score
		}
	}
	return a
}

func page(hits []Hit, q Query) []Hit {
	from := min(max(q.Offset, 0), len(hits))
	return hits[from:min(from+max(q.Limit, 0), len(hits))]
}

func (x *Index) ask(ctx context.Context, q Query, text string) ([]Hit, error) {
	words := spelling.Fold(text)
	if len(words) > maxQueryWords {
		words = words[:maxQueryWords]
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.index == nil {
		return nil, ErrNotReady
	}
	seen := x.classes(q.View)
	if len(words) == 0 || len(seen) == 0 {
		return nil, nil
	}
	m := newMatcher(words, &q)
	eye := &eye{index: x, view: q.View, looks: map[string]look{}}
	most := min(max(300, 2*(q.Offset+q.Limit)), mostCandidates)
	for _, least := range slices.Compact([]int{len(words), (len(words) + 1) / 2}) { // all words, else most of them
		for ; ; most = min(4*most, mostCandidates) {
			ids, err := candidates(ctx, x.index, words, least, seen, most)
			if err != nil {
				return nil, err
			}
			hits := eye.hits(ids, m, least, &q)
			// What the view does not see may stand before what it does.
			if len(ids) < most || most == mostCandidates || !eye.hid || len(hits) > q.Offset+q.Limit {
				if len(hits) > 0 {
					return hits, nil
				}
				break
			}
		}
	}
	return nil, nil
}

const mostCandidates = 20_000

func hitOf(p *place, shown *member, c *catalog.Collection, q *Query, score float64) Hit {
	h := Hit{
		Collection: p.collection, ID: shown.id, Key: catalog.KeyOf(p.collection, shown.id),
		Lon: shown.lon, Lat: shown.lat, Box: geo.EmptyBox(), Score: float64(int(score*10000)) / 10000,
	}
	for i := range p.members {
		h.Box = h.Box.Union(p.members[i].box)
	}
	rank := -1
	for i := range shown.values {
		v := &shown.values[i]
		fd, ok := c.Field(v.field)
		if !ok || !q.View.SeesField(c, fd) {
			continue
		}
		h.Props = append(h.Props, catalog.Property{Name: v.field, Value: v.text})
		if r := titleRank(v, q.Lang); r > rank {
			rank, h.Title = r, v.text.Str()
		}
	}
	return h
}

// titleRank says which of a place's texts is its title: its name in the reader's
// language, else its plain name, else any name.
func titleRank(v *value, lang string) int {
	switch {
	case v.role != nameRole:
		return -1
	case v.field == "name_"+lang:
		return 4
	case v.field == "name":
		return 3
	case slices.Contains([]string{"title", "name_en"}, v.field):
		return 2
	}
	return 1
}
