package sta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/geo/geojson"
	"nagar/internal/twin"
	"nagar/internal/twin/reading"
)

// Creation is what a POST of an entity asks for: features to be written as one, the
// entity that it is about, and observations for the datastreams that it makes.
type Creation struct {
	Ops      []catalog.Op
	Set, ID  string
	Readings []Observed
}

// Observed is an observation that came with a datastream.
type Observed struct {
	Datastream string
	Payload    json.RawMessage
}

// Target says what a POST to a path is for: a set whose entities are made, with the
// entity that they are linked with, or observations of one datastream ("": named in
// each), or, with array, the body of CreateObservations.
type Target struct {
	Set        string
	Under      *entity
	Array      bool
	Datastream string
}

// Target reads the path of a POST.
func (s *Session) Target(path string) (Target, error) {
	if strings.Trim(path, "/") == "CreateObservations" {
		return Target{Set: observations, Array: true}, nil
	}
	steps, err := parsePath(path)
	if err != nil {
		return Target{}, err
	}
	if len(steps) == 0 || steps[len(steps)-1].has {
		return Target{}, &Error{Status: 405, Where: "path", Reason: "POST is for an entity set"}
	}
	last := steps[len(steps)-1]
	if len(steps) == 1 {
		if !slices.Contains(Sets, last.name) {
			return Target{}, none("there is no entity set %q", last.name)
		}
		return Target{Set: last.name}, nil
	}
	at, err := s.walk(steps[:len(steps)-1])
	if err != nil {
		return Target{}, err
	}
	if at.one == nil {
		return Target{}, none("there is no entity at %q", path)
	}
	i := slices.IndexFunc(links[at.set], func(l link) bool { return l.name == last.name && !l.one })
	if i < 0 {
		return Target{}, none("%s has no set %q", at.set, last.name)
	}
	t := Target{Set: links[at.set][i].set, Under: at.one}
	if t.Set == observations && at.set == datastreams {
		t.Datastream = at.one.id
	}
	return t, nil
}

// IsObservations reports whether it is readings that come, and no entities.
func (t *Target) IsObservations() bool { return t.Set == observations }

// Create reads the body of a POST for a set of entities.
func (s *Session) Create(t Target, body []byte) (*Creation, error) {
	m, err := object("", body)
	if err != nil {
		return nil, err
	}
	c := &creator{s: s, out: &Creation{Set: t.Set}}
	var under link
	if t.Under != nil {
		under = link{name: t.Under.set, set: t.Under.set}
	}
	switch t.Set {
	case things:
		c.out.ID, err = c.thing("", m)
	case datastreams:
		parent := map[string]string{}
		if under.set != "" {
			parent[under.set] = t.Under.id
		}
		c.out.ID, err = c.datastream("", m, parent)
	case sensors, properties:
		c.out.ID, err = c.plain("", t.Set, m)
	case locations:
		if t.Under == nil || t.Under.set != things {
			return nil, &Error{Status: 501, Where: "path", Reason: "a location is a thing's here: POST it to Things(id)/Locations"}
		}
		f := *t.Under.f
		c.out.ID = f.ID
		if err = c.place("", m, &f); err == nil {
			rev := f.Rev
			c.out.Ops = append(c.out.Ops, catalog.Op{Kind: catalog.Put, Collection: twin.Things, Feature: f, If: &rev})
		}
	default:
		return nil, &Error{Status: 501, Where: "path", Reason: t.Set + " are made by themselves here"}
	}
	return c.out, err
}

// creator gathers the features of a deep insert (18-088, section 10.2.1).
type creator struct {
	s   *Session
	out *Creation
}

func wrongAt(path, format string, a ...any) error {
	return &reading.Error{Path: path, Reason: fmt.Sprintf(format, a...)}
}

func object(path string, raw []byte) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&m); err != nil || m == nil {
		return nil, wrongAt(path, "want a JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, wrongAt(path, "there is more after the object")
	}
	return m, nil
}

