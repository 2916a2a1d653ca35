package match

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"nagar/geo"
	"nagar/internal/registry/address"
)

// Matcher matches records with a register. It has scratch memory, and is for one
// goroutine; what it returns may be kept.
type Matcher struct {
	*Register
	keys    keys
	addrs   []address.Address
	votes   map[uint32]float64 // row → how much its keys say
	ballots []ballot
	pool    []scored
}

// ballot is a row with its votes.
type ballot struct {
	row  uint32
	vote float64
}

// NewMatcher returns a matcher on the register.
func (r *Register) NewMatcher() *Matcher {
	return &Matcher{Register: r, votes: map[uint32]float64{}}
}

// scored is a row compared with a record.
type scored struct {
	row    uint32
	addr   int // which of the record's addresses fits best, -1 for none
	levels address.Levels
	place  int
	alias  bool
	bits   float64
	share  float64 // posterior probability
}

// Match finds the structure of a record, and says why.
func (m *Matcher) Match(rec *Record) Decision {
	m.candidates(rec)
	m.judge()
	return m.decide(rec)
}

// candidates gathers the structures that share a key or a place with the record, and
// compares the likeliest.
func (m *Matcher) candidates(rec *Record) {
	clear(m.votes)
	m.addrs, m.pool = m.addrs[:0], m.pool[:0]
	for _, text := range rec.Addresses {
		if a := m.parser.Parse(text); !a.Empty() {
			m.addrs = append(m.addrs, a)
		}
	}
	if rec.Name != "" {
		n := m.parser.ParseName(rec.Name)
		if len(m.addrs) == 0 {
			m.addrs = append(m.addrs, address.Address{Numbers: n.Numbers, Wings: n.Wings})
		}
		for i := range m.addrs {
			m.addrs[i].Phrases = append(m.addrs[i].Phrases, n.Phrases...)
		}
	}
	for i := range m.addrs {
		m.keys.of(&m.addrs[i], true)
		m.vote(1)
	}
	m.keys.list = m.keys.list[:0]
	for _, a := range rec.Aliases {
		m.keys.alias(a)
	}
	aliased := map[int32]bool{}
	for _, key := range m.keys.list {
		for _, row := range m.blocks.under(key) {
			aliased[m.rows[row].of] = true
		}
	}
	m.vote(100)
	m.around(&rec.Geometry)
	m.ballots = m.ballots[:0]
	for row, v := range m.votes {
		m.ballots = append(m.ballots, ballot{row, v})
	}
	slices.SortFunc(m.ballots, func(a, b ballot) int {
		if a.vote != b.vote {
			return cmp.Compare(b.vote, a.vote)
		}
		return cmp.Compare(a.row, b.row)
	})
	for _, b := range m.ballots[:min(len(m.ballots), maxCandidates)] {
		c := scored{row: b.row}
		m.score(&c, rec, aliased)
		m.pool = append(m.pool, c)
	}
}

func (m *Matcher) vote(weight float64) {
	for _, key := range m.keys.list {
		rows := m.blocks.under(key)
		for _, row := range rows {
			m.votes[row] += weight / (3 + float64(len(rows)))
		}
	}
}

// around votes for the structures near the record's place.
func (m *Matcher) around(g *geo.Geometry) {
	if g.IsEmpty() {
		return
	}
	lon, lat := Middle(g)
	kx, ky := geo.MetresPerDegree(lat)
	const reach = 40
	m.tree.Search([2]float64{lon - reach/kx, lat - reach/ky}, [2]float64{lon + reach/kx, lat + reach/ky}, func(_, _ [2]float64, i int32) bool {
		s := &m.structs[i]
		v := 1 / (1 + geo.DistanceTo(lon, lat, &s.Geometry)/10)
		for row := m.first[i]; row < m.first[i+1]; row++ {
			m.votes[row] += v
		}
		return true
	})
}

// score compares a row with the record by everything, with the record's address
// that fits it best.
func (m *Matcher) score(c *scored, rec *Record, aliased map[int32]bool) {
	r := &m.rows[c.row]
	c.addr, c.bits = -1, 0
	for k := range m.addrs {
		levels := address.Compare(&m.addrs[k], &r.addr)
		if b := m.addressBits(&levels, r); c.addr < 0 || b > c.bits {
			c.addr, c.levels, c.bits = k, levels, b
		}
	}
	c.place = placeOf(&rec.Geometry, &m.structs[r.of].Geometry)
	c.bits += m.weights.placeBits(c.place, len(m.structs))
	if c.alias = aliased[r.of]; c.alias {
		c.bits += m.aliasBits()
	}
}

