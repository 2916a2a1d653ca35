package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/geojson"
)

// do carries out a command given as JSON.
func (c *town) do(id, command string) *Done {
	c.Helper()
	done, err := c.try(id, command, By{})
	if err != nil {
		c.Fatalf("%s: %s: %v", id, command, err)
	}
	return done
}

func (c *town) try(id, command string, by By) (*Done, error) {
	c.Helper()
	cmd, err := ParseCommand([]byte(command))
	if err != nil {
		return nil, err
	}
	cmd.UID = id
	if by.View.Key() == "" {
		by.View = catalog.Everything
	}
	by.Author, by.Actor = "tester", "Clerk"
	return c.r.Do(c.ctx, cmd, by)
}

// refuses wants a command refused with words, and nothing to have happened.
func (c *town) refuses(id, command, words string) {
	c.Helper()
	before := c.head()
	_, err := c.try(id, command, By{})
	var no *Refused
	if !errors.As(err, &no) || !strings.Contains(err.Error(), words) {
		c.Errorf("%s: %s: want a refusal with %q, got %v", id, command, words, err)
	}
	if after := c.head(); after != before {
		c.Errorf("%s: %s: it was refused, and spent a revision", id, command)
	}
}

func (c *town) head() catalog.Rev {
	c.Helper()
	rev, err := c.store.Head(c.ctx)
	if err != nil {
		c.Fatal(err)
	}
	return rev
}

func written(g geo.Geometry) string { return string(geojson.AppendGeometry(nil, &g)) }

// TestSplitAndMerge splits a structure, undoes it, splits again and merges.
func TestSplitAndMerge(t *testing.T) {
	eachStore(t, func(c *town) {
		a := nth(1)
		c.put(Buildings, "b1", 2000, square(0), "uid", a, "floors", 3, "ward", "A", "source_id", "77")
		split := `{"kind":"split","date":"2020-05-01","evidence":"order 12","parts":[{"geometry":` + written(square(0)) + `},{"geometry":` + written(square(1)) + `,"properties":{"floors":2,"address":"1 Lane"}}]}`
		before := c.story(a)
		done := c.do(a, split)
		if done.Event.Kind != EventSplit || len(done.Touched) != 2 || done.UID != a || len(done.Event.Lineage.To) != 2 || done.Event.Lineage.To[0] != a {
			c.Fatalf("split: %+v", done)
		}
		b := done.Event.Lineage.To[1]
		s, child := c.structure(a, catalog.At{}, catalog.Everything), c.structure(b, catalog.At{}, catalog.Everything)
		if s.Status.Value != InUse || len(s.Successors) != 0 || s.fact("floors") != "3 (buildings/b1)" || s.Events[0].Evidence != "order 12" || s.Events[0].Actor != "Clerk" || s.Events[0].Date != "2020-05-01" {
			c.Errorf("what keeps the UID: %+v", s)
		}
		if child.fact("floors") != "2 (buildings/"+b+")" || child.fact("ward") != `A (structures/`+b+`)` || child.fact("address") == "" || child.fact("source_id") != "" || !slices.Equal(child.Predecessors, []string{a}) {
			c.Errorf("the new one: %+v", child)
		}
		if _, err := c.r.Structure(c.ctx, b, catalog.At{AsOf: at(2019)}, catalog.Everything, today); !errors.Is(err, ErrUnknown) {
			c.Errorf("the new one before the split: %v", err)
		}
		// Undone: as it was on every date. The UID stays spent.
		undone := c.do(a, `{"kind":"undo","event":"`+done.Event.ID+`"}`)
		if after := c.story(a); after != before {
			c.Errorf("after undoing:\n%s\nbefore:\n%s", after, before)
		}
		if s := c.structure(b, catalog.At{}, catalog.Everything); s.Status.Value != Retired || s.Geometry != nil {
			c.Errorf("the part that never was: %+v", s)
		}
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Events[0].UndoneBy != undone.Event.ID || s.Events[1].Undoes != done.Event.ID {
			c.Errorf("events: %+v", s.Events)
		}
		if s := c.structure(b, catalog.At{Known: done.Rev}, catalog.Everything); s.Status.Value != InUse {
			c.Errorf("as it was known after the split: %+v", s)
		}
		c.refuses(a, `{"kind":"undo","event":"`+done.Event.ID+`"}`, "undone by "+undone.Event.ID)
		// The undoing undone: the same structures again.
		c.do(a, `{"kind":"undo","event":"`+undone.Event.ID+`"}`)
		if s := c.structure(b, catalog.At{}, catalog.Everything); s.Status.Value != InUse || s.fact("floors") != "2 (buildings/"+b+")" || !slices.Equal(s.Predecessors, []string{a}) {
			c.Errorf("the part that is again: %+v", s)
		}
		// Merged, into one with two footprints.
		merged := c.do(a, `{"kind":"merge","with":["`+b+`"]}`)
		s = c.structure(a, catalog.At{}, catalog.Everything)
		gone := c.structure(b, catalog.At{}, catalog.Everything)
		if len(s.Footprints) != 2 || gone.Status.Value != Retired || !slices.Equal(gone.Successors, []string{a}) || gone.Geometry != nil {
			c.Errorf("merged: %+v\n%+v", s, gone)
		}
		line, err := c.r.LineageOf(c.ctx, b, catalog.At{}, catalog.Everything)
		if err != nil || len(line) != 2 || line[0].ID != done.Event.ID || line[1].ID != merged.Event.ID {
			c.Errorf("lineage from the retired: %+v, %v", line, err)
		}
		if s := c.structure(b, catalog.At{AsOf: at(2022)}, catalog.Everything); s.Status.Value != InUse {
			c.Errorf("in 2022: %+v", s)
		}
		// By its footprints apart again.
		again := c.do(a, `{"kind":"split","parts":[{"footprints":["b1"]},{"footprints":["`+b+`"],"properties":{"name":"Annex"}}]}`)
		third := again.Event.Lineage.To[1]
		if s := c.structure(third, catalog.At{}, catalog.Everything); third == b || s.Name != "Annex" || len(s.Footprints) != 1 {
			c.Errorf("split by footprints: %+v", s)
		}
	})
}

