package audit

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"nagar/geo"
)

// Breach says whose data was read in a time, and by whom.
type Breach struct {
	From    time.Time `json:"from"` // of the first entry that counts
	To      time.Time `json:"to"`   // of the last
	Entries int64     `json:"entries"`
	// Readings are one for each actor, action, collection and set of fields, by time of the first.
	Readings []Reading `json:"readings"`
	// Features lists by collection those read by id, sorted, at most MaxListed of all.
	Features map[string][]string `json:"features"`
	// Partial: there were more features, or more boxes in a Reading, than are listed.
	Partial bool `json:"partial"`
}

// Reading is what one actor read of one collection.
type Reading struct {
	Who        Actor     `json:"who"`
	Action     Action    `json:"action"`
	Collection string    `json:"collection"`
	Fields     []string  `json:"fields"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Requests   int64     `json:"requests"`
	Count      int64     `json:"count"` // features, counted each time they were read
	IDs        []string  `json:"ids,omitempty"`
	Boxes      []geo.Box `json:"-"` // none within another

	ids map[string]bool
}

// Bounds of a breach report.
const (
	MaxListed = 100_000 // features
	maxBoxes  = 1000    // of one Reading
)

// Breach reports the reads in [f.From, f.To) that f picks. It reads each entry of
// that time once.
func (l *Log) Breach(ctx context.Context, f Filter) (*Breach, error) {
	f.Action = Read
	about := newSubjects(f.About)
	out := &Breach{Features: map[string][]string{}, Readings: []Reading{}}
	by := map[string]*Reading{}
	listed := 0
	err := l.scan(ctx, f, 0, func(e *Entry) error {
		if !about.in(e) {
			return nil
		}
		if out.Entries++; out.Entries == 1 {
			out.From = e.Time
		}
		out.To = e.Time
		key := readingKey(e)
		r := by[key]
		if r == nil {
			r = &Reading{Who: e.Who, Action: e.Action, Collection: e.Collection, Fields: e.Fields, First: e.Time, ids: map[string]bool{}}
			by[key] = r
		}
		r.Last = e.Time
		r.Requests += int64(len(e.Requests))
		r.Count += e.Count
		for _, id := range e.IDs {
			if r.ids[id] {
				continue
			}
			if listed == MaxListed {
				out.Partial = true
				break
			}
			r.ids[id] = true
			listed++
		}
		if e.Box != nil && !r.cover(*e.Box) {
			out.Partial = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.finish(by)
	return out, nil
}

func (out *Breach) finish(by map[string]*Reading) {
	all := map[string]map[string]bool{}
	for _, r := range by {
		r.IDs = slices.Sorted(maps.Keys(r.ids))
		if all[r.Collection] == nil {
			all[r.Collection] = map[string]bool{}
		}
		maps.Copy(all[r.Collection], r.ids)
		out.Readings = append(out.Readings, *r)
	}
	slices.SortFunc(out.Readings, func(a, b Reading) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Collection, b.Collection), cmp.Compare(a.Who.Account, b.Who.Account), cmp.Compare(a.Action, b.Action))
	})
	for name, ids := range all {
		out.Features[name] = slices.Sorted(maps.Keys(ids))
	}
}

// readingKey is equal for entries that one Reading tells of.
func readingKey(e *Entry) string {
	b := appendText(nil, string(e.Action))
	for _, s := range []string{string(e.Who.Kind), e.Who.Account, e.Who.Name, e.Who.Department, e.Who.Purpose, e.Who.Session, e.Who.Address, e.Collection} {
		b = appendText(b, s)
	}
	for _, s := range e.Fields {
		b = appendText(b, s)
	}
	return string(b)
}

// cover notes the box, unless one that is noted holds it; false when there are
// too many.
func (r *Reading) cover(b geo.Box) bool {
	for _, have := range r.Boxes {
		if have.ContainsBox(b) {
			return true
		}
	}
	if len(r.Boxes) == maxBoxes {
		return false
	}
	r.Boxes = append(slices.DeleteFunc(r.Boxes, func(have geo.Box) bool { return b.ContainsBox(have) }), b)
	return true
}
