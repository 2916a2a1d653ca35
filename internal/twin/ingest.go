package twin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/bus"
	"nagar/internal/twin/history"
	"nagar/internal/twin/reading"
)

// ErrForbidden says that somebody sees a datastream and may not add readings to it.
var ErrForbidden = errors.New("you may not add readings to this datastream")

// ErrUnavailable says that readings cannot be kept just now: they are to be sent again.
var ErrUnavailable = bus.ErrUnavailable

// Sender is who brings readings. Near devices, on this machine and without
// credentials, may add to every datastream that is no particular device's.
type Sender struct {
	access.Principal
	Near bool
}

// Kind says how a payload is to be read.
type Kind uint8

// The kinds.
const (
	OneObservation Kind = iota + 1 // SensorThings, with its datastream
	OfDatastream                   // whatever a device sends to a datastream
	OfThing                        // names and values of a station
	DataArray                      // the body of CreateObservations
)

// Take reads a payload (of the datastream or station with that id, where the kind has
// one), and returns once the bus holds its readings. The errors that are the sender's
// doing: *reading.Error, catalog.ErrNotFound, ErrForbidden; else ErrUnavailable of the bus.
// Either all readings of the payload are taken or, but for a bus that goes away, none.
func (t *Twin) Take(ctx context.Context, who Sender, kind Kind, id string, payload []byte) ([]history.Observation, error) {
	out, err := t.take1(ctx, who, kind, id, payload)
	if err != nil {
		t.Counts.Refused.Add(1)
		return nil, err
	}
	t.Counts.Taken.Add(int64(len(out)))
	return out, nil
}

func (t *Twin) take1(ctx context.Context, who Sender, kind Kind, id string, payload []byte) ([]history.Observation, error) {
	if t.o.Bus == nil {
		return nil, bus.ErrUnavailable
	}
	all, err := t.read(kind, id, payload)
	if err != nil {
		return nil, err
	}
	readings, err := t.resolve(who, kind, id, all)
	if err != nil {
		return nil, err
	}
	return readings, t.send(ctx, readings)
}

func (t *Twin) read(kind Kind, id string, payload []byte) ([]reading.Reading, error) {
	switch kind {
	case OfDatastream:
		return t.reader.Stream(id, payload)
	case OfThing:
		return t.reader.Thing(payload)
	case DataArray:
		return t.reader.DataArray(payload)
	}
	one, err := t.reader.Observation(payload)
	if err != nil {
		return nil, err
	}
	if id != "" && one.Datastream != "" && one.Datastream != id {
		return nil, &reading.Error{Path: "Datastream", Reason: "it is of another datastream"}
	}
	if id != "" {
		one.Datastream = id
	}
	if one.Datastream == "" {
		return nil, &reading.Error{Path: "Datastream", Reason: "it is missing"}
	}
	return []reading.Reading{one}, nil
}