// story is what is true of a structure on many dates, without revisions and events.
func (c *town) story(id string) string {
	c.Helper()
	var b strings.Builder
	for y := 1999; y <= 2030; y++ {
		when := catalog.At{AsOf: at(y)}
		if y == 2026 {
			when = catalog.At{}
		}
		s, err := c.r.Structure(c.ctx, id, when, catalog.Everything, today)
		if errors.Is(err, ErrUnknown) {
			fmt.Fprintf(&b, "%d: none\n", y)
			continue
		}
		if err != nil {
			c.Fatal(err)
		}
		var lines []string
		for _, f := range s.Facts {
			if f.Collection == Structures { // a row of the register says no more than the footprint does
				if f.Name == "status" || f.Name == "ward" {
					continue
				}
			}
			lines = append(lines, fmt.Sprint(f.Name, "=", f.Value))
		}
		for _, f := range s.Footprints {
			lines = append(lines, f.ID+" "+written(*f.Geometry.Geometry))
		}
		slices.Sort(lines)
		fmt.Fprintf(&b, "%d: %s %s %d units %v %v\n", y, s.Status.Value, s.Name, s.Units.Count, len(s.Aliases) > 0, lines)
	}
	return b.String()
}

// TestLife leads a structure through its life.
func TestLife(t *testing.T) {
	eachStore(t, func(c *town) {
		done := c.do("", `{"kind":"register","date":"2018-01-01","geometry":`+written(square(3))+`,"properties":{"name":"Sea View","address":"7 Marine Drive"}}`)
		a := done.UID
		for i, s := range []string{Permitted, UnderConstruction, InUse, Vacant, Dilapidated} {
			c.do(a, fmt.Sprintf(`{"kind":"status","status":"%s","date":"20%d-01-01"}`, s, 19+i))
		}
		c.refuses(a, `{"kind":"status","status":"proposed"}`, "does not follow")
		c.refuses(a, `{"kind":"status","status":"nonsense"}`, "no status")
		c.refuses(a, `{"kind":"status","status":"demolished"}`, "demolish")
		c.refuses(a, `{"kind":"status","status":"vacant","date":"2019-06-01"}`, "is before 2023")
		c.refuses(a, `{"kind":"revive"}`, "nothing to revive")
		c.put(Buildings, "b9", 2021, square(3), "uid", a, "floors", 9)
		if s := c.structure(a, catalog.At{AsOf: at(2020)}, catalog.Everything); s.Status.Value != UnderConstruction || s.Name != "Sea View" || s.Geometry == nil {
			c.Errorf("in 2020: %+v", s)
		}
		end := c.do(a, `{"kind":"demolish","date":"2024-03-01","evidence":"survey"}`)
		c.refuses(a, `{"kind":"demolish"}`, "is demolished")
		c.refuses(a, `{"kind":"units","plan":[{"from":"01","units":2}]}`, "is demolished")
		c.refuses(a, `{"kind":"alias","alias":{"scheme":"cts","value":"1"}}`, "is demolished")
		c.refuses(a, `{"kind":"split","parts":[{},{}]}`, "is demolished")
		c.refuses(nth(4), `{"kind":"merge","with":["`+nth(4)+`"]}`, "with itself")
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Status.Value != Demolished || len(s.Footprints) != 1 || s.Footprints[0].Collection != Structures {
			c.Errorf("demolished: %+v", s)
		}
		// It was not: revived under the same UID, with the footprint it had.
		c.do(a, `{"kind":"revive","date":"2024-06-01"}`)
		s := c.structure(a, catalog.At{}, catalog.Everything)
		if s.Status.Value != InUse || s.fact("floors") != "9 (buildings/b9)" || s.fact("retired") != "" {
			c.Errorf("revived: %+v", s)
		}
		if s := c.structure(a, catalog.At{AsOf: end.at(c).AddDate(0, 1, 0)}, catalog.Everything); s.Status.Value != Demolished {
			c.Errorf("between: %+v", s)
		}
		// Rebuilt.
		re := c.do(a, `{"kind":"replace","date":"2025-01-01","geometry":`+written(square(3))+`,"properties":{"name":"New Sea View"}}`)
		w := re.Event.Lineage.To[0]
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Status.Value != Demolished || !slices.Equal(s.Successors, []string{w}) {
			c.Errorf("replaced: %+v", s)
		}
		if s := c.structure(w, catalog.At{}, catalog.Everything); s.Status.Value != UnderConstruction || s.Name != "New Sea View" || !slices.Equal(s.Predecessors, []string{a}) {
			c.Errorf("in its place: %+v", s)
		}
		c.refuses(a, `{"kind":"revive"}`, w+" stands in its place")
		// A third in its place: the successors are those that stand.
		re2 := c.do(w, `{"kind":"replace"}`)
		if s := c.structure(a, catalog.At{}, catalog.Everything); !slices.Equal(s.Successors, []string{re2.Event.Lineage.To[0]}) {
			c.Errorf("successors over two generations: %+v", s.Successors)
		}
		line, err := c.r.LineageOf(c.ctx, re2.Event.Lineage.To[0], catalog.At{}, catalog.Everything)
		if err != nil || len(line) != 2 || line[0].ID != re.Event.ID {
			c.Errorf("lineage back: %+v, %v", line, err)
		}
		past, err := c.r.Past(c.ctx, a, 0, catalog.Everything)
		if err != nil || len(past.Events) != 9 || len(past.Lineage) != 2 {
			c.Errorf("past: %d events, %d of lineage, %v", len(past.Events), len(past.Lineage), err)
		}
		c.refuses(a, `{"kind":"undo","event":"`+end.Event.ID+`"}`, "changed")
	})
}

