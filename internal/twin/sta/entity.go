package sta

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo/geojson"
	"nagar/internal/twin"
	"nagar/internal/twin/history"
)

// The entity sets.
const (
	things       = "Things"
	locations    = "Locations"
	histories    = "HistoricalLocations"
	datastreams  = "Datastreams"
	sensors      = "Sensors"
	properties   = "ObservedProperties"
	observations = "Observations"
	features     = "FeaturesOfInterest"
)

// Sets are the entity sets in the order of the service's root.
var Sets = []string{things, locations, histories, datastreams, sensors, properties, observations, features}

// of names the collection whose features a set's entities are.
var of = map[string]string{things: twin.Things, locations: twin.Things, features: twin.Things, datastreams: twin.Datastreams, sensors: twin.Instruments, properties: twin.Properties}

// fields are an entity's properties, in the order they are written.
var fields = map[string][]string{
	things:       {"name", "description", "properties"},
	locations:    {"name", "description", "encodingType", "location"},
	histories:    {"time"},
	datastreams:  {"name", "description", "observationType", "unitOfMeasurement", "properties"},
	sensors:      {"name", "description", "encodingType", "metadata", "properties"},
	properties:   {"name", "definition", "description", "properties"},
	observations: {"phenomenonTime", "resultTime", "result", "resultQuality", "validTime", "parameters"},
	features:     {"name", "description", "encodingType", "feature"},
}

// link is a way from one entity to others.
type link struct {
	name, set string
	one       bool
}

var links = map[string][]link{
	things:       {{locations, locations, false}, {histories, histories, false}, {datastreams, datastreams, false}},
	locations:    {{things, things, false}, {histories, histories, false}},
	histories:    {{"Thing", things, true}, {locations, locations, false}},
	datastreams:  {{"Thing", things, true}, {"Sensor", sensors, true}, {"ObservedProperty", properties, true}, {observations, observations, false}},
	sensors:      {{datastreams, datastreams, false}},
	properties:   {{datastreams, datastreams, false}},
	observations: {{"Datastream", datastreams, true}, {"FeatureOfInterest", features, true}},
	features:     {{observations, observations, false}},
}

// Session is one request.
type Session struct {
	Twin *twin.Twin
	View catalog.View
	Base string // address of the service, without a slash at its end
	// Note is told of each feature whose values the answer depends on; may be nil.
	Note func(c *catalog.Collection, id string, shown catalog.Properties)

	ctx   context.Context
	known map[string]map[string]*entity // collection → id, nil: not seen
}

// entity is one thing that the caller sees.
type entity struct {
	s     *Session
	set   string
	id    string
	f     *catalog.Feature // nil for observations
	props catalog.Properties
	obs   *history.Observation
}

// find is an entity by its id; nil when the caller does not see it.
func (s *Session) find(set, id string) *entity {
	collection, ok := of[set]
	if !ok {
		return nil
	}
	base, asked := s.known[collection][id]
	if !asked {
		if f := s.Twin.Entity(collection, id); f != nil {
			base = s.seen(collection, f)
		}
		if s.known == nil {
			s.known = map[string]map[string]*entity{}
		}
		if s.known[collection] == nil {
			s.known[collection] = map[string]*entity{}
		}
		s.known[collection][id] = base
	}
	if base == nil {
		return nil
	}
	e := *base
	e.set = set
	return &e
}

func (s *Session) seen(collection string, f *catalog.Feature) *entity {
	props, ok := s.Twin.See(s.View, collection, f)
	if !ok {
		return nil
	}
	if s.Note != nil {
		s.Note(s.Twin.Collection(collection), f.ID, props)
	}
	return &entity{s: s, id: f.ID, f: f, props: props}
}

// all are the entities of a set that the caller sees, in the order of their ids.
func (s *Session) all(set string) []*entity {
	var out []*entity
	if of[set] == "" {
		return nil
	}
	for _, f := range s.Twin.Entities(of[set]) {
		if e := s.find(set, f.ID); e != nil {
			out = append(out, e)
		}
	}
	return out
}

// observation is the entity of a reading.
func (s *Session) observation(o *history.Observation) *entity {
	kept := *o
	return &entity{s: s, set: observations, id: o.Datastream + "~" + strconv.FormatInt(o.Time, 10), obs: &kept}
}

// follow goes from an entity to what is linked with it; for observations see streams.
func (e *entity) follow(l link) []*entity {
	one := func(set, id string) []*entity {
		if x := e.s.find(set, id); x != nil {
			return []*entity{x}
		}
		return nil
	}
	switch {
	case l.set == histories || e.set == histories:
		return nil
	case e.set == observations && l.set == datastreams:
		return one(l.set, e.obs.Datastream)
	case e.set == observations: // its feature of interest
		if d := e.s.find(datastreams, e.obs.Datastream); d != nil {
			return one(l.set, d.props.Get("thing").Str())
		}
		return nil
	case e.set == datastreams:
		field := map[string]string{things: "thing", sensors: "instrument", properties: "property"}[l.set]
		return one(l.set, e.props.Get(field).Str())
	case e.set == things && l.set == datastreams:
		var out []*entity
		for _, id := range e.s.Twin.Streams(e.id) {
			if d := e.s.find(datastreams, id); d != nil && d.props.Get("thing").Str() == e.id {
				out = append(out, d)
			}
		}
		slices.SortFunc(out, func(a, b *entity) int { return twin.CompareIDs(a.id, b.id) })
		return out
	case l.set == datastreams:
		field := map[string]string{sensors: "instrument", properties: "property"}[e.set]
		var out []*entity
		for _, d := range e.s.all(datastreams) {
			if d.props.Get(field).Str() == e.id {
				out = append(out, d)
			}
		}
		return out
	}
	return one(l.set, e.id) // a thing and its place
}

