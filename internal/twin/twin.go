package twin

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"nagar/catalog"
	"nagar/internal/access"
	"nagar/internal/bus"
	"nagar/internal/twin/history"
	"nagar/internal/twin/reading"
)

// Door says what somebody may.
type Door interface {
	View(who access.Principal) catalog.View
	Rights(who access.Principal) []access.Right
}

// Options are what a Twin is made of.
type Options struct {
	Source  Source
	History history.Store
	Bus     *bus.Bus // nil: readings are shown, and none taken
	Door    Door
	Zone    *time.Location
	Keep    time.Duration // readings older than this are dropped; 0: none
	Logger  *slog.Logger
}

// Twin is the live state of a city. Its methods may be called from any goroutine.
type Twin struct {
	*Model
	o      Options
	reader *reading.Reader
	clock  atomic.Int64 // the last time that was given to a reading
	states *states

	mu        sync.Mutex
	listeners map[*Subscription]bool
	publish   func(o *history.Observation) // to MQTT; nil: nobody

	Counts Counts
}

// Counts are what has come since the start.
type Counts struct {
	Taken, Refused, Stored, Known, Doubtful atomic.Int64
}

// New makes a Twin; Load and Run bring it to life.
func New(o Options) *Twin {
	t := &Twin{Model: NewModel(o.Source), o: o, states: newStates(), listeners: map[*Subscription]bool{}}
	t.reader = &reading.Reader{Zone: o.Zone, Now: t.now}
	return t
}

// now is the time in microseconds, another one each time it is asked.
func (t *Twin) now() int64 {
	for {
		last, now := t.clock.Load(), time.Now().UnixMicro()
		now = max(now, last+1)
		if t.clock.CompareAndSwap(last, now) {
			return now
		}
	}
}

// History is where readings are kept.
func (t *Twin) History() history.Store { return t.o.History }

// Zone is the city's time zone.
func (t *Twin) Zone() *time.Location { return t.o.Zone }

// Latest is the newest reading of a datastream.
func (t *Twin) Latest(datastream string) (State, bool) { return t.states.get(datastream) }

// OnStored has fn told of each new reading once the history has it. It is set before Run.
func (t *Twin) OnStored(fn func(o *history.Observation)) { t.publish = fn }

// stateBack is how far back the latest reading of a datastream is looked for at the start.
const stateBack = 30 * 24 * time.Hour

// Load reads entities and the latest readings.
func (t *Twin) Load(ctx context.Context) error {
	if err := t.Model.Load(ctx); err != nil {
		return err
	}
	return t.o.History.Latest(ctx, time.Now().Add(-stateBack), func(o *history.Observation) error {
		t.states.put(o)
		return nil
	})
}

// Run follows entities and readings until ctx ends. What is out of reach it tries
// again; meanwhile readings wait on the bus.
func (t *Twin) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return t.persist(ctx, "follow the sensors", func() error {
			err := t.Model.Follow(ctx)
			if errors.Is(err, catalog.ErrBadCursor) { // the store was set back
				err = t.Model.Load(ctx)
			}
			return err
		})
	})
	if t.o.Bus != nil {
		group.Go(func() error { return t.persist(ctx, "take readings in", func() error { return t.consume(ctx) }) })
		if t.o.Keep > 0 {
			group.Go(func() error { return t.prune(ctx) })
		}
	}
	return group.Wait()
}

// persist calls fn again and again until ctx ends.
func (t *Twin) persist(ctx context.Context, what string, fn func() error) error {
	for {
		err := fn()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			t.o.Logger.Warn("cannot "+what+", trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (t *Twin) prune(ctx context.Context) error {
	for {
		if days, err := t.o.History.Prune(ctx, time.Now().Add(-t.o.Keep)); err != nil && ctx.Err() == nil {
			t.o.Logger.Warn("old readings could not be dropped", "error", err)
		} else if days > 0 {
			t.o.Logger.Info("old readings were dropped", "days", days)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Hour):
		}
	}
}
