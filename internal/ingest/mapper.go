package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/city"
	"nagar/geo"
	"nagar/internal/format"
)

// item is what became of one record.
type item struct {
	index, line int64
	feature     catalog.Feature
	reject      error  // why it is rejected, nil when it is good
	raw         []byte // of a rejected record that could not be decoded
	fatal       bool   // the file breaks off here
	unknown     []string
	wantUID     bool // its source uid needs the field source_uid, which is not there
	placed      bool // its geometry has a place to judge the city by
	outside     bool // of the city's bounds
	swapped     bool // outside, and inside with lon and lat swapped
	fixes       geo.Fixes
	mended      bool
	extra       int
}

// transformer brings positions to EPSG:4326; *crs.Transformer is one.
type transformer interface {
	Transform(coords []float64, stride int) error
}

// worker turns records into features. One goroutine uses it.
type worker struct {
	opts    *Options
	profile *city.Profile
	to4326  transformer // nil when coordinates are lon/lat already
	mender  *mender
	// idColumn is the column that the decoder takes for the record's id.
	idColumn string
	rec      format.Record
	hash     []byte
	wards    map[string]string
	stamps   []uint32 // per field: the round in which it was set
	round    uint32
}

// process decodes and maps one record.
func (w *worker) process(c format.Chunk, i int, m *mapping) item {
	r := &w.rec
	c.Decode(i, r)
	it := item{index: r.Index, line: r.Line, extra: r.Extra}
	if r.Err != nil {
		it.reject, it.fatal = r.Err, r.Fatal
		it.raw = slices.Clone(r.Raw[:min(len(r.Raw), maxRejectText)])
		return it
	}
	it.feature.Geometry = r.Geometry
	id, own, err := w.identity(r)
	if err == nil {
		err = w.properties(r, m, &it, id, own)
	}
	it.feature.ID, it.feature.ValidFrom = id, w.opts.ValidFrom
	if gerr := w.geometry(&it); err == nil {
		err = gerr
	}
	if err == nil && it.unknown == nil {
		if err = m.c.Check(&it.feature); err != nil {
			err = w.explain(err)
		}
	}
	it.reject = err
	return it
}

// identity is the id by the contract's rule; own is false for a hash.
func (w *worker) identity(r *format.Record) (id string, own bool, err error) {
	switch {
	case w.opts.ID != "" && w.opts.ID == w.idColumn && r.ID != "":
		return r.ID, true, nil
	case w.opts.ID != "":
		for i := range r.Fields {
			if f := &r.Fields[i]; f.Name == w.opts.ID {
				if id = idText(f.Value); id != "" {
					return id, true, nil
				}
			}
		}
		return "", false, fmt.Errorf("there is no id in the field %q", w.opts.ID)
	case r.ID != "":
		return r.ID, true, nil
	}
	return w.recordHash(r), false, nil
}

// idText is a value as an id: an integral real without its fraction.
func idText(v catalog.Value) string {
	if f := v.Float(); v.Type() == catalog.TypeReal && f == math.Trunc(f) && math.Abs(f) <= maxExact {
		return catalog.Integer(int64(f)).String()
	}
	if v.IsNull() {
		return ""
	}
	return strings.TrimSpace(v.String())
}

// recordHash is 128 bits of SHA-256 over the record's geometry as it stands in the
// source and its values in the order of their names: the same record gets the same
// id whatever the order of its members, and whatever the options of the load.
func (w *worker) recordHash(r *format.Record) string {
	b := geo.AppendWKB(w.hash[:0], &r.Geometry, geo.ISO)
	order := make([]int, len(r.Fields))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return strings.Compare(r.Fields[i].Name, r.Fields[j].Name) })
	for _, i := range order {
		if f := &r.Fields[i]; !f.Value.IsNull() {
			b = append(b, 0)
			b = append(b, f.Name...)
			b = append(b, 0)
			b = f.Value.AppendJSON(b)
		}
	}
	w.hash = b
	sum := sha256.Sum256(b)
	return "h" + hex.EncodeToString(sum[:16])
}

