package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/access"
)

// sameAsNothing asks for what the caller may not know of, and for what never was:
// the answers differ in the name that was asked for and in nothing else.
func (a *asker) sameAsNothing(c *caller) {
	a.t.Helper()
	const never = "never_there"
	compare := func(path, there, nowhere string) {
		a.t.Helper()
		hidden := a.ask(c, http.MethodGet, path, "")
		nothing := a.ask(c, http.MethodGet, strings.ReplaceAll(path, there, nowhere), "")
		h, n := plain(&hidden, there, nowhere), plain(&nothing, there, nowhere)
		if h != n {
			a.t.Errorf("%s: %s can be told from what never was:\n%s\n%s", c.name, path, h, n)
		}
	}
	for _, col := range a.city.collections {
		if !seesSome(a.policy, &c.who, col) {
			for i, path := range a.city.questions(col) {
				if i%3 == 0 && strings.Contains(path, col.Name) {
					compare(path, col.Name, never)
				}
			}
			continue
		}
		for i, r := range a.city.rows[col.Name] {
			if i%2 == 0 && r.deleted || seesRow(a.policy, &c.who, col, r, r.last()) {
				continue
			}
			id := "/api/features/" + col.Name + "/" + r.id
			compare(id, r.id, "row-never")
			compare(fmt.Sprintf("/api/features/%s/%d", col.Name, catalog.KeyOf(col.Name, r.id)), fmt.Sprint(catalog.KeyOf(col.Name, r.id)), "4711")
		}
	}
}

// plain is all that an answer shows, without what is its own: the name that was
// asked for, the request's id and the time.
func plain(r *reply, names ...string) string {
	var b bytes.Buffer
	header := r.header.Clone()
	id := header.Get("X-Request-Id")
	for _, own := range []string{"X-Request-Id", "Date", "Content-Length"} {
		header.Del(own)
	}
	fmt.Fprintf(&b, "%d\n", r.status)
	if err := header.Write(&b); err != nil {
		return err.Error()
	}
	b.Write(r.body)
	text := strings.ReplaceAll(b.String(), id, "ID")
	for _, name := range names {
		text = strings.ReplaceAll(text, name, "NAME")
	}
	return text
}

// logShows looks for markers in a log. Paths are in it, so ids may be.
func logShows(t *testing.T, city *markedCity, log string) {
	t.Helper()
	for i := strings.Index(log, markerBegin); i >= 0 && i+markerLength <= len(log); {
		if s := city.secrets[log[i:i+markerLength]]; s != nil && !s.asID {
			t.Errorf("the log shows %s: %s", s, log[max(0, i-200):min(len(log), i+100)])
			return
		}
		next := strings.Index(log[i+1:], markerBegin)
		if next < 0 {
			return
		}
		i += 1 + next
	}
}

// hears opens /api/live as a caller and hands on the tiles events.
func (a *asker) hears(ctx context.Context, c *caller) <-chan liveEvent {
	a.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+"/api/live", nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: /api/live is %d", c.name, resp.StatusCode)
	}
	out := make(chan liveEvent, 1000)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			data, ok := strings.CutPrefix(s.Text(), "data: ")
			if !ok {
				continue
			}
			a.judge(c, "/api/live", "", &reply{status: 200, body: []byte(data)})
			var e liveEvent
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				a.t.Errorf("%s: event %s: %v", c.name, data, err)
			}
			out <- e
		}
	}()
	return out
}

type liveEvent struct {
	Collection string
	Tiles      []string
	BBox       []float64
}

// tells reports whether the event says where within the city something changed.
func (e *liveEvent) tells(col *catalog.Collection, lon, lat float64) bool {
	if e.Collection != col.Name {
		return false
	}
	if len(e.BBox) == 4 && e.BBox[3]-e.BBox[1] < wardHeight {
		return true
	}
	return slices.Contains(e.Tiles, geo.TileAt(lon, lat, 16).String())
}

// edit changes a row where it lies: its name gets a word more.
func (m *markedCity) edit(t *testing.T, store catalog.Store, c *catalog.Collection, r *row) {
	t.Helper()
	f := m.feature(c, r, r.last())
	for i := range f.Props {
		if f.Props[i].Name == "name" {
			f.Props[i].Value = catalog.Text(r.values[r.last()]["name"] + " " + time.Now().Format(time.RFC3339Nano))
		}
	}
	if _, err := store.Apply(context.Background(), catalog.Batch{Author: "somebody", Ops: catalog.Ops(
		catalog.Op{Kind: catalog.Put, Collection: c.Name, Feature: f})}); err != nil {
		t.Fatal(err)
	}
}

