// Package reading reads what sensors send: SensorThings observations, its data
// arrays, plain JSON and SenML. It knows no datastream: what a name means, and of
// which unit its values are, is for the twin to say.
package reading

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Reading is one value as its sender gave it.
type Reading struct {
	Datastream string // its id; "" where Name says which
	Name       string // as the device calls it: a SenML name, or the property of a Thing

	Time, End int64           // phenomenonTime, microseconds since 1970 in UTC; End 0: an instant
	Given     bool            // it had none, and Time is when it was received
	Result    json.RawMessage // one JSON value
	Unit      string          // of the result; "": the datastream's
	Extra     string          // the other members of an observation, as a JSON object; "": none
}

// Error says what cannot be read, and where.
type Error struct {
	Path   string // such as dataArray[3].phenomenonTime; "" for the whole
	Reason string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

func wrong(path, format string, a ...any) error {
	return &Error{Path: path, Reason: fmt.Sprintf(format, a...)}
}

// Most is the most readings that one payload may hold.
const Most = 20_000

// Reader reads payloads. Times without a zone are of Zone.
type Reader struct {
	Zone *time.Location
	Now  func() int64 // the time of readings that name none: microseconds, another one each time
}

// Observation reads one SensorThings observation (OGC 18-088, section 8.2.8).
func (r *Reader) Observation(payload []byte) (Reading, error) {
	var m map[string]json.RawMessage
	if err := decode(payload, &m); err != nil {
		return Reading{}, err
	}
	return r.observation("", m)
}

// plainTypes are members of a plain JSON reading.
var valueNames, timeNames, unitNames = []string{"result", "value", "v"}, []string{"phenomenonTime", "time", "timestamp", "t"}, []string{"unit", "u"}

// Stream reads what a device sends to one datastream: an observation, a list of them,
// plain JSON (a number, or value and time under the usual names), or SenML, where all
// is of this datastream.
func (r *Reader) Stream(id string, payload []byte) ([]Reading, error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 {
		return nil, wrong("", "it is empty")
	}
	out, err := r.stream(payload)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].Datastream != "" && out[i].Datastream != id {
			return nil, wrong(fmt.Sprintf("[%d]", i), "it is of another datastream than its topic")
		}
		out[i].Datastream, out[i].Name = id, ""
	}
	return out, nil
}

func (r *Reader) stream(payload []byte) ([]Reading, error) {
	switch payload[0] {
	case '[':
		var list []map[string]json.RawMessage
		if err := decode(payload, &list); err != nil {
			return nil, err
		}
		if isSenML(list) {
			return r.SenML(payload)
		}
		if len(list) > Most {
			return nil, wrong("", "it has %d readings, at most %d go into one", len(list), Most)
		}
		out := make([]Reading, 0, len(list))
		for i, m := range list {
			one, err := r.plain(fmt.Sprintf("[%d]", i), m)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
		return out, nil
	case '{':
		var m map[string]json.RawMessage
		if err := decode(payload, &m); err != nil {
			return nil, err
		}
		one, err := r.plain("", m)
		return []Reading{one}, err
	}
	var v any
	if err := decode(payload, &v); err != nil {
		return nil, err
	}
	return []Reading{{Time: r.Now(), Given: true, Result: bytes.Clone(payload)}}, nil
}

// plain reads an object with a value, and perhaps a time and a unit.
func (r *Reader) plain(path string, m map[string]json.RawMessage) (Reading, error) {
	if _, ok := m["result"]; ok {
		return r.observation(path, m)
	}
	var out Reading
	var err error
	if _, out.Result = first(m, valueNames); out.Result == nil {
		return out, wrong(path, "it has no result or value")
	}
	name, at := first(m, timeNames)
	if out.Time, out.End, out.Given, err = r.when(join(path, name), at); err != nil {
		return out, err
	}
	if name, unit := first(m, unitNames); unit != nil {
		if err := json.Unmarshal(unit, &out.Unit); err != nil {
			return out, wrong(join(path, name), "want a text")
		}
	}
	return out, nil
}

// Thing reads what a station sends of all that it measures: an object with a value
// for each name, and perhaps a time.
func (r *Reader) Thing(payload []byte) ([]Reading, error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) > 0 && payload[0] == '[' {
		return r.SenML(payload)
	}
	var m map[string]json.RawMessage
	if err := decode(payload, &m); err != nil {
		return nil, err
	}
	timeName, at := first(m, timeNames)
	t, end, given, err := r.when(timeName, at)
	if err != nil {
		return nil, err
	}
	var out []Reading
	for name, value := range m {
		if name == timeName && at != nil {
			continue
		}
		if name == "" || len(name) > 200 || len(out) == Most {
			return nil, wrong("", "its members are too many, or their names no names")
		}
		out = append(out, Reading{Name: name, Time: t, End: end, Given: given, Result: value})
	}
	if len(out) == 0 {
		return nil, wrong("", "it has no values")
	}
	return out, nil
}

