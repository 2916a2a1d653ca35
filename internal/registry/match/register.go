package match

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/rtree"

	"nagar/geo"
	"nagar/internal/registry/address"
)

// maxCandidates bounds the structures that a record is compared with in full.
const maxCandidates = 16

// Register holds the structures that records are matched with. It is read-only once
// made, and many may read it at once, each with a Matcher.
type Register struct {
	parser  *address.Parser
	weights Weights
	structs []Structure
	rows    []row // one for each address of a structure, at least one for each that has a name
	first   []uint32
	blocks  *blocks
	tree    rtree.RTreeGN[float64, int32] // boxes of footprints, degrees
}

// row is one address of a structure, its names with it.
type row struct {
	of   int32
	addr address.Address
	rare [address.NumFeatures]float32 // log2(1/frequency) of its values in the register
}

// NewRegister reads the structures' names and addresses and indexes them. Two
// structures of one UID are an error. The slices are kept.
func NewRegister(p *address.Parser, structures []Structure, w Weights) (*Register, error) {
	structures = slices.Clone(structures)
	slices.SortFunc(structures, func(a, b Structure) int { return cmp.Compare(a.UID, b.UID) })
	r := &Register{parser: p, weights: w, structs: structures}
	for i := range structures {
		s := &structures[i]
		if i > 0 && s.UID == structures[i-1].UID {
			return nil, fmt.Errorf("two structures have the UID %s", s.UID)
		}
		r.first = append(r.first, uint32(len(r.rows)))
		r.read(int32(i), s)
		if b := s.Geometry.Box(); !b.IsEmpty() {
			r.tree.Insert([2]float64{b.W, b.S}, [2]float64{b.E, b.N}, int32(i))
		}
	}
	r.first = append(r.first, uint32(len(r.rows)))
	r.count()
	r.index()
	return r, nil
}

// read makes the rows of a structure.
func (r *Register) read(i int32, s *Structure) {
	var names []address.Phrase
	var named address.Address // for the numbers that a name may hold
	for k, n := range s.Names {
		a := r.parser.ParseName(n)
		for _, p := range a.Phrases {
			if p.Part == address.Name {
				names = append(names, p)
			}
		}
		if k == 0 {
			named = a
		}
	}
	for _, text := range s.Addresses {
		a := r.parser.Parse(text)
		if a.Empty() {
			continue
		}
		a.Phrases = append(a.Phrases, names...)
		if len(a.Numbers) == 0 {
			a.Numbers = named.Numbers
		}
		r.rows = append(r.rows, row{of: i, addr: a})
	}
	if int(r.first[i]) == len(r.rows) {
		named.Phrases = names
		r.rows = append(r.rows, row{of: i, addr: named})
	}
}

// valueOf is the value of a feature that agreement would be on; "" for none. Words
// go by their skeletons, in the order of the alphabet.
func valueOf(f address.Feature, a *address.Address) string {
	switch f {
	case address.ByName:
		return phraseKey(a, address.Name)
	case address.ByRoad:
		return phraseKey(a, address.Road)
	case address.ByArea:
		if s := phraseKey(a, address.Area); s != "" {
			return s + " " + a.Side
		}
	case address.ByHouse:
		return a.House
	case address.ByPIN:
		return a.PIN
	case address.ByNumber:
		return strings.Join(a.Numbers, "+")
	case address.ByPlot:
		return strings.Join(a.Plots, "+")
	case address.ByParcel:
		return strings.Join(a.Parcels, "+")
	case address.ByWing:
		return strings.Join(a.Wings, "+")
	}
	return ""
}

func phraseKey(a *address.Address, part address.Part) string {
	for i := range a.Phrases {
		p := &a.Phrases[i]
		if p.Part != part {
			continue
		}
		var ws []string
		for _, w := range p.Words {
			if !w.Weak || part == address.Road {
				ws = append(ws, w.Skeleton)
			}
		}
		if len(ws) > 0 {
			slices.Sort(ws)
			return strings.Join(ws, " ")
		}
	}
	return ""
}

// count works out how rare each row's values are.
func (r *Register) count() {
	type value struct {
		f address.Feature
		s string
	}
	seen := map[value]int32{}
	of := make([][address.NumFeatures]string, len(r.rows))
	var told [address.NumFeatures]float64 // rows that have a value
	for i := range r.rows {
		for f := range address.NumFeatures {
			if s := valueOf(f, &r.rows[i].addr); s != "" {
				of[i][f] = s
				told[f]++
				seen[value{f, s}]++
			}
		}
	}
	for i := range r.rows {
		for f := range address.NumFeatures {
			// A name that few have is rare among all, also where most have none; localities
			// and PINs are few, and rare only among those that are told.
			n := float64(max(len(r.rows), 2))
			if f == address.ByArea || f == address.ByPIN || f == address.ByWing {
				n = told[f]
			}
			if s := of[i][f]; s != "" {
				r.rows[i].rare[f] = float32(max(.05, math.Log2(n/(float64(seen[value{f, s}])+.5))))
			}
		}
	}
}

// index makes the blocking index.
func (r *Register) index() {
	var ps []posting
	var k keys
	for i := range r.rows {
		k.of(&r.rows[i].addr, false)
		for _, key := range k.list {
			ps = append(ps, posting{key, uint32(i)})
		}
	}
	for i := range r.structs {
		k.list = k.list[:0]
		for _, a := range r.structs[i].Aliases {
			k.alias(a)
		}
		k.add(keyAlias, "uid", r.structs[i].UID.String())
		for _, key := range k.list {
			ps = append(ps, posting{key, r.first[i]})
		}
	}
	r.blocks = newBlocks(ps)
}

// alias adds the key of a number: without case, spaces and marks; numbers that are
// junk ("0", "NA") have none.
func (k *keys) alias(a Alias) {
	if v := AliasKey(a.Value); len(v) >= 3 {
		k.add(keyAlias, a.Scheme, v)
	}
}

// AliasKey is a department's number as it is compared: upper-case letters and digits.
func AliasKey(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c >= 0x80:
			return c
		}
		return -1
	}, s)
}

// placeOf is the level of a record's place to a structure.
func placeOf(g, footprint *geo.Geometry) int {
	if g.IsEmpty() || footprint.IsEmpty() {
		return placeMissing
	}
	lon, lat := Middle(g)
	d := geo.DistanceTo(lon, lat, footprint)
	for l := placeInside; l < numPlaces; l++ {
		if d <= placeReach[l] {
			return l
		}
	}
	return placeElsewhere
}

// Middle is the point itself, else the centroid of an area, else the middle of the box.
func Middle(g *geo.Geometry) (lon, lat float64) {
	b := g.Box()
	lon, lat = (b.W+b.E)/2, (b.S+b.N)/2
	if g.NumPolygons() > 0 {
		if o := geo.NewOutline(g, lon, lat); o.Area > 0 {
			kx, ky := geo.MetresPerDegree(lat)
			return lon + o.CX/kx, lat + o.CY/ky
		}
	}
	return lon, lat
}