func (m *markedCity) collection(name string) *catalog.Collection {
	for _, c := range m.collections {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// TestEventsTellNoMore edits a row in each ward of every collection while everybody
// listens: nobody hears of a collection that does not exist for them, nor where
// rows changed that are not theirs to see; of all else they hear.
func TestEventsTellNoMore(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		ctx, hangUp := context.WithTimeout(context.Background(), waitLong)
		defer hangUp()
		heard := map[*caller]<-chan liveEvent{}
		for _, who := range c.callers {
			heard[who] = c.hears(ctx, who)
		}
		for _, col := range c.city.collections {
			for _, r := range c.city.rows[col.Name][:2] {
				c.city.edit(t, c.store, col, r)
			}
		}
		for who, events := range heard {
			c.listen(who, events)
		}
	})
}

// listen reads events until the caller heard of every collection that they see.
func (c *realCity) listen(who *caller, events <-chan liveEvent) {
	c.t.Helper()
	missing := map[string]bool{}
	for _, col := range c.city.collections {
		if seesSome(c.policy, &who.who, col) {
			missing[col.Name] = true
		}
	}
	for len(missing) > 0 {
		e, more := <-events
		if !more {
			c.t.Errorf("%s never hears of %v", who.name, missing)
			return
		}
		delete(missing, e.Collection)
		col := c.city.collection(e.Collection)
		switch {
		case col == nil:
			continue
		case !seesSome(c.policy, &who.who, col):
			c.t.Errorf("%s hears of %s, which does not exist for them", who.name, col.Name)
		}
		for _, r := range c.city.rows[col.Name][:2] {
			if !seesRow(c.policy, &who.who, col, r, r.last()) && e.tells(col, r.lon, r.lat[r.last()]) {
				c.t.Errorf("%s hears where row %q of %s changed: %+v", who.name, r.name, col.Name, e)
			}
		}
	}
}

// TestPolicyChangesAtOnce exchanges the policy between two requests: the second is
// answered by the new one, whatever was cached or is open, and back again.
func TestPolicyChangesAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		officer := c.name("officer")
		depots := c.city.collection("depots_marked")
		mine := c.city.rows[depots.Name][0]
		owner := mine.values[0]["name_owner"]
		paths := []string{
			"/tiles/" + depots.Name + "/" + geo.TileAt(mine.lon, mine.lat[0], 14).String() + ".mvt", "/tiles/" + depots.Name + ".json",
			"/api/collections", "/api/collections/" + depots.Name, "/api/features/" + depots.Name + "/" + mine.id,
			"/api/within?collection=" + depots.Name + "&bbox=" + window, "/api/search?q=" + mine.values[0]["name"],
		}
		ctx, hangUp := context.WithCancel(context.Background())
		defer hangUp()
		for name, officers := range map[string]func(access.Role) access.Role{
			"no personal data":   func(r access.Role) access.Role { r.Grants = r.Grants[:2]; return r },
			"nothing but public": func(r access.Role) access.Role { r.Grants = nil; return r },
		} {
			c.crossed[officer.name] = map[string]bool{}
			var tags []string
			for _, path := range paths {
				tags = append(tags, c.ask(officer, http.MethodGet, path, "").header.Get("Etag"))
			}
			if !c.crossed[officer.name][owner] {
				t.Fatalf("%s: the officer does not see the owner's name to begin with", name)
			}
			events := c.hears(ctx, officer)
			next := access.Default()
			next.Roles["officer"] = officers(next.Roles["officer"])
			c.setPolicy(next)
			for i, path := range paths {
				now := c.ask(officer, http.MethodGet, path, "")
				cached := &caller{name: officer.name, who: officer.who, header: officer.header.Clone()}
				cached.header.Set("If-None-Match", tags[i])
				if r := c.ask(cached, http.MethodGet, path, ""); r.status == http.StatusNotModified && now.header.Get("Etag") != tags[i] {
					t.Errorf("%s: %s is said to be unchanged", name, path)
				}
				if now.status == http.StatusOK && name == "nothing but public" && strings.Contains(path, depots.Name) {
					t.Errorf("%s: %s is answered", name, path)
				}
			}
			c.city.edit(t, c.store, depots, mine)
			for e := range events { // it ends with the view that it was opened with
				if e.Collection == depots.Name {
					t.Errorf("%s: a listener from before still hears by its old view", name)
				}
			}
			c.setPolicy(access.Default())
		}
	})
}

// setPolicy replaces the policy by the server's own door, and judges by it from then on.
func (c *realCity) setPolicy(p *access.Policy) {
	c.t.Helper()
	body, err := json.Marshal(p)
	if err != nil {
		c.t.Fatal(err)
	}
	root := c.name("root")
	writer := &caller{name: root.name, who: root.who, header: root.header.Clone()}
	writer.header.Set("If-Match", c.must(root, http.MethodGet, "/api/access/policy", "").header.Get("Etag"))
	c.must(writer, http.MethodPut, "/api/access/policy", string(body))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.policy = p
}
