package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"nagar/catalog"
	"nagar/city"
	"nagar/geo"
)

// plane is the local plane: equirectangular about the middle of the city, good to
// a few centimetres over a city's width, which is all that shapes need.
type plane struct{ lon0, lat0, kx, ky float64 }

func newPlane(b geo.Box) plane {
	lat := (b.S + b.N) / 2
	const perDegree = 6371008.8 * math.Pi / 180 // mean Earth radius, IUGG
	return plane{(b.W + b.E) / 2, lat, perDegree * math.Cos(lat*math.Pi/180), perDegree}
}

func (p plane) in(lon, lat float64) vec { return vec{(lon - p.lon0) * p.kx, (lat - p.lat0) * p.ky} }

// out rounds to 1e-7 degrees (1 cm): that is what tiles keep, and it hides the
// last bits in which processors differ.
func (p plane) out(v vec) (lon, lat float64) {
	return round7(p.lon0 + v.x/p.kx), round7(p.lat0 + v.y/p.ky)
}

func round7(x float64) float64 { return math.Round(x*1e7) / 1e7 }

// baseProps are the properties of a base feature; which count depends on its layer.
type baseProps struct {
	Layer    string  `json:"layer"`
	Kind     string  `json:"kind"`
	Name     string  `json:"name"`
	NameMr   string  `json:"name_mr"`
	NameHi   string  `json:"name_hi"`
	Class    string  `json:"class"`
	Ref      string  `json:"ref"`
	Line     string  `json:"line"`
	Operator string  `json:"operator"`
	Bridge   bool    `json:"bridge"`
	Rank     int     `json:"rank"`
	Radius   float64 `json:"radius_m"`
	Height   float64 `json:"height_m"`
}

func (b *baseProps) names() catalog.Properties {
	var p catalog.Properties
	for _, n := range [...]struct{ field, text string }{{"name", b.Name}, {"name_mr", b.NameMr}, {"name_hi", b.NameHi}} {
		if n.text != "" {
			p = append(p, catalog.Property{Name: n.field, Value: catalog.Text(n.text)})
		}
	}
	return p
}

// baseFeature is one thing of the base map, as drawn (geom) and on the plane.
type baseFeature struct {
	baseProps
	geom  geo.Geometry
	polys [][][]vec // polygons, rings not closed
	lines [][]vec
	at    vec // of a point
}

func (f *baseFeature) contains(q vec) bool {
	for _, rings := range f.polys {
		in := false
		for _, r := range rings {
			in = in != inside(r, q)
		}
		if in {
			return true
		}
	}
	return false
}

// words are parts of names in the three languages of the standard fields.
type words []struct{ En, Mr, Hi string }

// base is the base map: what is drawn by hand of the city.
type base struct {
	plane
	layers map[string][]*baseFeature
	words  struct{ First, House, Street words }
	core   float64 // how much of the radius of its densest districts is built: small houses would else use up a small city
}

func readBase(p *city.Profile) (*base, error) {
	raw, err := p.BaseMap()
	if err != nil {
		return nil, err
	}
	b, err := decodeBase(raw, p)
	if err != nil {
		return nil, fmt.Errorf("base map %s: %w", p.Base, err)
	}
	return b, nil
}