func (w *worker) properties(r *format.Record, m *mapping, it *item, id string, own bool) error {
	props := make(catalog.Properties, 0, len(r.Fields)+3)
	if len(w.stamps) < len(m.c.Fields) {
		w.stamps = make([]uint32, len(m.c.Fields))
	}
	w.round++
	set := func(field int, v catalog.Value) bool {
		if w.stamps[field] == w.round {
			return false
		}
		w.stamps[field] = w.round
		props = append(props, catalog.Property{Name: m.c.Fields[field].Name, Value: v})
		return true
	}
	badUID := catalog.Null
	for i := range r.Fields {
		f := &r.Fields[i]
		targets, ok := m.targets[f.Name]
		if !ok {
			if !m.dropped[f.Name] {
				it.unknown = append(it.unknown, f.Name)
			}
			continue
		}
		for _, t := range targets {
			if t == m.uid && !f.Value.IsNull() && !validUID(f.Value) {
				badUID = catalog.Text(f.Value.String())
				continue
			}
			v, err := coerce(f.Value, f.Loose, &m.c.Fields[t])
			if err != nil {
				return err
			}
			if m.wards[t] {
				v = w.ward(v)
			}
			if !set(t, v) {
				return &catalog.Invalid{Path: "properties." + m.c.Fields[t].Name, Reason: "the record has it twice"}
			}
		}
	}
	if m.sourceID >= 0 && own && !set(m.sourceID, catalog.Text(id)) {
		keepSourceID(props, id)
	}
	if badUID.Str() != "" {
		if it.wantUID = m.sourceUID < 0; !it.wantUID {
			set(m.sourceUID, badUID)
		}
	}
	for _, t := range m.nulls {
		set(t, catalog.Null)
	}
	if m.uid >= 0 {
		set(m.uid, catalog.Null)
	}
	it.feature.Props = props
	return nil
}

// keepSourceID sets source_id where the source has that field but leaves it null.
func keepSourceID(props catalog.Properties, id string) {
	for i := range props {
		if p := &props[i]; p.Name == sourceIDField && p.Value.IsNull() {
			p.Value = catalog.Text(id)
		}
	}
}

// ward is the ward's name as the city writes it; what is no ward stays as it is.
func (w *worker) ward(v catalog.Value) catalog.Value {
	if v.Type() != catalog.TypeText || w.profile == nil {
		return v
	}
	name, ok := w.wards[v.Str()]
	if !ok {
		if name, ok = w.profile.Ward(v.Str()); !ok {
			name = v.Str()
		}
		if len(w.wards) > 10_000 {
			clear(w.wards)
		}
		w.wards[v.Str()] = name
	}
	return catalog.Text(name)
}

func (w *worker) geometry(it *item) error {
	g := &it.feature.Geometry
	if g.Type == geo.None {
		return nil
	}
	if w.to4326 != nil {
		if err := w.transform(g); err != nil {
			return err
		}
	}
	w.place(it)
	clean, fixes := geo.Clean(g)
	err := geo.Validate(&clean)
	if err != nil && w.opts.Repair {
		var mended geo.Geometry
		if mended, err = w.mend(&clean); err == nil {
			clean, it.mended = mended, true
		}
	}
	if err != nil {
		return &catalog.Invalid{Path: "geometry", Reason: err.Error()}
	}
	*g, it.fixes = clean, fixes
	return nil
}

func (w *worker) mend(g *geo.Geometry) (geo.Geometry, error) {
	cause := geo.Validate(g)
	mended, err := w.mender.mend(g)
	if err != nil {
		return geo.Geometry{}, fmt.Errorf("%w; it cannot be mended: %w", cause, err)
	}
	mended, _ = geo.Clean(&mended)
	if err := geo.Validate(&mended); err != nil {
		return geo.Geometry{}, fmt.Errorf("%w; mended, it is still not valid: %w", cause, err)
	}
	return mended, nil
}

func (w *worker) transform(g *geo.Geometry) error {
	if len(g.Coords) > 0 {
		coords := slices.Clone(g.Coords)
		if err := w.to4326.Transform(coords, g.Stride()); err != nil {
			return err
		}
		g.Coords = coords
	}
	for i := range g.Geoms {
		if err := w.transform(&g.Geoms[i]); err != nil {
			return err
		}
	}
	return nil
}

// place compares the first position with the city's bounds.
func (w *worker) place(it *item) {
	g := &it.feature.Geometry
	for len(g.Coords) == 0 && len(g.Geoms) > 0 {
		g = &g.Geoms[0]
	}
	if w.profile == nil || len(g.Coords) < 2 {
		return
	}
	it.placed = true
	if x, y := g.Coords[0], g.Coords[1]; !w.profile.Bounds.Contains(x, y) {
		it.outside, it.swapped = true, w.profile.Bounds.Contains(y, x)
	}
}

// explain adds to a refused position what is probably the matter.
func (w *worker) explain(err error) error {
	var inv *catalog.Invalid
	if !errors.As(err, &inv) || inv.Path != "geometry" || !strings.Contains(inv.Reason, "not a longitude and latitude") {
		return err
	}
	hint := "; if these are metres, name their coordinate reference system with --crs"
	if w.profile != nil && w.profile.CRS != "" {
		hint += " (local data is often in " + w.profile.CRS + ")"
	}
	if w.to4326 != nil {
		hint = "; is --crs right?"
	}
	return &catalog.Invalid{Path: inv.Path, Reason: inv.Reason + hint}
}
