package assets

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"nagar/catalog"
	"nagar/catalog/cql2"
	"nagar/geo"
)

// FSI is how much is built on a plot, compared with what its zones permit: the floor
// space index, built-up area over plot area (Development Control and Promotion
// Regulations). Areas are square metres on the ellipsoid.
type FSI struct {
	Plot        string      `json:"plot"`
	CTS         string      `json:"cts_number,omitempty"`
	Area        float64     `json:"area_m2"`     // of the outline
	BuiltUp     float64     `json:"built_up_m2"` // footprints on the plot × floors
	FSI         float64     `json:"fsi"`
	Permitted   *float64    `json:"permitted_fsi"` // mean of the zones by their share of the plot; null: no zone says
	PermittedM2 *float64    `json:"permitted_m2"`
	Exceeds     bool        `json:"exceeds"`
	Zones       []ZoneShare `json:"zones"`
	Structures  []Built     `json:"structures"` // the largest built-up area first
	Rev         catalog.Rev `json:"-"`

	shown []row
}

// ZoneShare is a zone that has some of the plot.
type ZoneShare struct {
	ID    string   `json:"id"`
	Code  string   `json:"code,omitempty"`
	FSI   *float64 `json:"fsi"`
	Share float64  `json:"share"` // of the plot, 0 to 1
}

// Built is what one footprint adds.
type Built struct {
	UID       string  `json:"uid,omitempty"`
	ID        string  `json:"id"` // in buildings
	Name      string  `json:"name,omitempty"`
	Footprint float64 `json:"footprint_m2"` // as far as it is on the plot
	Share     float64 `json:"share"`        // of the footprint that is on the plot, 0 to 1
	Floors    int64   `json:"floors"`
	Basis     string  `json:"floors_basis"` // recorded; height (3.2 m a floor); assumed (one)
	BuiltUp   float64 `json:"built_up_m2"`
}

// storey is the height of a floor where only the building's is known, metres.
const storey = 3.2

type row struct {
	c     *catalog.Collection
	id    string
	props catalog.Properties
}

// Shown calls fn for every row that the answer has values of.
func (s *FSI) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	for _, r := range s.shown {
		fn(r.c, r.id, r.props)
	}
}

// FSI measures a plot at a moment as a view sees it: buildings that the view does not
// see do not count. ErrNotFound: it sees no such plot; *catalog.Invalid: the plot has
// no area.
func (k *Keeper) FSI(ctx context.Context, id string, at catalog.At, view catalog.View) (*FSI, error) {
	c, err := k.Store.Collection(ctx, Plots)
	if err != nil {
		return nil, err
	}
	f, err := k.Store.Feature(ctx, Plots, id, at)
	if err != nil {
		return nil, fmt.Errorf("plot %s: %w", id, err)
	}
	props, ok := cql2.SightOf(&c, view).See(&f)
	if !ok {
		return nil, fmt.Errorf("plot %s: %w", id, catalog.ErrNotFound)
	}
	out := &FSI{Plot: f.ID, CTS: props.Get("cts_number").Str(), Area: geo.Area(&f.Geometry), Zones: []ZoneShare{}, Structures: []Built{}, Rev: f.Rev}
	out.shown = append(out.shown, row{&c, f.ID, props})
	lon, lat, ok := geo.PointOn(&f.Geometry)
	if !ok || !(out.Area > 0) {
		return nil, &catalog.Invalid{Path: "id", Reason: "the plot has no area"}
	}
	plot := geo.NewOutline(&f.Geometry, lon, lat)
	if err := k.each(ctx, Zones, &f.Geometry, at, view, out, func(z *catalog.Feature, props catalog.Properties) bool {
		o := geo.NewOutline(&z.Geometry, lon, lat)
		share := geo.Overlap(&plot, &o) / plot.Area
		if share < 1e-6 {
			return false
		}
		zone := ZoneShare{ID: z.ID, Code: cmp.Or(props.Get("code").Str(), props.Get("name").Str()), Share: min(1, round(share, 4))}
		if v := props.Get("fsi"); !v.IsNull() {
			x := v.Float()
			zone.FSI = &x
		}
		out.Zones = append(out.Zones, zone)
		return true
	}); err != nil {
		return nil, err
	}
	if err := k.each(ctx, Buildings, &f.Geometry, at, view, out, func(b *catalog.Feature, props catalog.Properties) bool {
		o := geo.NewOutline(&b.Geometry, lon, lat)
		if !(o.Area > 0) {
			return false
		}
		share := min(1, geo.Overlap(&plot, &o)/o.Area)
		if share < 1e-6 {
			return false
		}
		built := Built{UID: props.Get("uid").Str(), ID: b.ID, Name: props.Get("name").Str(), Share: round(share, 4)}
		ground := share * geo.Area(&b.Geometry)
		built.Floors, built.Basis = floors(props)
		out.BuiltUp += ground * float64(built.Floors)
		built.Footprint, built.BuiltUp = round(ground, 2), round(ground*float64(built.Floors), 2)
		out.Structures = append(out.Structures, built)
		return true
	}); err != nil {
		return nil, err
	}
	out.settle()
	return out, nil
}

// each calls fn for the features that the view sees whose box meets the geometry's; what fn
// takes into the answer is noted as shown.
func (k *Keeper) each(ctx context.Context, collection string, g *geo.Geometry, at catalog.At, view catalog.View, out *FSI, fn func(f *catalog.Feature, props catalog.Properties) bool) error {
	c, err := k.Store.Collection(ctx, collection)
	if err != nil || !view.Sees(&c) {
		return err
	}
	box, sight := g.Box(), cql2.SightOf(&c, view)
	rev, err := k.Store.Scan(ctx, catalog.Query{Collection: collection, Box: &box, At: at}, func(f *catalog.Feature) error {
		if props, ok := sight.See(f); ok && fn(f, props) {
			out.shown = append(out.shown, row{&c, f.ID, props})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s on the plot: %w", collection, err)
	}
	out.Rev = max(out.Rev, rev)
	return nil
}

// settle works the totals out.
func (s *FSI) settle() {
	var sum, share float64
	for _, z := range s.Zones {
		if z.FSI != nil {
			sum, share = sum+*z.FSI*z.Share, share+z.Share
		}
	}
	s.FSI = round(s.BuiltUp/s.Area, 4)
	if share > 0 {
		permitted := round(sum/share, 4)
		metres := round(permitted*s.Area, 2)
		s.Permitted, s.PermittedM2, s.Exceeds = &permitted, &metres, s.BuiltUp > metres
	}
	s.Area, s.BuiltUp = round(s.Area, 2), round(s.BuiltUp, 2)
	slices.SortFunc(s.Zones, func(a, b ZoneShare) int { return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(s.Structures, func(a, b Built) int { return cmp.Or(cmp.Compare(b.BuiltUp, a.BuiltUp), cmp.Compare(a.ID, b.ID)) })
}

// floors is how many a building has, and how that is known.
func floors(props catalog.Properties) (int64, string) {
	if v := props.Get("floors"); !v.IsNull() && v.Int() > 0 {
		return v.Int(), "recorded"
	}
	if v := props.Get("height_m"); !v.IsNull() && v.Float() > 0 {
		return max(1, int64(math.Round(v.Float()/storey))), "height"
	}
	return 1, "assumed"
}

func round(x float64, places int) float64 {
	p := math.Pow10(places)
	return math.Round(x*p) / p
}
