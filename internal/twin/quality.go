package twin

import (
	"encoding/json"
	"math"
	"slices"
	"sync"
	"time"

	"nagar/internal/twin/history"
)

// Rules say when a reading is doubtful. They are data: the field quality of a
// datastream, and under it that of its observed property.
type Rules struct {
	Min           *float64  `json:"min"`             // in the datastream's unit
	Max           *float64  `json:"max"`             //
	StepPerMinute *float64  `json:"step_per_minute"` // the most that it changes in a minute
	StuckMinutes  *float64  `json:"stuck_minutes"`   // a value that stays the same for longer is doubtful
	StuckExcept   []float64 `json:"stuck_except"`    // but these: no rain is no rain
	LateMinutes   *float64  `json:"late_minutes"`    // a reading that is older than the newest by more is late
	ZeroIsOutage  *bool     `json:"zero_is_outage"`  // where all that a station measures is 0, it is out of order
}

var (
	rulesMu    sync.Mutex
	rulesKnown = map[[2]string]*Rules{} // a city has few different ones
)

// rulesOf reads rules, what comes first counts first. What cannot be read says nothing.
func rulesOf(texts ...string) *Rules {
	var key [2]string
	copy(key[:], texts)
	rulesMu.Lock()
	defer rulesMu.Unlock()
	if r := rulesKnown[key]; r != nil {
		return r
	}
	if len(rulesKnown) > 10_000 {
		clear(rulesKnown)
	}
	merged := map[string]json.RawMessage{}
	for _, text := range slices.Backward(texts) {
		for name, v := range jsonObject(text) {
			merged[name] = v
		}
	}
	r := &Rules{}
	for name, v := range merged { // one by one: a mistake in one leaves the others
		one, err := json.Marshal(map[string]json.RawMessage{name: v})
		next := *r
		if err == nil && json.Unmarshal(one, &next) == nil {
			*r = next
		}
	}
	rulesKnown[key] = r
	return r
}

// future is how far a device's clock may be ahead of ours.
const future = 2 * time.Minute

// judge adds to a reading's quality what its rules say, against what came before it
// (nil: nothing) and the time when it was received.
func (r *Rules) judge(o *history.Observation, before *State, received time.Time) {
	if o.Time > received.Add(future).UnixMicro() {
		o.Quality |= history.Clock
	}
	if before != nil && r.LateMinutes != nil && float64(before.Time-o.Time) > *r.LateMinutes*6e7 {
		o.Quality |= history.Late
	}
	if !o.Number() {
		return
	}
	if r.Min != nil && o.Value < *r.Min || r.Max != nil && o.Value > *r.Max {
		o.Quality |= history.OutOfRange
	}
	if before == nil || o.Time <= before.Time {
		return
	}
	if minutes := float64(o.Time-before.goodTime) / 6e7; r.StepPerMinute != nil && before.goodTime != 0 && minutes > 0 &&
		math.Abs(o.Value-before.good) > *r.StepPerMinute*max(minutes, 1) {
		o.Quality |= history.TooFast
	}
	if r.StuckMinutes != nil && o.Value == before.Value && !slices.Contains(r.StuckExcept, o.Value) && float64(o.Time-before.since) > *r.StuckMinutes*6e7 {
		o.Quality |= history.Stuck
	}
}

// zeroSuspect reports whether a 0 says that the station is out of order rather than
// that there is nothing.
func (r *Rules) zeroSuspect() bool {
	return r.ZeroIsOutage != nil && *r.ZeroIsOutage || r.Min != nil && *r.Min > 0 || r.Max != nil && *r.Max < 0
}

// outages marks the readings of stations that report nothing but zeros at a moment,
// where some of them could not be.
func outages(readings []history.Observation, stream func(string) *Datastream) {
	type moment struct {
		thing string
		time  int64
	}
	type all struct {
		places  []int
		other   bool // than zero
		suspect bool
	}
	by := map[moment]*all{}
	for i := range readings {
		d := stream(readings[i].Datastream)
		if d == nil || d.Thing == "" || !readings[i].Number() {
			continue
		}
		key := moment{d.Thing, readings[i].Time}
		a := by[key]
		if a == nil {
			a = &all{}
			by[key] = a
		}
		a.places = append(a.places, i)
		a.other = a.other || readings[i].Value != 0
		a.suspect = a.suspect || d.Rules.zeroSuspect()
	}
	for _, a := range by {
		if a.other || !a.suspect || len(a.places) < 2 {
			continue
		}
		for _, i := range a.places {
			readings[i].Quality |= history.Outage
		}
	}
}