// observation reads the members of a SensorThings observation.
func (r *Reader) observation(path string, m map[string]json.RawMessage) (out Reading, err error) {
	if out.Result = m["result"]; out.Result == nil {
		return out, wrong(join(path, "result"), "it is missing")
	}
	if out.Time, out.End, out.Given, err = r.when(join(path, "phenomenonTime"), m["phenomenonTime"]); err != nil {
		return out, err
	}
	extra := map[string]json.RawMessage{}
	for name, v := range m {
		switch name {
		case "result", "phenomenonTime":
		case "Datastream":
			if out.Datastream, err = entityID(join(path, name), v); err != nil {
				return out, err
			}
		case "resultTime":
			if string(v) == "null" {
				continue
			}
			t, _, _, err := r.when(join(path, name), v)
			if err != nil {
				return out, err
			}
			extra[name], _ = json.Marshal(time.UnixMicro(t).UTC()) // years from 1 to 9999 always marshal
		case "validTime", "resultQuality", "parameters", "FeatureOfInterest":
			if string(v) != "null" {
				extra[name] = v
			}
		default:
			if !strings.HasPrefix(name, "@iot.") {
				return out, wrong(join(path, name), "an observation has no such member")
			}
		}
	}
	if v := extra["validTime"]; v != nil {
		if _, _, _, err := r.when(join(path, "validTime"), v); err != nil {
			return out, err
		}
	}
	if len(extra) > 0 {
		b, err := json.Marshal(extra)
		if err != nil {
			return out, wrong(path, "%v", err)
		}
		out.Extra = string(b)
	}
	return out, nil
}

// entityID reads a link to an entity: {"@iot.id": 7}, or with "id" as data arrays have it.
func entityID(path string, raw json.RawMessage) (string, error) {
	var link struct {
		ID    json.RawMessage `json:"@iot.id"`
		Plain json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(raw, &link); err != nil {
		return "", wrong(path, `want {"@iot.id": ...}`)
	}
	id := link.ID
	if id == nil {
		id = link.Plain
	}
	text, ok := IDText(id)
	if !ok {
		return "", wrong(path, `want {"@iot.id": ...} with a number or text`)
	}
	return text, nil
}

// IDText is an id, a JSON number or text, as text.
func IDText(raw json.RawMessage) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" && len(s) <= 200 {
		return s, true
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return strconv.FormatInt(n, 10), true
	}
	return "", false
}

func first(m map[string]json.RawMessage, names []string) (string, json.RawMessage) {
	for _, name := range names {
		if v, ok := m[name]; ok && string(v) != "null" {
			return name, v
		}
	}
	return names[0], nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// decode reads exactly one JSON value.
func decode(payload []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(payload))
	if err := d.Decode(into); err != nil {
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			return wrong("", "it is no JSON: at byte %d, %v", syntax.Offset, err)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return wrong("", "it is no JSON: it breaks off")
		}
		return wrong("", "it is not of the form that is wanted: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return wrong("", "there is more after the JSON value")
	}
	return nil
}

// Value is a result as a number, or as text that is JSON when it is none. A text that
// is a number counts as one where a number is wanted; a feed's words for "no value"
// are none.
func Value(raw json.RawMessage, wantNumber bool) (v float64, text string, missing bool) {
	var s string
	switch f, err := strconv.ParseFloat(string(raw), 64); {
	case err == nil && !math.IsInf(f, 0) && !math.IsNaN(f):
		return f, "", false
	case string(raw) == "null":
		return math.NaN(), "null", true
	case wantNumber && json.Unmarshal(raw, &s) == nil:
		s = strings.TrimSpace(s)
		if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f, "", false
		}
		switch strings.ToLower(s) {
		case "", "-", "--", "---", "na", "n/a", "nan", "none", "null", "nil":
			return math.NaN(), string(raw), true
		}
	}
	return math.NaN(), string(raw), false
}