// resolve finds the readings' datastreams, asks for each whether the sender may, and
// brings the values into its unit.
func (t *Twin) resolve(who Sender, kind Kind, thing string, all []reading.Reading) ([]history.Observation, error) {
	out := make([]history.Observation, 0, len(all))
	var view catalog.View
	var rights []access.Right
	if !who.Near || who.Known() {
		view, rights = t.o.Door.View(who.Principal), t.o.Door.Rights(who.Principal)
	} else {
		view, rights = catalog.Everything, []access.Right{access.AddReadings}
	}
	var last *Datastream
	for i := range all {
		r := &all[i]
		d := last
		if kind == OfThing {
			if d = t.Named(thing, r.Name); d == nil {
				return nil, fmt.Errorf("station %q has no datastream %q: %w", thing, clip(r.Name), catalog.ErrNotFound)
			}
		} else if d == nil || d.ID != r.Datastream {
			d = t.Datastream(r.Datastream)
		}
		if d == nil || d != last && !t.Sees(view, d) {
			return nil, fmt.Errorf("datastream %q: %w", clip(r.Datastream), catalog.ErrNotFound)
		}
		if d != last && !t.mayAdd(d, &who.Principal, view, rights) {
			return nil, ErrForbidden
		}
		last = d
		o := history.Observation{Datastream: d.ID, Time: r.Time, End: r.End, Given: r.Given, Extra: r.Extra}
		var missing bool
		if o.Value, o.Text, missing = reading.Value(r.Result, d.Number); missing {
			o.Quality |= history.Missing
		} else if d.Number && !o.Number() {
			return nil, &reading.Error{Path: "result", Reason: "want a number, got " + clip(o.Text)}
		}
		if o.Number() && r.Unit != "" {
			v, ok := reading.Convert(o.Value, r.Unit, d.Unit)
			if !ok {
				o.Quality |= history.Unit
			}
			if o.Value = v; math.IsInf(v, 0) {
				return nil, &reading.Error{Path: "result", Reason: "it is beyond all numbers in the datastream's unit"}
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// messageSize is from which size on the readings go into another message.
const messageSize = bus.MaxMessage / 2

func (t *Twin) send(ctx context.Context, readings []history.Observation) error {
	var b []byte
	for i := range readings {
		size := len(readings[i].Text) + len(readings[i].Extra)
		if size > messageSize {
			return &reading.Error{Path: "result", Reason: fmt.Sprintf("it has %d bytes, at most %d are kept", size, messageSize)}
		}
	}
	for i := range readings {
		if b = encode(b, &readings[i]); len(b) < messageSize-len(readings[i].Text) && i+1 < len(readings) {
			continue
		}
		if _, err := t.o.Bus.Publish(ctx, append(b, ']')); err != nil {
			return err
		}
		b = b[:0]
	}
	return nil
}

// Topic takes what came over MQTT. The topics are those of SensorThings,
// v1.1/Datastreams(ID)/Observations and v1.1/Observations, and ours for a whole
// station, v1.1/Things(ID)/Observations. A topic that is none is ErrBadPayload.
func (t *Twin) Topic(ctx context.Context, d bus.Device, topic string, payload []byte) error {
	kind, id, ok := parseTopic(topic)
	if !ok {
		t.Counts.Refused.Add(1)
		return fmt.Errorf("%w: topic %q", bus.ErrBadPayload, clip(topic))
	}
	_, err := t.Take(ctx, Sender{Principal: d.Principal, Near: d.Near}, kind, id, payload)
	var bad *reading.Error
	switch {
	case errors.As(err, &bad), errors.Is(err, catalog.ErrNotFound):
		t.o.Logger.Debug("a device sent what cannot be read", "topic", clip(topic), "error", err)
		return fmt.Errorf("%w: %w", bus.ErrBadPayload, err)
	case errors.Is(err, ErrForbidden):
		return fmt.Errorf("%w: %w", bus.ErrNotAllowed, err)
	}
	return err
}

// Shows reports whether a device may read what is published under a topic.
func (t *Twin) Shows(d bus.Device, topic string) bool {
	kind, id, ok := parseTopic(topic)
	if !ok || kind != OfDatastream {
		return false
	}
	stream := t.Datastream(id)
	return stream != nil && t.Sees(t.o.Door.View(d.Principal), stream)
}

func parseTopic(topic string) (Kind, string, bool) {
	path, ok := strings.CutPrefix(topic, "v1.1/")
	if !ok {
		return 0, "", false
	}
	if path == "Observations" {
		return OneObservation, "", true
	}
	path, ok = strings.CutSuffix(path, ")/Observations")
	if !ok {
		return 0, "", false
	}
	set, id, ok := strings.Cut(path, "(")
	id = Unquote(id)
	switch {
	case !ok || id == "":
	case set == "Datastreams":
		return OfDatastream, id, true
	case set == "Things":
		return OfThing, id, true
	}
	return 0, "", false
}

// Unquote is an id as it stands in the brackets of a SensorThings address.
func Unquote(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		s = u
	}
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	}
	return s
}

// Quote is an id as it stands in the brackets of a SensorThings address.
func Quote(id string) string {
	if isNumber(id) {
		return id
	}
	return "'" + strings.ReplaceAll(id, "'", "''") + "'"
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
