// Package history is the contract for what sensors have measured: append-only,
// beside the catalogue, since readings are a stream and no features. Two stores keep
// it (history/daily: SQLite, a file per day; history/pg: PostgreSQL, a partition per
// day) and pass one suite (history/historytest).
//
// A reading's identity is its datastream and phenomenonTime: what comes again is
// known and changes nothing. Readings, their roll-ups and the position of the stream
// that they came from are committed as one: after any crash the position says what
// to read again, and reading it again counts nothing twice.
package history

import (
	"context"
	"errors"
	"math"
	"time"
)

// ErrMoved says that another process has appended meanwhile: the position is no
// longer where the caller thought.
var ErrMoved = errors.New("the history is at another position")

// Position is a place in a stream of readings; see bus.Position.
type Position struct {
	Stream string
	Seq    uint64
}

// Quality says what is doubtful about a reading: a set of flags. A
// doubtful reading is kept and never counted in a roll-up's min, max and sum.
type Quality uint16

// The flags.
const (
	OutOfRange Quality = 1 << iota // beyond what the property can be, or the instrument measures
	TooFast                        // changed faster than it can
	Stuck                          // the same for longer than it can be
	Outage                         // all values of the station are zero
	Late                           // came long after its time
	Clock                          // of a time that is yet to come
	Unit                           // of a unit that is not the datastream's and cannot be turned into it
	Missing                        // the station says that it has no value
	Marked                         // its sender says that it is not good
)

// Good reports whether the value is not doubtful; what is just late is none the worse.
func (q Quality) Good() bool { return q&^Late == 0 }

// Observation is one reading.
type Observation struct {
	Datastream string
	Time       int64   // phenomenonTime, or its begin: microseconds since 1970 in UTC
	End        int64   // of an interval, likewise; 0: an instant
	Value      float64 // the result; NaN when Text has it
	Text       string  // a result that is no number, as JSON
	Quality    Quality
	Extra      string // what else SensorThings has, as a JSON object; "": nothing
	Given      bool   // Time is when the reading was received: the device named none, and it is moved on by microseconds where there is one of that time
	Seq        uint64 // of the message in the stream
}

// Number reports whether the result is a number.
func (o *Observation) Number() bool { return !math.IsNaN(o.Value) }

// Level is the length of a roll-up's buckets.
type Level uint8

// The levels. Hours and days are those of the city's time zone.
const (
	FiveMinutes Level = iota + 1
	Hour
	Day
)

// Levels are all there are.
var Levels = [...]Level{FiveMinutes, Hour, Day}

// Start is the begin of the bucket that a time lies in; both in microseconds.
func (l Level) Start(t int64, zone *time.Location) int64 {
	if l == FiveMinutes {
		return floor(t, 5*time.Minute)
	}
	at := time.UnixMicro(t).In(zone)
	if l == Hour {
		_, offset := at.Zone()
		shift := int64(offset) * 1e6
		return floor(t+shift, time.Hour) - shift
	}
	y, m, d := at.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone).UnixMicro()
}

// Next is the begin of the bucket after the one that begins at start.
func (l Level) Next(start int64, zone *time.Location) int64 {
	switch l {
	case FiveMinutes:
		return start + (5 * time.Minute).Microseconds()
	case Hour:
		return start + time.Hour.Microseconds()
	}
	y, m, d := time.UnixMicro(start).In(zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, zone).UnixMicro()
}

func floor(t int64, step time.Duration) int64 {
	s := step.Microseconds()
	if r := t % s; r < 0 {
		return t - r - s
	}
	return t - t%s
}

// Rollup is what the numbers of one datastream came to in one bucket. Min, Max, Sum
// are of the good ones; they are 0 when Good is.
type Rollup struct {
	Start         int64 // of the bucket, microseconds
	Count         int64 // readings
	Good          int64 // of them without a doubt
	Min, Max, Sum float64
}

