package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/geojson"
	"nagar/geo/mvt"
	"nagar/internal/app"
)

// soakEdit is one change to one building.
type soakEdit struct {
	id       int
	rev      catalog.Rev
	gone     bool
	lon, lat float64 // the building's middle
	acted    time.Time
}

// soakCity is what has been done to the city. Buildings of ours are named by the
// number of the edit that made them so.
type soakCity struct {
	town  *town
	store catalog.Store // of another process, as it were
	seed  uint64

	mu     sync.RWMutex // held by who edits, until the edit is noted
	edits  []soakEdit
	byID   [][]int // numbers of edits to a building
	latest catalog.Rev
}

const soakBuildings = 2000 // ours, beside those that stay as they are

func newSoakCity(t *testing.T, c *town, seed uint64) *soakCity {
	t.Helper()
	at, err := app.ParseLocation(c.store)
	if err != nil {
		t.Fatal(err)
	}
	store, err := app.OpenStore(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &soakCity{town: c, store: store, seed: seed, byID: make([][]int, soakBuildings)}
}

func (c *soakCity) count() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.edits)
}

func (c *soakCity) last() catalog.Rev {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.latest
}

// edit changes buildings at random, so many a second, until ctx ends: most through
// the store, some over HTTP, and rows of another collection by a program that knows
// nothing of us.
func (c *soakCity) edit(t *testing.T, ctx context.Context, perSecond int) {
	r := rand.New(rand.NewPCG(c.seed, 1))
	begin := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / time.Duration(perSecond))))
		var err error
		switch {
		case n%(2*perSecond) == perSecond:
			c.town.sql(t, fmt.Sprintf("UPDATE sensors SET name = 'outside %d'", n))
		case n%50 == 7:
			err = c.several(r, 20)
		case n%10 == 3:
			err = c.byHTTP(r)
		default:
			err = c.several(r, 1)
		}
		if err != nil {
			t.Errorf("edit %d: %v", n, err)
			return
		}
	}
}

// next is a random edit of a building.
func (c *soakCity) next(r *rand.Rand, id int) (e soakEdit, op catalog.Op, seq int) {
	e.id = id
	seq = len(c.edits)
	e.lon, e.lat = soakPlace(r)
	if had := c.byID[e.id]; len(had) > 0 && !c.edits[had[len(had)-1]].gone {
		before := c.edits[had[len(had)-1]]
		switch r.IntN(10) {
		case 0:
			e.gone = true
			return e, catalog.Op{Kind: catalog.Delete, Collection: "buildings", Feature: catalog.Feature{ID: soakID(e.id)}}, seq
		case 1, 2, 3: // it moves
		default:
			e.lon, e.lat = before.lon, before.lat
		}
	}
	return e, catalog.Op{Kind: catalog.Put, Collection: "buildings", Feature: soakBuilding(e, seq)}, seq
}

func soakID(id int) string { return fmt.Sprintf("soak-%d", id) }

const soakSide = 0.0001 // degrees: about ten metres, so that z16 and up draw it as it is

func soakBuilding(e soakEdit, seq int) catalog.Feature {
	w, s, x, n := e.lon-soakSide/2, e.lat-soakSide/2, e.lon+soakSide/2, e.lat+soakSide/2
	return catalog.Feature{ID: soakID(e.id), Geometry: geo.NewPolygon([]float64{w, s, x, s, x, n, w, n, w, s}), Props: catalog.Properties{
		{Name: "name", Value: catalog.Text(soakName(seq))}, {Name: "height_m", Value: catalog.Real(float64(seq % 40))}, {Name: "use", Value: catalog.Text("residential")}}}
}

func soakName(seq int) string { return fmt.Sprintf("edit %d", seq) }