// TestCircle holds that no structure becomes its own ancestor.
func TestCircle(t *testing.T) {
	eachStore(t, func(c *town) {
		a := nth(1)
		c.put(Buildings, "b1", 2000, square(0), "uid", a)
		split := c.do(a, `{"kind":"split","parts":[{"geometry":`+written(square(0))+`},{"geometry":`+written(square(1))+`}]}`)
		b := split.Event.Lineage.To[1]
		// A part may come back to what it came from: that stayed all the time.
		c.do(a, `{"kind":"merge","with":["`+b+`"]}`)
		w := c.do(a, `{"kind":"replace"}`).Event.Lineage.To[0]
		// One that was replaced, and came back, does not take in what replaced it.
		c.do(w, `{"kind":"demolish"}`)
		c.do(a, `{"kind":"revive"}`)
		c.do(w, `{"kind":"revive"}`)
		c.refuses(a, `{"kind":"merge","with":["`+w+`"]}`, "its own ancestor")
		c.do(a, `{"kind":"demolish"}`)
		for i, cmd := range []string{
			`{"kind":"merge","with":["` + a + `"]}`, `{"kind":"merge","with":["` + w + `"]}`, `{"kind":"merge","with":["` + nth(3) + `","` + nth(3) + `"]}`,
			`{"kind":"merge","with":["XXXXX"]}`, `{"kind":"merge"}`,
		} {
			c.refuses(w, cmd, []string{"is demolished", "with itself", "twice", "not a structure UID", "say which"}[i])
		}
		if _, err := c.try(w, `{"kind":"merge","with":["`+nth(3)+`"]}`, By{}); !errors.Is(err, ErrUnknown) {
			c.Errorf("a merge with nobody: %v", err)
		}
	})
}

