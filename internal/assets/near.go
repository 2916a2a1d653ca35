package assets

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/geojson"
	"nagar/layers"
)

// worksReach is how near to each other works are at one place, metres.
const worksReach = 10

// most is the most others that are looked at around one thing.
const most = 500

// other is what is read of a feature that an answer of the index holds.
type other struct {
	ID         string          `json:"id"`
	Geometry   json.RawMessage `json:"geometry"`
	Properties struct {
		Name       string `json:"name"`
		Kind       string `json:"kind"`
		Status     string `json:"status"`
		Department string `json:"department"`
		Road       string `json:"road"`
		Starts     string `json:"starts"`
		Ends       string `json:"ends"`

		Subject string  `json:"subject"`
		Method  string  `json:"method"`
		Team    string  `json:"team"`
		Date    string  `json:"date"`
		Until   string  `json:"valid_until"`
		Metres  float64 `json:"distance_m"`
	} `json:"properties"`
}

func (k *Keeper) within(ctx context.Context, r layers.WithinRequest) ([]other, error) {
	if _, ok := k.Index.Collection(r.Collection); !ok {
		return nil, nil
	}
	a, err := k.Index.Within(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("look around: %w", err)
	}
	defer a.Release()
	var out []other
	if err := json.Unmarshal(a.Features, &out); err != nil {
		return nil, fmt.Errorf("look around: %w", err)
	}
	return out, nil
}

// goesOn reports whether works of that status take room.
func goesOn(status string) bool { return status != "done" && status != "cancelled" }

// common is the time that two works share, days as YYYY-MM-DD; an end that nobody
// gave is open.
func common(s1, e1, s2, e2 string) (from, to string, ok bool) {
	from, to = max(s1, s2), e1
	if to == "" || e2 != "" && e2 < to {
		to = e2
	}
	return from, to, to == "" || from <= to
}

// worksNear tells of the works that are at one place with these at one time.
func (k *Keeper) worksNear(ctx context.Context, f *catalog.Feature, view catalog.View) ([]Warning, error) {
	starts, ends := day(f.Props.Get("starts")), day(f.Props.Get("ends"))
	if ends != "" && ends < starts {
		return nil, &catalog.Invalid{Path: "properties.ends", Reason: "it is before starts"}
	}
	if f.Geometry.Type == geo.None || starts == "" || !goesOn(f.Props.Get("status").Str()) {
		return nil, nil
	}
	near, err := k.within(ctx, layers.WithinRequest{Collection: Works, Around: &f.Geometry, Distance: worksReach, View: view, Limit: most})
	if err != nil {
		return nil, err
	}
	var out []Warning
	for i := range near {
		p := &near[i].Properties
		from, to, both := common(starts, ends, p.Starts, p.Ends)
		if near[i].ID == f.ID || p.Starts == "" || !goesOn(p.Status) || !both {
			continue
		}
		out = append(out, Warning{Kind: WarnWorks, Collection: Works, ID: near[i].ID, Title: cmp.Or(p.Name, p.Kind), From: from, To: to})
	}
	return out, nil
}

