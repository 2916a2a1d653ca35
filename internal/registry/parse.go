package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/geojson"
)

// Command is a change of the register, as it comes in JSON.
type Command struct {
	Kind     string `json:"kind"`
	UID      string `json:"-"`             // of the structure it is about; "" to register one
	NewUID   string `json:"uid,omitempty"` // register, replace: of a lease; "": one is drawn
	Date     string `json:"date"`          // the day it took place, YYYY-MM-DD in the city; "": now
	Evidence string `json:"evidence"`

	Status     string                     `json:"status"`     // status, register, replace, revive
	Geometry   json.RawMessage            `json:"geometry"`   // register, correct, merge, replace
	Properties map[string]json.RawMessage `json:"properties"` // register, correct, replace
	Footprint  string                     `json:"footprint"`  // correct: which, where there are several
	Parts      []Part                     `json:"parts"`      // split: the first keeps the UID
	With       []string                   `json:"with"`       // merge: those that go into this one
	Alias      *NewAlias                  `json:"alias"`      // alias, end_alias
	Plan       []Floors                   `json:"plan"`       // units
	Event      string                     `json:"event"`      // undo: which
}

// Part is one of the structures that another is split into: by its outline, or by
// which of the footprints go to it.
type Part struct {
	Geometry   json.RawMessage            `json:"geometry"`
	Footprints []string                   `json:"footprints"`
	Properties map[string]json.RawMessage `json:"properties"`
	UID        string                     `json:"uid,omitempty"` // of a lease; "": one is drawn
}

// NewAlias is another number of a structure.
type NewAlias struct {
	Scheme string `json:"scheme"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// Floors are like floors of a plan: From to To, each with Units units, numbered from
// First on. Units of one floor are numbered through, whatever wing they are in: a
// wing that says no First goes on behind the others, and again finds its own.
type Floors struct {
	From  string  `json:"from"`           // B2, B1, 00, 01, ...
	To    string  `json:"to"`             // "": From
	Wing  string  `json:"wing,omitempty"` // "": the structure has none
	Units int     `json:"units"`
	First int     `json:"first"` // 0: 1
	Use   string  `json:"use"`
	Area  float64 `json:"area_m2"` // of each; 0: not known
}

// ParseCommand reads a command from JSON, strictly: what is misspelt would
// otherwise be lost in silence. Errors are *Refused.
func ParseCommand(body []byte) (*Command, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	c := &Command{}
	if err := d.Decode(c); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return nil, refuse("form", kind.Field, "a JSON %s does not fit here", kind.Value)
		}
		return nil, refuse("body", "body", "%v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse("more", "body", "there is more after the command")
	}
	if len(c.Evidence) > 2000 {
		return nil, refuse("evidence_long", "evidence", "it is longer than 2000 bytes")
	}
	return c, nil
}

// digest tells commands apart.
func (c *Command) digest() string {
	text, err := json.Marshal(struct {
		UID string
		*Command
	}{c.UID, c})
	if err != nil { // raw JSON that was decoded encodes
		return err.Error()
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// shape reads a geometry; None when it was left out.
func shape(path string, raw json.RawMessage) (geo.Geometry, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return geo.Geometry{}, nil
	}
	f, _, err := geojson.DecodeGeometry(raw)
	if err != nil {
		return geo.Geometry{}, refuse("geometry", path, "%v", err)
	}
	g, _ := geo.Clean(&f)
	if g.Type != geo.Polygon && g.Type != geo.MultiPolygon {
		return g, refuse("polygon", path, "want a Polygon or MultiPolygon, got %s", f.Type)
	}
	if err := geo.Validate(&g); err != nil {
		return g, refuse("geometry", path, "%v", err)
	}
	return g, nil
}

// set writes the values over the properties; only those of fields may name. It
// reports the names that c does not have, or that may not be set so.
func set(c *catalog.Collection, props catalog.Properties, given map[string]json.RawMessage) (out catalog.Properties, rest map[string]json.RawMessage, err error) {
	rest = map[string]json.RawMessage{}
	out = append(out, props...)
	for name, raw := range given {
		f, ok := c.Field(name)
		if !ok || fixed[name] {
			rest[name] = raw
			continue
		}
		v, err := valueOf(f, raw)
		if err != nil {
			return nil, nil, err
		}
		out = with(out, name, v)
	}
	return out, rest, nil
}

// fixed are the fields that commands set by themselves.
var fixed = map[string]bool{"uid": true, "status": true, "retired": true, "source_id": true}

// with is the properties with one value set.
func with(props catalog.Properties, name string, v catalog.Value) catalog.Properties {
	out := make(catalog.Properties, 0, len(props)+1)
	for _, p := range props {
		if p.Name != name {
			out = append(out, p)
		}
	}
	if !v.IsNull() {
		out = append(out, catalog.Property{Name: name, Value: v})
	}
	return out
}

// valueOf reads a field's value from JSON.
func valueOf(f *catalog.Field, raw json.RawMessage) (catalog.Value, error) {
	no := func() (catalog.Value, error) {
		return catalog.Null, refuse("value", "properties."+f.Name, "%.40s is no %s", raw, f.Type)
	}
	if string(raw) == "null" {
		return catalog.Null, nil
	}
	var text string
	isText := json.Unmarshal(raw, &text) == nil
	switch f.Type {
	case catalog.TypeText:
		if isText {
			return catalog.Text(text), nil
		}
	case catalog.TypeInteger:
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return catalog.Integer(n), nil
		}
	case catalog.TypeReal:
		if n, err := strconv.ParseFloat(string(raw), 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
			return catalog.Real(n), nil
		}
	case catalog.TypeBoolean:
		if string(raw) == "true" || string(raw) == "false" {
			return catalog.Boolean(string(raw) == "true"), nil
		}
	case catalog.TypeDate:
		if d, err := time.Parse(time.DateOnly, text); isText && err == nil {
			return catalog.Date(d), nil
		}
	case catalog.TypeTime:
		if t, err := time.Parse(time.RFC3339, text); isText && err == nil {
			return catalog.Time(t), nil
		}
	case catalog.TypeJSON:
		return catalog.JSON(string(raw)), nil
	}
	return no()
}