func (d *Done) at(c *town) time.Time {
	c.Helper()
	rows, err := c.r.eventRows(c.ctx, d.Event.ID)
	if err != nil || len(rows) == 0 {
		c.Fatal(err)
	}
	return rows[0].ValidFrom
}

// TestCorrect corrects a footprint and what is known of a structure.
func TestCorrect(t *testing.T) {
	eachStore(t, func(c *town) {
		a := nth(1)
		c.put(Buildings, "b1", 2000, square(0), "uid", a, "floors", 3)
		one := c.do(a, `{"kind":"correct","geometry":`+written(square(1))+`,"properties":{"floors":4,"address":"9 Hill Road"}}`)
		if s := c.structure(a, catalog.At{AsOf: at(2001)}, catalog.Everything); s.fact("floors") != "4 (buildings/b1)" || written(*s.Geometry.Geometry) != written(square(1)) || s.fact("address") != "" {
			c.Errorf("a correction holds since the beginning: %+v", s)
		}
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.fact("address") != "9 Hill Road (structures/"+a+")" {
			c.Errorf("corrected: %+v", s)
		}
		c.do(a, `{"kind":"correct","date":"2020-01-01","properties":{"floors":6}}`)
		for when, want := range map[int]string{2019: "4", 2021: "6"} {
			if s := c.structure(a, catalog.At{AsOf: at(when)}, catalog.Everything); s.fact("floors") != want+" (buildings/b1)" {
				c.Errorf("in %d: %s", when, s.fact("floors"))
			}
		}
		c.refuses(a, `{"kind":"undo","event":"`+one.Event.ID+`"}`, "changed")
		two := c.structure(a, catalog.At{}, catalog.Everything).Events[1]
		c.do(a, `{"kind":"undo","event":"`+two.ID+`"}`)
		if s := c.structure(a, catalog.At{AsOf: at(2021)}, catalog.Everything); s.fact("floors") != "4 (buildings/b1)" {
			c.Errorf("undone: %s", s.fact("floors"))
		}
		c.refuses(a, `{"kind":"correct"}`, "nothing would change")
		c.refuses(a, `{"kind":"correct","properties":{"colour":"red"}}`, "no such value")
		c.refuses(a, `{"kind":"correct","properties":{"uid":"x"}}`, "no such value")
		c.refuses(a, `{"kind":"correct","properties":{"floors":"many"}}`, "integer")
		c.refuses(a, `{"kind":"correct","geometry":{"type":"Point","coordinates":[72,19]}}`, "Polygon")
		c.refuses(a, `{"kind":"correct","geometry":{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}}`, "geometry")
	})
}