// aliasBits is the weight of an equal number: by chance, a wrong one is of this very
// structure once in as many structures as there are.
func (m *Matcher) aliasBits() float64 {
	return math.Log2(m.weights.Alias / (1 - m.weights.Alias) * max(2, float64(len(m.structs))))
}

// localFeatures say where. They go together (a road is in a locality, and that has a
// PIN), so that what they say for a structure is not three times as much: the
// strongest counts whole, the others by alongside. What speaks against counts whole.
var (
	localFeatures = [...]address.Feature{address.ByRoad, address.ByArea, address.ByPIN}
	alongside     = [len(localFeatures)]float64{1, .6, .2}
)

func (m *Matcher) addressBits(levels *address.Levels, r *row) float64 {
	sum := 0.0
	for f := range address.NumFeatures {
		if !slices.Contains(localFeatures[:], f) {
			sum += m.weights.bits(f, levels[f], float64(r.rare[f]))
		}
	}
	return sum + local(m.localBits(levels, r))
}

func (m *Matcher) localBits(levels *address.Levels, r *row) (b [len(localFeatures)]float64) {
	for i, f := range localFeatures {
		b[i] = m.weights.bits(f, levels[f], float64(r.rare[f]))
	}
	return b
}

// local adds up what says where.
func local(b [len(localFeatures)]float64) float64 {
	for i, d := range damped(b) {
		b[i] = d
	}
	return b[0] + b[1] + b[2]
}

// damped is what each local feature adds.
func damped(b [len(localFeatures)]float64) [len(localFeatures)]float64 {
	out := b
	for i := range b {
		stronger := 0
		for k := range b {
			if b[k] > b[i] || b[k] == b[i] && k < i {
				stronger++
			}
		}
		if b[i] > 0 {
			out[i] = b[i] * alongside[stronger]
		}
	}
	return out
}

// judge turns bits into probabilities: each candidate's odds against all others and
// against that it is none of them. Of a structure's rows the best stays.
func (m *Matcher) judge() {
	slices.SortFunc(m.pool, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.bits, a.bits), cmp.Compare(m.structs[m.rows[a.row].of].UID, m.structs[m.rows[b.row].of].UID), cmp.Compare(a.row, b.row))
	})
	kept := m.pool[:0]
	for _, c := range m.pool {
		if !slices.ContainsFunc(kept, func(k scored) bool { return m.rows[k.row].of == m.rows[c.row].of }) {
			kept = append(kept, c)
		}
	}
	m.pool = kept
	w := &m.weights
	none := max(2, float64(len(m.structs))) * (1 - w.Covered) / w.Covered
	sum := none
	for i := range m.pool {
		m.pool[i].share = math.Exp2(min(m.pool[i].bits, 400))
		sum += m.pool[i].share
	}
	for i := range m.pool {
		m.pool[i].share /= sum
	}
}

// contradicted are the bits of address and place under which a number is not believed.
const contradicted = -4

// decide is the verdict. Nothing joins by its road and locality alone.
func (m *Matcher) decide(rec *Record) Decision {
	d := Decision{Record: rec.ID}
	w := &m.weights
	if len(m.pool) == 0 {
		d.Why = "nothing in the register is like it"
		if len(m.addrs) == 0 && rec.Geometry.IsEmpty() && len(rec.Aliases) == 0 {
			d.Why = "the record has no address, place or number"
		}
		return d
	}
	best := &m.pool[0]
	switch {
	case best.share < w.Doubtful && (len(m.pool) < 2 || best.share+m.pool[1].share < w.Doubtful):
		d.Why = "nothing in the register is like it enough"
	case !slices.ContainsFunc(m.pool[:min(len(m.pool), maxShown)], func(c scored) bool { return m.identified(&c) }):
		d.Why = "nothing in it tells the building" // a road, a locality: not worth a reviewer's time
	case best.share < w.Sure:
		d.Verdict, d.Why = Review, "not sure enough"
		if len(m.pool) > 1 && m.pool[1].share > .3*best.share {
			d.Why = "several structures fit alike"
		}
	case !best.alias && slices.ContainsFunc(m.pool, func(c scored) bool { return c.alias }):
		d.Verdict, d.Why = Review, "its number is another structure's"
	case best.alias && best.bits-m.aliasBits() < contradicted:
		d.Verdict, d.Why = Review, "its number says this structure, its address another"
	case best.placeAlone():
		d.Verdict, d.Why = Review, "nothing but its place says so"
	case !m.identified(best):
		d.Verdict, d.Why = Review, "nothing in it tells the building"
	default:
		d.Verdict, d.UID = Join, m.structs[m.rows[best.row].of].UID
	}
	for i := range m.pool[:min(len(m.pool), maxShown)] {
		d.Candidates = append(d.Candidates, m.explain(&m.pool[i]))
	}
	return d
}