// several edits n buildings in one batch.
func (c *soakCity) several(r *rand.Rand, n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.edits)
	var ops []catalog.Op
	first := r.IntN(soakBuildings)
	for i := range n { // a batch names no building twice
		e, op, seq := c.next(r, (first+i*97)%soakBuildings)
		ops = append(ops, op)
		c.edits = append(c.edits, e)
		c.byID[e.id] = append(c.byID[e.id], seq)
	}
	res, err := c.store.Apply(context.Background(), catalog.Batch{Author: "soak", Ops: catalog.Ops(ops...)})
	c.noted(before, res.Rev)
	return err
}

// byHTTP edits one building as a browser does.
func (c *soakCity) byHTTP(r *rand.Rand) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, op, seq := c.next(r, r.IntN(soakBuildings))
	method, body := http.MethodDelete, ""
	if !e.gone {
		method = http.MethodPut
		f := soakBuilding(e, seq)
		body = fmt.Sprintf(`{"type":"Feature","geometry":%s,"properties":{"name":%q,"height_m":%d,"use":"residential"}}`,
			geojson.AppendGeometry(nil, &f.Geometry), soakName(seq), seq%40)
	}
	q, err := http.NewRequest(method, c.town.base+"/api/features/buildings/"+op.Feature.ID, strings.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+c.town.token)
	q.Header.Set("Content-Type", "application/geo+json")
	if len(c.byID[e.id]) > 0 && !c.edits[c.byID[e.id][len(c.byID[e.id])-1]].gone {
		q.Header.Set("If-Match", "*")
	} else {
		q.Header.Set("If-None-Match", "*")
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: status %d", method, op.Feature.ID, resp.StatusCode)
	}
	rev, err := strconv.ParseInt(resp.Header.Get("Nagar-Revision"), 10, 64)
	c.edits = append(c.edits, e)
	c.byID[e.id] = append(c.byID[e.id], seq)
	c.noted(seq, catalog.Rev(rev))
	return err
}

// noted gives the edits from the first on their revision.
func (c *soakCity) noted(first int, rev catalog.Rev) {
	now := time.Now()
	for i := first; i < len(c.edits); i++ {
		c.edits[i].rev, c.edits[i].acted = rev, now
	}
	c.latest = max(c.latest, rev)
}

// wrong says what a tile of the buildings shows that is older than the revision;
// "" when nothing is.
func (c *soakCity) wrong(at geo.Tile, tile *mvt.Tile, rev catalog.Rev) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	shown := map[int]int{} // building → edit
	for i := range tile.Layers {
		l := &tile.Layers[i]
		for f := range l.Features {
			if n, ok := soakSeq(l, &l.Features[f]); ok && n < len(c.edits) {
				shown[c.edits[n].id] = n
			}
		}
	}
	box := at.Box()
	for id, edits := range c.byID {
		now := len(edits) - 1 // the building's last edit up to rev
		for now >= 0 && c.edits[edits[now]].rev > rev {
			now--
		}
		if now < 0 {
			continue
		}
		switch n, there := shown[id]; {
		case there && n < edits[now]:
			return fmt.Sprintf("%s as edit %d left it, of revision %d, after edit %d of revision %d", soakID(id), n, c.edits[n].rev, edits[now], c.edits[edits[now]].rev)
		case !there && c.stays(edits[now:], box):
			return fmt.Sprintf("no %s, which edit %d put there in revision %d", soakID(id), edits[now], c.edits[edits[now]].rev)
		}
	}
	return ""
}

// stays reports whether the building is in the box after each of the edits.
func (c *soakCity) stays(edits []int, box geo.Box) bool {
	for _, n := range edits {
		e := &c.edits[n]
		if e.gone || e.lon <= box.W || e.lon >= box.E || e.lat <= box.S || e.lat >= box.N {
			return false
		}
	}
	return true
}

// soakSeq is the number of the edit that a feature of a tile is named by.
func soakSeq(l *mvt.Layer, f *mvt.Feature) (int, bool) {
	for i := 0; i+1 < len(f.Tags); i += 2 {
		if l.Keys[f.Tags[i]] == "name" {
			var n int
			if _, err := fmt.Sscanf(l.Values[f.Tags[i+1]].Text, "edit %d", &n); err == nil {
				return n, true
			}
		}
	}
	return 0, false
}
