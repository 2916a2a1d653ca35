package reading

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// dataArray is one group of a data array (OGC 18-088, section 12.3).
type dataArray struct {
	Datastream json.RawMessage     `json:"Datastream"`
	Components []string            `json:"components"`
	Rows       [][]json.RawMessage `json:"dataArray"`
}

// DataArray reads the body of CreateObservations.
func (r *Reader) DataArray(payload []byte) ([]Reading, error) {
	var groups []dataArray
	if err := decode(payload, &groups); err != nil {
		return nil, err
	}
	var out []Reading
	for g, group := range groups {
		path := fmt.Sprintf("[%d]", g)
		id, err := entityID(path+".Datastream", group.Datastream)
		if err != nil {
			return nil, err
		}
		if len(out)+len(group.Rows) > Most {
			return nil, wrong("", "it has more readings than the %d that go into one", Most)
		}
		for i, row := range group.Rows {
			at := fmt.Sprintf("%s.dataArray[%d]", path, i)
			if len(row) != len(group.Components) {
				return nil, wrong(at, "it has %d values for %d components", len(row), len(group.Components))
			}
			m := make(map[string]json.RawMessage, len(row))
			for j, name := range group.Components {
				if name == "FeatureOfInterest/id" || name == "FeatureOfInterest/@iot.id" {
					name, row[j] = "FeatureOfInterest", slicesConcat(`{"@iot.id":`, row[j], `}`)
				}
				m[name] = row[j]
			}
			one, err := r.observation(at, m)
			if err != nil {
				return nil, err
			}
			one.Datastream = id
			out = append(out, one)
		}
	}
	if len(out) == 0 {
		return nil, wrong("", "it has no readings")
	}
	return out, nil
}

func slicesConcat(head string, middle []byte, tail string) json.RawMessage {
	return append(append([]byte(head), middle...), tail...)
}

// record is a SenML record (RFC 8428, section 4).
type record struct {
	BaseName  string      `json:"bn"`
	BaseTime  float64     `json:"bt"`
	BaseUnit  string      `json:"bu"`
	BaseValue *float64    `json:"bv"`
	BaseSum   *float64    `json:"bs"`
	Version   *float64    `json:"bver"`
	Name      string      `json:"n"`
	Unit      string      `json:"u"`
	Value     *float64    `json:"v"`
	String    *string     `json:"vs"`
	Bool      *bool       `json:"vb"`
	Data      *string     `json:"vd"`
	Sum       *float64    `json:"s"`
	Time      float64     `json:"t"`
	Update    json.Number `json:"ut"`
}

// isSenML reports whether a list is of SenML records: they alone have these members.
func isSenML(list []map[string]json.RawMessage) bool {
	for _, m := range list {
		for _, name := range []string{"n", "bn", "bver", "vs", "vb", "vd"} {
			if _, ok := m[name]; ok {
				return true
			}
		}
	}
	return false
}

// relative is from which time on a SenML time is absolute (RFC 8428, section 4.5.3).
const relative = 1 << 28

// SenML reads a SenML pack in JSON.
func (r *Reader) SenML(payload []byte) ([]Reading, error) {
	var pack []record
	if err := decode(payload, &pack); err != nil {
		return nil, err
	}
	if len(pack) > Most {
		return nil, wrong("", "it has %d records, at most %d go into one", len(pack), Most)
	}
	var base record
	var out []Reading
	for i := range pack {
		path, rec := fmt.Sprintf("[%d]", i), &pack[i]
		if rec.Version != nil && *rec.Version > 10 {
			return nil, wrong(path+".bver", "version %v is newer than RFC 8428", *rec.Version)
		}
		base.take(rec)
		result, err := rec.result(path, &base)
		if err != nil {
			return nil, err
		}
		if result == nil {
			continue // base values for those that follow
		}
		one := Reading{Name: base.BaseName + rec.Name, Unit: rec.Unit, Result: result}
		if one.Unit == "" {
			one.Unit = base.BaseUnit
		}
		if one.Name == "" || len(one.Name) > 200 {
			return nil, wrong(path+".n", "the record has no name")
		}
		switch t := base.BaseTime + rec.Time; {
		case t == 0:
			one.Time, one.Given = r.Now(), true
		case math.Abs(t) < relative:
			if one.Time, err = checked(path+".t", r.Now()+int64(t*1e6)); err != nil {
				return nil, err
			}
		default:
			if math.Abs(t) > 1e11 {
				return nil, wrong(path+".t", "%v is no time in seconds", t)
			}
			if one.Time, err = checked(path+".t", int64(math.Round(t*1e6))); err != nil {
				return nil, err
			}
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, wrong("", "it has no values")
	}
	return out, nil
}

// take keeps the base values that a record brings for itself and those that follow.
func (base *record) take(rec *record) {
	if rec.BaseName != "" {
		base.BaseName = rec.BaseName
	}
	if rec.BaseTime != 0 {
		base.BaseTime = rec.BaseTime
	}
	if rec.BaseUnit != "" {
		base.BaseUnit = rec.BaseUnit
	}
	if rec.BaseValue != nil {
		base.BaseValue = rec.BaseValue
	}
}

// result is a record's value; nil when it has none.
func (rec *record) result(path string, base *record) (json.RawMessage, error) {
	given := 0
	for _, there := range []bool{rec.Value != nil, rec.String != nil, rec.Bool != nil, rec.Data != nil} {
		if there {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, wrong(path, "it has several values")
	case rec.Value != nil:
		v := *rec.Value
		if base.BaseValue != nil {
			v += *base.BaseValue
		}
		return json.RawMessage(strconv.AppendFloat(nil, v, 'g', -1, 64)), nil
	case rec.String != nil:
		return marshal(*rec.String), nil
	case rec.Bool != nil:
		return marshal(*rec.Bool), nil
	case rec.Data != nil:
		return marshal(*rec.Data), nil
	case rec.Sum != nil:
		return json.RawMessage(strconv.AppendFloat(nil, *rec.Sum, 'g', -1, 64)), nil
	}
	return nil, nil
}

func marshal(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // texts and booleans always encode
	return bytes.TrimSpace(b.Bytes())
}