// Add counts a reading.
func (r *Rollup) Add(o *Observation) {
	r.Count++
	if !o.Quality.Good() || !o.Number() {
		return
	}
	if r.Good++; r.Good == 1 {
		r.Min, r.Max, r.Sum = o.Value, o.Value, o.Value
		return
	}
	r.Min, r.Max, r.Sum = min(r.Min, o.Value), max(r.Max, o.Value), r.Sum+o.Value
}

// Mean is of the good readings; NaN when there is none.
func (r *Rollup) Mean() float64 { return r.Sum / float64(r.Good) }

// Span selects readings of one datastream by time.
type Span struct {
	Datastream string
	From, To   int64 // [From, To) microseconds; To 0: without end
	Newest     bool  // the newest first
}

// End is To, or the end of time.
func (s *Span) End() int64 {
	if s.To == 0 {
		return math.MaxInt64
	}
	return s.To
}

// Store keeps readings. Its methods are safe for concurrent use, by several
// processes too. An error of the place it lives in wraps catalog.ErrUnavailable.
type Store interface {
	// Append adds readings that came from the stream after a position and up to
	// another, and moves the position there, all or nothing; ErrMoved when the
	// position is not the first. Of each reading it says whether it is new; Time of a
	// Given one is the one it got.
	Append(ctx context.Context, after, upTo Position, readings []Observation) (fresh []bool, err error)
	// Position is up to where the stream has been appended; zero before the first time.
	Position(ctx context.Context) (Position, error)
	// Scan calls fn for the readings of a span in order of time; fn's error ends it.
	// The *Observation is reused.
	Scan(ctx context.Context, s Span, fn func(*Observation) error) error
	// Rollups calls fn for the buckets that begin in a span and have readings, in
	// order of time.
	Rollups(ctx context.Context, l Level, s Span, fn func(Rollup) error) error
	// Latest calls fn with the newest reading, by time, of each datastream that has
	// one at or after since, in no particular order.
	Latest(ctx context.Context, since time.Time, fn func(*Observation) error) error
	// Prune drops whole days of readings that ended before a time, and five-minute
	// roll-ups with them; hours and days stay. It returns how many days went.
	Prune(ctx context.Context, before time.Time) (int, error)
	// Erase removes all of one datastream, roll-ups too.
	Erase(ctx context.Context, datastream string) error
	// Close ends the store; what was appended stays.
	Close() error
}

// DayLength is the length of the parts that Prune drops: days of UTC.
const DayLength = int64(24 * time.Hour / time.Microsecond)

// DayOf is the begin of the part that a time lies in.
func DayOf(t int64) int64 { return floor(t, 24*time.Hour) }

// Bucket names a roll-up.
type Bucket struct {
	Datastream int64 // the store's number for it
	Level      Level
	Start      int64
}

// Sums collects the roll-ups of a batch before they are written.
type Sums struct {
	Zone *time.Location
	By   map[Bucket]*Rollup

	hours map[int64][2]int64 // five-minute bucket → its hour and day: calendars are slow
}

// NewSums returns an empty collection for a time zone.
func NewSums(zone *time.Location) *Sums {
	return &Sums{Zone: zone, By: map[Bucket]*Rollup{}, hours: map[int64][2]int64{}}
}

// Add counts a reading of the datastream with that number.
func (s *Sums) Add(number int64, o *Observation) {
	five := FiveMinutes.Start(o.Time, s.Zone)
	larger, ok := s.hours[five]
	if !ok { // zones change their offset at full five minutes
		larger = [2]int64{Hour.Start(five, s.Zone), Day.Start(five, s.Zone)}
		s.hours[five] = larger
	}
	for i, start := range [...]int64{five, larger[0], larger[1]} {
		key := Bucket{number, Levels[i], start}
		r := s.By[key]
		if r == nil {
			r = &Rollup{Start: start}
			s.By[key] = r
		}
		r.Add(o)
	}
}

// qualityNames are the flags' names, in their order.
var qualityNames = [...]string{"out_of_range", "too_fast", "stuck", "outage", "late", "clock", "unit", "missing", "marked"}

// Names are the names of the flags that are set.
func (q Quality) Names() []string {
	out := []string{}
	for i, name := range qualityNames {
		if q&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}
