// Package sta answers OGC SensorThings API 1.1 (18-088) over the twin: addresses,
// query options and entities as JSON.
//
// A Thing is a feature of the collection sensors, a Datastream, Sensor and
// ObservedProperty one of datastreams, instruments and observed_properties. Where a
// Thing is, its geometry, is its Location and, for what it observes there, its
// FeatureOfInterest; both have the Thing's id. HistoricalLocations are none: the past
// of a Thing is in the catalogue, on two clocks. Observations are the history's; the
// id of one is its datastream's and its time in microseconds, with a tilde between.
//
// Everything is shown as the caller's view has it: what that hides is not there, and
// a filter reads null for it.
package sta

import "fmt"

// Error is what is wrong with a request: Status 400, 404, 501.
type Error struct {
	Status int
	Where  string // the query option or "path"
	Reason string
}

func (e *Error) Error() string { return e.Where + ": " + e.Reason }

func bad(where, format string, a ...any) error {
	return &Error{Status: 400, Where: where, Reason: fmt.Sprintf(format, a...)}
}

func none(format string, a ...any) error {
	return &Error{Status: 404, Where: "path", Reason: fmt.Sprintf(format, a...)}
}