// identified reports whether something tells the building, not only where it is.
func (m *Matcher) identified(c *scored) bool {
	good := func(fs ...address.Feature) bool {
		return !slices.ContainsFunc(fs, func(f address.Feature) bool {
			return c.levels[f] != address.Agree && c.levels[f] != address.Close
		})
	}
	return c.alias || c.placed() || good(address.ByName) || good(address.ByParcel) ||
		good(address.ByHouse, address.ByRoad) || good(address.ByPlot, address.ByArea) || good(address.ByNumber, address.ByArea)
}

// placed reports whether the record's place is on the footprint, or next to it.
func (c *scored) placed() bool { return c.place == placeInside || c.place == placeTouching }

// placeAlone reports whether nothing but its place speaks for a candidate: points are
// often of the gate or of the middle of the plot.
func (c *scored) placeAlone() bool {
	if !c.placed() || c.alias {
		return false
	}
	for _, l := range c.levels {
		if l == address.Agree || l == address.Close {
			return false
		}
	}
	return true
}

// explain writes a candidate's reasons, the weightiest first.
func (m *Matcher) explain(c *scored) Candidate {
	r := &m.rows[c.row]
	out := Candidate{UID: m.structs[r.of].UID, Probability: round(c.share, 1e4), Bits: round(c.bits, 10)}
	if c.alias {
		out.Reasons = append(out.Reasons, Reason{By: "alias", Level: address.Agree.String(), Bits: round(m.aliasBits(), 10)})
	}
	if c.place != placeMissing {
		out.Reasons = append(out.Reasons, Reason{By: "place", Level: placeNames[c.place], Bits: round(m.weights.placeBits(c.place, len(m.structs)), 10)})
	}
	where := damped(m.localBits(&c.levels, r))
	for f := range address.NumFeatures {
		if c.addr < 0 || c.levels[f] == address.Missing {
			continue
		}
		b := m.weights.bits(f, c.levels[f], float64(r.rare[f]))
		if i := slices.Index(localFeatures[:], f); i >= 0 {
			b = where[i]
		}
		out.Reasons = append(out.Reasons, Reason{
			By: f.String(), Level: c.levels[f].String(), Bits: round(b, 10),
			Record: said(f, &m.addrs[c.addr]), Structure: said(f, &r.addr),
		})
	}
	slices.SortStableFunc(out.Reasons, func(a, b Reason) int { return cmp.Compare(math.Abs(b.Bits), math.Abs(a.Bits)) })
	return out
}

// said is what an address says of a feature.
func said(f address.Feature, a *address.Address) string {
	part, ok := map[address.Feature]address.Part{address.ByName: address.Name, address.ByRoad: address.Road, address.ByArea: address.Area, address.ByLandmark: address.Landmark}[f]
	if !ok {
		return valueOf(f, a)
	}
	var out []string
	for i := range a.Phrases {
		p := &a.Phrases[i]
		if p.Part != part {
			continue
		}
		var ws []string
		for _, w := range p.Words {
			ws = append(ws, w.Text)
		}
		out = append(out, strings.Join(ws, " "))
	}
	return strings.Join(out, ", ")
}

func round(x, by float64) float64 { return math.Round(x*by) / by }

// Says is what a structure or a record, by its names and addresses, says of the part
// that a Reason is by; "" for nothing.
func Says(p *address.Parser, by string, names, addresses []string) string {
	f := address.Feature(0)
	for f < address.NumFeatures && f.String() != by {
		f++
	}
	if f == address.NumFeatures {
		return ""
	}
	for _, s := range addresses {
		a := p.Parse(s)
		if text := said(f, &a); text != "" {
			return text
		}
	}
	for _, s := range names {
		a := p.ParseName(s)
		if text := said(f, &a); text != "" {
			return text
		}
	}
	return ""
}