func list(path string, raw json.RawMessage) ([]json.RawMessage, error) {
	if raw == nil {
		return nil, nil
	}
	var out []json.RawMessage
	if json.Unmarshal(raw, &out) != nil {
		return nil, wrongAt(path, "want a list")
	}
	return out, nil
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fill takes texts and properties out of an entity into a feature's fields; what is
// left in m but for the links is unknown.
func fill(path string, m map[string]json.RawMessage, into *catalog.Properties, texts map[string]string, linked ...string) error {
	for name, raw := range m {
		at := under(path, name)
		field, ok := texts[name]
		switch {
		case name == "properties":
			if string(raw) == "null" {
				continue
			}
			if _, err := object(at, raw); err != nil {
				return err
			}
			*into = append(*into, catalog.Property{Name: "properties", Value: catalog.JSON(string(raw))})
		case ok:
			var s string
			if json.Unmarshal(raw, &s) != nil {
				if field != "metadata" { // of which SensorThings says it may be anything
					return wrongAt(at, "want a text")
				}
				s = string(raw)
			}
			if s != "" {
				*into = append(*into, catalog.Property{Name: field, Value: catalog.Text(s)})
			}
		case slices.Contains(linked, name), strings.HasPrefix(name, "@iot."), strings.Contains(name, "@iot."):
		default:
			return wrongAt(at, "there is no such property")
		}
	}
	if into.Get("name").IsNull() && into.Get("description").IsNull() {
		return wrongAt(under(path, "name"), "it is missing")
	}
	return nil
}

func (c *creator) add(collection string, props catalog.Properties) string {
	id := c.s.Twin.NewID(collection)
	mustBeNew := catalog.Rev(0)
	c.out.Ops = append(c.out.Ops, catalog.Op{Kind: catalog.Put, Collection: collection, Feature: catalog.Feature{ID: id, Props: props}, If: &mustBeNew})
	return id
}

func (c *creator) thing(path string, m map[string]json.RawMessage) (string, error) {
	var props catalog.Properties
	if err := fill(path, m, &props, map[string]string{"name": "name", "description": "description"}, locations, datastreams, histories); err != nil {
		return "", err
	}
	id := c.add(twin.Things, props)
	at := len(c.out.Ops) - 1
	places, err := list(under(path, locations), m[locations])
	if err != nil {
		return "", err
	}
	for i, raw := range places {
		p := fmt.Sprintf("%s[%d]", under(path, locations), i)
		place, err := object(p, raw)
		if err != nil {
			return "", err
		}
		if i == 0 { // several are ways to describe one place
			if err := c.place(p, place, &c.out.Ops[at].Feature); err != nil {
				return "", err
			}
		}
	}
	streams, err := list(under(path, datastreams), m[datastreams])
	if err != nil {
		return "", err
	}
	for i, raw := range streams {
		p := fmt.Sprintf("%s[%d]", under(path, datastreams), i)
		d, err := object(p, raw)
		if err != nil {
			return "", err
		}
		if _, err := c.datastream(p, d, map[string]string{things: id}); err != nil {
			return "", err
		}
	}
	return id, nil
}

// place sets a thing's geometry to a location, new or an existing one's.
func (c *creator) place(path string, m map[string]json.RawMessage, f *catalog.Feature) error {
	if raw, ok := m["@iot.id"]; ok && m["location"] == nil {
		id, _ := reading.IDText(raw)
		e := c.s.find(locations, id)
		if e == nil {
			return wrongAt(under(path, "@iot.id"), "there is no such location")
		}
		f.Geometry = e.f.Geometry
		return nil
	}
	var ignored catalog.Properties
	if err := fill(path, m, &ignored, map[string]string{"name": "name", "description": "description", "encodingType": "encodingType"}, "location", things, histories); err != nil {
		return err
	}
	if ignored.Get("encodingType").IsNull() {
		return wrongAt(under(path, "encodingType"), "it is missing")
	}
	g, _, err := geojson.DecodeGeometry(m["location"])
	if err != nil {
		return wrongAt(under(path, "location"), "want a GeoJSON geometry: %v", err)
	}
	f.Geometry = g
	return nil
}

// plain makes a Sensor or an ObservedProperty.
func (c *creator) plain(path, set string, m map[string]json.RawMessage) (string, error) {
	texts := map[string]string{"name": "name", "description": "description", "definition": "definition"}
	needs := []string{"definition"}
	if set == sensors {
		texts = map[string]string{"name": "name", "description": "description", "encodingType": "encoding_type", "metadata": "metadata"}
		needs = []string{"encodingType", "metadata"}
	}
	var props catalog.Properties
	if err := fill(path, m, &props, texts, datastreams); err != nil {
		return "", err
	}
	for _, name := range needs {
		if props.Get(texts[name]).IsNull() {
			return "", wrongAt(under(path, name), "it is missing")
		}
	}
	return c.add(of[set], props), nil
}

func (c *creator) datastream(path string, m map[string]json.RawMessage, parent map[string]string) (string, error) {
	var props catalog.Properties
	err := fill(path, m, &props, map[string]string{"name": "name", "description": "description", "observationType": "observation_type"},
		"unitOfMeasurement", "observedArea", "phenomenonTime", "resultTime", "Thing", "Sensor", "ObservedProperty", observations)
	if err != nil {
		return "", err
	}
	if props.Get("observation_type").IsNull() {
		return "", wrongAt(under(path, "observationType"), "it is missing")
	}
	unit, err := object(under(path, "unitOfMeasurement"), m["unitOfMeasurement"])
	if err != nil {
		return "", err
	}
	for member, field := range map[string]string{"symbol": "unit", "name": "unit_name", "definition": "unit_definition"} {
		var s *string
		raw, ok := unit[member]
		if !ok || json.Unmarshal(raw, &s) != nil {
			return "", wrongAt(under(path, "unitOfMeasurement."+member), "want a text, or null")
		}
		if s != nil && *s != "" {
			props = append(props, catalog.Property{Name: field, Value: catalog.Text(*s)})
		}
	}
	for _, l := range links[datastreams][:3] {
		id, err := c.linked(under(path, l.name), l.set, m[l.name], parent[l.set])
		if err != nil {
			return "", err
		}
		field := map[string]string{things: "thing", sensors: "instrument", properties: "property"}[l.set]
		props = append(props, catalog.Property{Name: field, Value: catalog.Text(id)})
	}
	id := c.add(twin.Datastreams, props)
	readings, err := list(under(path, observations), m[observations])
	for _, raw := range readings {
		c.out.Readings = append(c.out.Readings, Observed{id, raw})
	}
	return id, err
}

// linked is the id of an entity that another must be linked with: the parent, one
// that is named, or one that is described and made along with it.
func (c *creator) linked(path, set string, raw json.RawMessage, parent string) (string, error) {
	if raw == nil && parent != "" {
		return parent, nil
	}
	if raw == nil {
		return "", wrongAt(path, "it is missing")
	}
	m, err := object(path, raw)
	if err != nil {
		return "", err
	}
	if raw, ok := m["@iot.id"]; ok {
		id, ok := reading.IDText(raw)
		if !ok || c.s.find(set, id) == nil {
			return "", wrongAt(under(path, "@iot.id"), "there is no such entity in %s", set)
		}
		return id, nil
	}
	if set == things {
		return c.thing(path, m)
	}
	return c.plain(path, set, m)
}

// Self is the address of an entity.
func (s *Session) Self(set, id string) string { return (&entity{s: s, set: set, id: id}).self() }