// Work is one of two that are in each other's way.
type Work struct {
	ID         string `json:"id"`
	Name       string `json:"name,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Department string `json:"department,omitempty"`
	Road       string `json:"road,omitempty"`
	Starts     string `json:"starts,omitempty"`
	Ends       string `json:"ends,omitempty"`
}

// Clash is two works at one place at one time.
type Clash struct {
	Works  [2]Work `json:"works"`
	From   string  `json:"from"`
	To     string  `json:"to,omitempty"` // "": no end is known
	Metres float64 `json:"distance_m"`
	Lon    float64 `json:"lon"` // on the first of them, degrees
	Lat    float64 `json:"lat"`
}

// Clashes returns the works seen by a view that are within 10 m of each other at one
// time that has not passed, in a box or everywhere, those that come first before the
// others.
func (k *Keeper) Clashes(ctx context.Context, box *geo.Box, view catalog.View, now time.Time) ([]Clash, error) {
	if box == nil {
		w := geo.World()
		box = &w
	}
	today := now.In(k.zone()).Format(time.DateOnly)
	all, err := k.within(ctx, layers.WithinRequest{Collection: Works, Box: box, View: view, Limit: layers.MaxLimit})
	if err != nil {
		return nil, err
	}
	out := []Clash{}
	for i := range all {
		a := &all[i]
		if a.Properties.Starts == "" || !goesOn(a.Properties.Status) || a.Properties.Ends != "" && a.Properties.Ends < today {
			continue
		}
		g, _, err := geojson.DecodeGeometry(a.Geometry)
		if err != nil || g.Type == geo.None {
			continue //nolint:nilerr // no place, no neighbours
		}
		near, err := k.within(ctx, layers.WithinRequest{Collection: Works, Around: &g, Distance: worksReach, View: view, Limit: most})
		if err != nil {
			return nil, err
		}
		for j := range near {
			b := &near[j]
			from, to, both := common(a.Properties.Starts, a.Properties.Ends, b.Properties.Starts, b.Properties.Ends)
			if b.ID <= a.ID || b.Properties.Starts == "" || !goesOn(b.Properties.Status) || !both || to != "" && to < today {
				continue
			}
			lon, lat, _ := geo.PointOn(&g)
			out = append(out, Clash{Works: [2]Work{a.work(), b.work()}, From: from, To: to, Metres: b.Properties.Metres, Lon: lon, Lat: lat})
		}
	}
	slices.SortStableFunc(out, func(a, b Clash) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Works[0].ID, b.Works[0].ID), cmp.Compare(a.Works[1].ID, b.Works[1].ID))
	})
	return out, nil
}

func (o *other) work() Work {
	p := &o.Properties
	return Work{o.ID, p.Name, p.Kind, p.Department, p.Road, p.Starts, p.Ends}
}

func (k *Keeper) zone() *time.Location {
	if k.Zone == nil {
		return time.UTC
	}
	return k.Zone
}

// usualMonths is how long a survey is good for where the profile does not say.
const usualMonths = 24

// validUntil says until when a survey need not be done again, where nobody said.
func (k *Keeper) validUntil(f *catalog.Feature) {
	date := f.Props.Get("date")
	if date.IsNull() || !f.Props.Get("valid_until").IsNull() {
		return
	}
	months, ok := k.Rules.SurveyMonths[f.Props.Get("subject").Str()]
	if !ok {
		months = usualMonths
	}
	f.Props = with(f.Props, "valid_until", catalog.Date(date.AsTime().AddDate(0, months, 0)))
}

// leastShare is the share of an area below which borders merely touch.
const leastShare = 0.01

// surveyed tells what of the area was surveyed for the same subject, and is still
// good on the day of this survey.
func (k *Keeper) surveyed(ctx context.Context, f *catalog.Feature, view catalog.View) ([]Warning, error) {
	g, date, what := f.Geometry, day(f.Props.Get("date")), f.Props.Get("subject").Str()
	if until := day(f.Props.Get("valid_until")); until != "" && until < date {
		return nil, &catalog.Invalid{Path: "properties.valid_until", Reason: "it is before date"}
	}
	if g.Type != geo.Polygon && g.Type != geo.MultiPolygon || date == "" {
		return nil, nil
	}
	near, err := k.within(ctx, layers.WithinRequest{Collection: SurveyAreas, Polygon: &g, View: view, Limit: most})
	if err != nil {
		return nil, err
	}
	lon, lat, _ := geo.PointOn(&g)
	outline := geo.NewOutline(&g, lon, lat)
	var out []Warning
	for i := range near {
		p := &near[i].Properties
		if near[i].ID == f.ID || p.Subject != what || p.Date == "" || p.Date > date || p.Until != "" && p.Until < date {
			continue
		}
		h, _, err := geojson.DecodeGeometry(near[i].Geometry)
		if err != nil {
			continue //nolint:nilerr // no area, nothing shared
		}
		o := geo.NewOutline(&h, lon, lat)
		share := geo.Overlap(&outline, &o) / outline.Area
		if share < leastShare {
			continue
		}
		title := p.Team
		if title == "" {
			title = p.Method
		}
		out = append(out, Warning{Kind: WarnSurveyed, Collection: SurveyAreas, ID: near[i].ID, Title: title, From: p.Date, To: p.Until, Share: min(1, float64(int(share*1000+.5))/1000)})
	}
	slices.SortStableFunc(out, func(a, b Warning) int { return cmp.Compare(b.Share, a.Share) })
	return out, nil
}