// decodeBase reads and checks a base map: a GeoJSON FeatureCollection whose
// features have a layer, with a foreign member words.
func decodeBase(raw []byte, p *city.Profile) (*base, error) {
	var doc struct {
		Words struct {
			First, House, Street words
		} `json:"words"`
		Features []struct {
			Properties baseProps `json:"properties"`
			Geometry   struct {
				Type        string          `json:"type"`
				Coordinates json.RawMessage `json:"coordinates"`
			} `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	b := &base{plane: newPlane(p.Bounds), layers: map[string][]*baseFeature{}, core: 1}
	b.words = doc.Words
	if len(b.words.First) == 0 || len(b.words.House) == 0 || len(b.words.Street) == 0 {
		return nil, errors.New("words need first, house and street")
	}
	for i, f := range doc.Features {
		bf := &baseFeature{baseProps: f.Properties}
		if err := b.shape(bf, f.Geometry.Type, f.Geometry.Coordinates); err != nil {
			return nil, fmt.Errorf("features[%d] %s: %w", i, bf.Name, err)
		}
		// The land goes on beyond the city, so that a map of all of it shows no edge.
		beyond := !p.Bounds.ContainsBox(bf.geom.Box()) && bf.Layer != "land"
		if bf.Layer == "" || beyond || !p.Bounds.Intersects(bf.geom.Box()) {
			return nil, fmt.Errorf("features[%d] %s has no layer or lies outside the city's bounds", i, bf.Name)
		}
		b.layers[bf.Layer] = append(b.layers[bf.Layer], bf)
	}
	return b, b.check(p)
}

func (b *base) check(p *city.Profile) error {
	for _, l := range []string{"land", "wards", "roads", "places", "districts"} {
		if len(b.layers[l]) == 0 {
			return fmt.Errorf("no %s", l)
		}
	}
	want := map[string]geo.Type{"roads": geo.LineString, "places": geo.Point, "districts": geo.Point, "hills": geo.Point}
	areas := map[string]bool{"land": true, "wards": true, "water": true, "greens": true}
	for layer, fs := range b.layers {
		for _, f := range fs {
			if t, fixed := want[layer]; fixed && f.geom.Type != t || areas[layer] && len(f.polys) == 0 {
				return fmt.Errorf("%s %s is a %s", layer, f.Name, f.geom.Type)
			}
		}
	}
	for _, w := range b.layers["wards"] {
		if name, ok := p.Ward(w.Name); !ok || name != w.Name {
			return fmt.Errorf("ward %q is not the profile's", w.Name)
		}
	}
	for _, d := range b.layers["districts"] {
		if _, ok := characters[d.Kind]; !ok || d.Radius <= 0 {
			return fmt.Errorf("district of kind %q and radius %v m", d.Kind, d.Radius)
		}
	}
	return nil
}

// shape decodes the geometry and projects it.
func (b *base) shape(f *baseFeature, typ string, raw json.RawMessage) error {
	switch typ {
	case "Point":
		var c [2]float64
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		f.geom, f.at = geo.NewPoint(c[0], c[1]), b.in(c[0], c[1])
	case "LineString":
		var c [][2]float64
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		if len(c) < 2 {
			return errors.New("a line has fewer than two positions")
		}
		f.lines = [][]vec{b.project(c)}
		f.geom = geo.NewLineString(flat(c))
	case "Polygon", "MultiPolygon":
		var m [][][][2]float64
		if typ == "Polygon" {
			m = make([][][][2]float64, 1)
			if err := json.Unmarshal(raw, &m[0]); err != nil {
				return err
			}
		} else if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		return b.polygons(f, m)
	default:
		return fmt.Errorf("geometry %q: want Point, LineString, Polygon or MultiPolygon", typ)
	}
	return nil
}

func (b *base) polygons(f *baseFeature, m [][][][2]float64) error {
	f.geom.Type = geo.MultiPolygon
	for _, poly := range m {
		var rings [][]vec
		for _, r := range poly {
			f.geom.Coords = append(f.geom.Coords, flat(r)...)
			f.geom.Ends = append(f.geom.Ends, int32(len(f.geom.Coords)/2))
			v := b.project(r)
			if len(v) < 4 || r[0] != r[len(r)-1] {
				return errors.New("a ring has fewer than four positions or is not closed")
			}
			rings = append(rings, slices.Clip(v[:len(v)-1]))
		}
		f.geom.Polys = append(f.geom.Polys, int32(len(f.geom.Ends)))
		if len(rings) == 0 {
			return errors.New("a polygon has no ring")
		}
		f.polys = append(f.polys, rings)
	}
	if len(m) == 1 {
		f.geom.Type, f.geom.Polys = geo.Polygon, nil
	}
	return nil
}

func (b *base) project(c [][2]float64) []vec {
	v := make([]vec, len(c))
	for i := range c {
		v[i] = b.in(c[i][0], c[i][1])
	}
	return v
}

func flat(c [][2]float64) []float64 {
	out := make([]float64, 0, 2*len(c))
	for _, p := range c {
		out = append(out, p[0], p[1])
	}
	return out
}

// level is the height of the ground above mean sea level in metres: hills over a
// coastal plain. Hand-drawn like the rest: not survey data.
func (b *base) level(q vec) float64 {
	h := 3.5
	for _, f := range b.layers["hills"] {
		d := q.sub(f.at)
		if r2 := d.dot(d) / (f.Radius * f.Radius); r2 < 4 {
			h += f.Height * math.Exp(-2.2*r2)
		}
	}
	return math.Round(h*10) / 10
}

// geometry makes a closed polygon of a counter-clockwise ring and its holes
// (clockwise), for the catalogue.
func (b *base) geometry(rings ...[]vec) geo.Geometry {
	n := 0
	for _, r := range rings {
		n += len(r) + 1
	}
	g := geo.Geometry{Type: geo.Polygon, Coords: make([]float64, 0, 2*n), Ends: make([]int32, 0, len(rings))}
	for _, r := range rings {
		for i := 0; i <= len(r); i++ {
			lon, lat := b.out(r[i%len(r)])
			g.Coords = append(g.Coords, lon, lat)
		}
		g.Ends = append(g.Ends, int32(len(g.Coords)/2))
	}
	return g
}

func (b *base) line(pts []vec) geo.Geometry {
	c := make([]float64, 0, 2*len(pts))
	for _, p := range pts {
		lon, lat := b.out(p)
		c = append(c, lon, lat)
	}
	return geo.NewLineString(c)
}
