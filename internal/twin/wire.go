package twin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"nagar/catalog"
	"nagar/internal/twin/history"
)

// Readings go over the bus as a JSON array of objects:
//
//	d  datastream        t  phenomenonTime, microseconds    e  its end, of an interval
//	v  result, a number  s  a result that is none, any JSON q  quality flags
//	g  true: t is when it was received                      x  the other members
type message struct {
	Datastream string          `json:"d"`
	Time       int64           `json:"t"`
	End        int64           `json:"e"`
	Value      *float64        `json:"v"`
	Text       json.RawMessage `json:"s"`
	Quality    uint16          `json:"q"`
	Given      bool            `json:"g"`
	Extra      json.RawMessage `json:"x"`
}

// encode appends a reading to an array that is being written.
func encode(b []byte, o *history.Observation) []byte {
	if len(b) == 0 {
		b = append(b, '[')
	} else {
		b = append(b, ',')
	}
	b = catalog.AppendJSONString(append(b, `{"d":`...), o.Datastream)
	b = strconv.AppendInt(append(b, `,"t":`...), o.Time, 10)
	if o.End != 0 {
		b = strconv.AppendInt(append(b, `,"e":`...), o.End, 10)
	}
	if o.Number() {
		b = strconv.AppendFloat(append(b, `,"v":`...), o.Value, 'g', -1, 64)
	} else {
		b = append(append(b, `,"s":`...), o.Text...)
	}
	if o.Quality != 0 {
		b = strconv.AppendInt(append(b, `,"q":`...), int64(o.Quality), 10)
	}
	if o.Given {
		b = append(b, `,"g":true`...)
	}
	if o.Extra != "" {
		b = append(append(b, `,"x":`...), o.Extra...)
	}
	return append(b, '}')
}

// decode reads a message of the bus.
func decode(data []byte, seq uint64) ([]history.Observation, error) {
	var all []message
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	out := make([]history.Observation, 0, len(all))
	for i := range all {
		m := &all[i]
		o := history.Observation{Datastream: m.Datastream, Time: m.Time, End: m.End, Value: math.NaN(), Quality: history.Quality(m.Quality), Given: m.Given, Seq: seq}
		switch {
		case m.Datastream == "" || len(m.Datastream) > 200:
			return nil, fmt.Errorf("reading %d has no datastream", i)
		case m.Time < earliest || m.Time > latest:
			return nil, fmt.Errorf("reading %d is of no time between 1900 and 2200", i)
		case m.Value != nil:
			o.Value = *m.Value
		case m.Text == nil:
			o.Text = "null"
		default:
			o.Text = string(m.Text)
		}
		if len(m.Extra) > 0 && !bytes.Equal(m.Extra, []byte("null")) {
			o.Extra = string(m.Extra)
		}
		out = append(out, o)
	}
	return out, nil
}

// The bounds of times, microseconds: the years 1900 to 2200.
const (
	earliest = -2208988800e6
	latest   = 7289654400e6
)
