package twin

import (
	"math"
	"sync"

	"nagar/internal/twin/history"
)

// State is the newest reading of a datastream.
type State struct {
	Time    int64 // microseconds
	Value   float64
	Text    string // JSON, where Value is NaN
	Quality history.Quality

	since    int64   // from when on the value has been the same
	good     float64 // the last number without a doubt, and its time; 0: none
	goodTime int64
}

// states are the newest readings of all datastreams.
type states struct {
	mu sync.RWMutex
	by map[string]*State
}

func newStates() *states { return &states{by: map[string]*State{}} }

func (s *states) get(id string) (State, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if st := s.by[id]; st != nil {
		return *st, true
	}
	return State{}, false
}

// put takes a reading; false when there is one that is as new.
func (s *states) put(o *history.Observation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.by[o.Datastream]
	if st == nil {
		st = &State{Time: math.MinInt64, since: o.Time, Value: o.Value}
		s.by[o.Datastream] = st
	}
	if o.Time <= st.Time {
		return false
	}
	if o.Value != st.Value {
		st.since = o.Time
	}
	st.Time, st.Value, st.Text, st.Quality = o.Time, o.Value, o.Text, o.Quality
	if o.Number() && o.Quality.Good() {
		st.good, st.goodTime = o.Value, o.Time
	}
	return true
}
