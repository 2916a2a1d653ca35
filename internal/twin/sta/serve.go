package sta

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"nagar/catalog"
	"nagar/internal/twin"
	"nagar/internal/twin/history"
)

// Answer is what a GET gets: JSON, or text for $value.
type Answer struct {
	Body []byte
	Text bool
}

// Get answers a GET of a path under the service's root, with its query.
func (s *Session) Get(ctx context.Context, path string, values url.Values) (Answer, error) {
	s.ctx = ctx
	q, err := parseQuery(values)
	if err != nil {
		return Answer{}, err
	}
	steps, err := parsePath(path)
	if err != nil {
		return Answer{}, err
	}
	if len(steps) == 0 {
		return Answer{Body: s.root()}, nil
	}
	at, err := s.walk(steps)
	if err != nil {
		return Answer{}, err
	}
	w := &writer{s: s}
	switch {
	case at.property != "":
		return at.one.plain(at.property, at.raw)
	case at.one != nil:
		if err := w.entity(at.one, &q); err != nil {
			return Answer{}, err
		}
	case at.set == observations:
		err = w.observations(at.streams, &q, s.Base+"/"+path, values, at.ref)
	default:
		err = w.list(at.list, &q, s.Base+"/"+path, values, at.ref)
	}
	return Answer{Body: w.b}, err
}

func (s *Session) root() []byte {
	type set struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	var sets []set
	for _, name := range Sets {
		sets = append(sets, set{name, s.Base + "/" + name})
	}
	b, _ := json.Marshal(map[string]any{"value": sets, "serverSettings": map[string]any{"conformance": Conformance}}) // texts always marshal
	return b
}

// Conformance are the requirement classes that the service keeps to.
var Conformance = []string{
	"http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel",
	"http://www.opengis.net/spec/iot_sensing/1.1/req/resource-path/resource-path-to-entities",
	"http://www.opengis.net/spec/iot_sensing/1.1/req/request-data",
	"http://www.opengis.net/spec/iot_sensing/1.1/req/data-array/data-array",
	"http://www.opengis.net/spec/iot_sensing/1.1/req/create-observations-via-mqtt/observations-creation",
}

// step is one part of a path: a name, and an id where it stands in brackets.
type step struct {
	name, id string
	has      bool
}

const maxSteps = 12

func parsePath(path string) ([]step, error) {
	var out []step
	for part := range splitTop(strings.Trim(path, "/"), '/') {
		if part == "" && len(out) == 0 {
			return nil, nil
		}
		name, id, has := strings.Cut(part, "(")
		if has {
			inner, ok := strings.CutSuffix(id, ")")
			if id = twin.Unquote(inner); !ok || id == "" {
				return nil, bad("path", "%q: an id in brackets is not closed, or empty", part)
			}
		}
		if len(out) == maxSteps {
			return nil, bad("path", "it goes too far")
		}
		out = append(out, step{name, id, has})
	}
	return out, nil
}

// place is where a path leads: one entity (a property of it), or a list.
type place struct {
	set      string
	one      *entity
	list     []*entity
	streams  []*entity // whose observations are the list
	property string
	raw, ref bool
}

func (s *Session) walk(steps []step) (at place, err error) {
	first := steps[0]
	if !slices.Contains(Sets, first.name) {
		return at, none("there is no entity set %q", first.name)
	}
	at.set = first.name
	if first.has {
		if at.one = s.entityOf(first.name, first.id, nil); at.one == nil {
			return at, none("there is no entity %s(%s)", first.name, first.id)
		}
	} else if first.name == observations {
		at.streams = s.all(datastreams)
	} else {
		at.list = s.all(first.name)
	}
	for i, st := range steps[1:] {
		last := i == len(steps)-2
		switch {
		case last && st.name == "$ref" && !st.has:
			at.ref = true
		case last && st.name == "$value" && at.property != "":
			at.raw = true
		case at.one == nil || at.property != "":
			return at, bad("path", "%q cannot follow a list or a property", st.name)
		case slices.Contains(fields[at.set], st.name) && !st.has:
			at.property = st.name
		default:
			if at, err = s.further(at.one, st); err != nil {
				return at, err
			}
		}
	}
	return at, nil
}

// further follows a link from an entity.
func (s *Session) further(e *entity, st step) (at place, err error) {
	i := slices.IndexFunc(links[e.set], func(l link) bool { return l.name == st.name })
	if i < 0 {
		return at, none("%s has no %q", e.set, st.name)
	}
	l := links[e.set][i]
	at.set = l.set
	switch {
	case l.set == observations && st.has:
		at.one = s.entityOf(observations, st.id, e.streams())
	case l.set == observations:
		at.streams = e.streams()
		return at, nil
	case l.one:
		if list := e.follow(l); len(list) > 0 && !st.has {
			at.one = list[0]
		}
	case st.has:
		list := e.follow(l)
		if j := slices.IndexFunc(list, func(x *entity) bool { return x.id == st.id }); j >= 0 {
			at.one = list[j]
		}
	default:
		at.list = e.follow(l)
		return at, nil
	}
	if at.one == nil {
		return at, none("there is no %s there", st.name)
	}
	return at, nil
}

// entityOf finds an entity by id; an observation only in one of the streams, nil: in all.
func (s *Session) entityOf(set, id string, streams []*entity) *entity {
	if set != observations {
		return s.find(set, id)
	}
	cut := strings.LastIndexByte(id, '~')
	if cut < 0 {
		return nil
	}
	at, err := strconv.ParseInt(id[cut+1:], 10, 64)
	if err != nil || s.find(datastreams, id[:cut]) == nil || streams != nil && !slices.ContainsFunc(streams, func(d *entity) bool { return d.id == id[:cut] }) {
		return nil
	}
	var found *entity
	err = s.Twin.History().Scan(s.ctx, history.Span{Datastream: id[:cut], From: at, To: at + 1}, func(o *history.Observation) error {
		found = s.observation(o)
		return nil
	})
	if err != nil {
		return nil
	}
	return found
}

// plain answers a property by itself, $value as text.
func (e *entity) plain(name string, raw bool) (Answer, error) {
	v := e.property(name)
	if v == nil {
		return Answer{}, none("it has no %s", name)
	}
	if text, ok := v.(string); ok && raw {
		return Answer{Body: []byte(text), Text: true}, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return Answer{}, err
	}
	if raw {
		return Answer{Body: b, Text: true}, nil
	}
	return Answer{Body: append(append(catalog.AppendJSONString([]byte("{"), name), ':'), append(b, '}')...)}, nil
}

var errEnough = errors.New("enough")

// Entity is one entity as JSON; nil when the caller does not see it.
func (s *Session) Entity(ctx context.Context, set, id string) ([]byte, error) {
	s.ctx, s.known = ctx, nil // it may have been made just now
	e := s.find(set, id)
	if e == nil {
		return nil, nil
	}
	w := &writer{s: s}
	err := w.entity(e, &query{top: -1})
	return w.b, err
}

// Observation is a reading as an entity in JSON, and its address.
func (s *Session) Observation(o *history.Observation) (body []byte, self string, err error) {
	e := s.observation(o)
	w := &writer{s: s}
	err = w.entity(e, &query{top: -1})
	return w.b, e.self(), err
}

// Address is the address of a reading's entity.
func (s *Session) Address(o *history.Observation) string { return s.observation(o).self() }