// TestCommandsTwice holds that a command is done once by its key, only over what
// the caller saw, and only by who may.
func TestCommandsTwice(t *testing.T) {
	eachStore(t, func(c *town) {
		a := nth(1)
		seen := c.put(Buildings, "b1", 2000, square(0), "uid", a)
		stale := seen - 1
		var conflict *catalog.Conflict
		if _, err := c.try(a, `{"kind":"demolish"}`, By{If: &stale}); !errors.As(err, &conflict) || conflict.Have != seen {
			c.Errorf("over another version: %v", err)
		}
		split := `{"kind":"split","parts":[{"geometry":` + written(square(0)) + `},{"geometry":` + written(square(1)) + `}]}`
		var forbidden *Forbidden
		if _, err := c.try(a, split, By{View: internal}); !errors.As(err, &forbidden) {
			c.Errorf("by who may not write: %v", err)
		}
		announced, undone := 0, 0
		by := By{If: &seen, Key: "k1", Announce: func(ops []catalog.Op) error { announced += len(ops); return nil }, Undone: func([]catalog.Op) { undone++ }}
		first, err := c.try(a, split, by)
		if err != nil || first.Replayed || announced != 6 || undone != 0 { // two rows of the register, of footprints, of the event
			c.Fatalf("first: %+v, %v, %d operations announced", first, err, announced)
		}
		again, err := c.try(a, split, by)
		if err != nil || !again.Replayed || again.Event.ID != first.Event.ID || !slices.Equal(again.Touched, first.Touched) || again.Rev != first.Rev || again.UID != a {
			c.Errorf("again: %+v, %v", again, err)
		}
		c.refusesBy(a, `{"kind":"demolish"}`, By{Key: "k1"}, "used before")
		no := errors.New("the log is full")
		if _, err := c.try(a, `{"kind":"demolish"}`, By{Announce: func([]catalog.Op) error { return no }}); !errors.Is(err, no) {
			c.Errorf("where the log refuses: %v", err)
		}
		if s := c.structure(a, catalog.At{}, catalog.Everything); s.Status.Value != InUse {
			c.Errorf("it happened all the same: %+v", s)
		}
		for _, bad := range []string{`{"kind":"paint"}`, `{"kind":"split","parts":[]}`, `{"kind":"demolish","date":"2999-01-01"}`, `{"kind":"demolish","date":"yesterday"}`,
			`{"kind":"undo","event":"e-none"}`, `{"kind":"demolish","colour":1}`, `{"kind":1}`, `{`, `{"kind":"demolish"} {}`, `null`} {
			c.refuses(a, bad, "")
		}
		if _, err := c.try(nth(5), `{"kind":"demolish"}`, By{}); !errors.Is(err, ErrUnknown) {
			c.Errorf("of nobody: %v", err)
		}
	})
}

func (c *town) refusesBy(id, command string, by By, words string) {
	c.Helper()
	_, err := c.try(id, command, by)
	var no *Refused
	if !errors.As(err, &no) || !strings.Contains(err.Error(), words) {
		c.Errorf("%s: want a refusal with %q, got %v", command, words, err)
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add([]byte(`{"kind":"split","parts":[{"geometry":{"type":"Polygon","coordinates":[]}},{}]}`))
	f.Add([]byte(`{"kind":"units","plan":[{"from":"B1","units":3}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := ParseCommand(body)
		if err != nil {
			var no *Refused
			if !errors.As(err, &no) {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("%q cannot be written again: %v", body, err)
		}
		c.digest()
		_, _ = shape("geometry", c.Geometry)
	})
}