// streams are the datastreams whose observations are linked with an entity.
func (e *entity) streams() []*entity {
	if e.set == datastreams {
		return []*entity{e}
	}
	if t := e.s.find(things, e.id); t != nil {
		return t.follow(links[things][2])
	}
	return nil
}

// multi is the values of a path that goes over many entities: a condition is met when
// one of them meets it.
type multi []any

// value implements row.
func (e *entity) value(path []string) any {
	name := path[0]
	if name == "id" || name == "@iot.id" {
		return idValue(e.id)
	}
	if slices.Contains(fields[e.set], name) {
		return inside(e.property(name), path[1:])
	}
	for _, l := range links[e.set] {
		if l.name != name || len(path) < 2 || l.set == observations {
			continue
		}
		var out multi
		for _, x := range e.follow(l) {
			v := x.value(path[1:])
			if l.one {
				return v
			}
			if m, ok := v.(multi); ok {
				out = append(out, m...)
			} else {
				out = append(out, v)
			}
		}
		if l.one {
			return nil
		}
		return out
	}
	return nil
}

// inside walks into a JSON value.
func inside(v any, path []string) any {
	if raw, ok := v.(json.RawMessage); ok {
		v = simple(raw)
	}
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// idValue is an id as JSON has it: a number where it is one.
func idValue(id string) any {
	if twin.Quote(id) == id {
		if n, err := strconv.ParseFloat(id, 64); err == nil {
			return n
		}
	}
	return id
}

const (
	geoJSON = "application/geo+json"
	typeURI = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_"
)

// property is a property's value; nil when it has none.
func (e *entity) property(name string) any {
	if e.obs != nil {
		return e.reading(name)
	}
	text := func(field string) any {
		if s := e.props.Get(field).Str(); s != "" {
			return s
		}
		return ""
	}
	switch name {
	case "name", "definition", "metadata":
		return text(name)
	case "description":
		if s := e.props.Get("description").Str(); s != "" {
			return s
		}
		return text("name")
	case "encodingType":
		if e.set == sensors {
			return text("encoding_type")
		}
		return geoJSON
	case "location", "feature":
		if len(e.f.Geometry.Coords) == 0 {
			return nil
		}
		return json.RawMessage(geojson.AppendGeometry(nil, &e.f.Geometry))
	case "observationType":
		kind := e.props.Get("observation_type").Str()
		switch {
		case kind == "":
			return typeURI + "Measurement"
		case strings.Contains(kind, "/"):
			return kind
		}
		return typeURI + strings.TrimPrefix(kind, "OM_")
	case "unitOfMeasurement":
		unit := map[string]any{"name": nil, "symbol": nil, "definition": nil}
		for member, field := range map[string]string{"symbol": "unit", "name": "unit_name", "definition": "unit_definition"} {
			if s := e.props.Get(field).Str(); s != "" {
				unit[member] = s
			}
		}
		return unit
	case "properties":
		return e.more()
	}
	return nil
}

// more is an entity's properties: those its owner gave, and what the city keeps of it.
func (e *entity) more() any {
	out := map[string]any{}
	if m, ok := simple(json.RawMessage(e.props.Get("properties").Str())).(map[string]any); ok {
		out = m
	}
	if e.set == things {
		for _, field := range []string{"kind", "ward", "uid", "purpose", "kept_for", "enquiries", "installed", "source_id"} {
			if v := e.props.Get(field); !v.IsNull() {
				out[field] = v.String()
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// reading is a property of an observation.
func (e *entity) reading(name string) any {
	o := e.obs
	switch name {
	case "phenomenonTime":
		if o.End != 0 {
			return timeText(o.Time) + "/" + timeText(o.End)
		}
		return timeText(o.Time)
	case "result":
		if o.Number() {
			return o.Value
		}
		return json.RawMessage(o.Text)
	}
	var extra map[string]json.RawMessage
	if o.Extra != "" {
		_ = json.Unmarshal([]byte(o.Extra), &extra) // we wrote it
	}
	if name == "resultQuality" && o.Quality != 0 {
		q := map[string]any{"good": o.Quality.Good(), "flags": o.Quality.Names()}
		if v := extra[name]; v != nil {
			q["given"] = v
		}
		return q
	}
	if v := extra[name]; v != nil {
		return v
	}
	return nil
}

func timeText(t int64) string {
	return time.UnixMicro(t).UTC().Format("2006-01-02T15:04:05.999999Z")
}

// self is the address of an entity.
func (e *entity) self() string {
	return e.s.Base + "/" + e.set + "(" + url.PathEscape(twin.Quote(e.id)) + ")"
}
