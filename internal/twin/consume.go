package twin

import (
	"context"
	"errors"
	"time"

	"nagar/internal/bus"
	"nagar/internal/twin/history"
)

// forgetAfter is how long the bus keeps what the history has: other processes, which
// read it for themselves, may be behind.
const forgetAfter = time.Minute

// consume reads the bus from where the history stands.
func (t *Twin) consume(ctx context.Context) error {
	at, err := t.o.History.Position(ctx)
	if err != nil {
		return err
	}
	type stored struct {
		at   history.Position
		when time.Time
	}
	var done []stored
	return t.o.Bus.Read(ctx, bus.Position(at), func(ctx context.Context, batch bus.Batch) error {
		end := history.Position(batch.End())
		if err := t.take(ctx, at, end, batch); err != nil {
			return err
		}
		at = end
		now := time.Now()
		if len(done) == 0 || now.Sub(done[len(done)-1].when) > forgetAfter/10 {
			done = append(done, stored{end, now})
		}
		if now.Sub(done[0].when) > forgetAfter {
			// Should it fail: the next time does it too.
			_ = t.o.Bus.Forget(ctx, bus.Position(done[0].at))
			done = done[1:]
		}
		return nil
	})
}

// take brings a batch of messages into the history and the state.
func (t *Twin) take(ctx context.Context, at, end history.Position, batch bus.Batch) error {
	var readings []history.Observation
	received := make(map[uint64]time.Time, len(batch.Messages))
	for _, m := range batch.Messages {
		some, err := decode(m.Data, m.Seq)
		if err != nil {
			t.Counts.Refused.Add(1)
			t.o.Logger.Warn("a message on the bus is none of readings", "seq", m.Seq, "error", err)
			continue
		}
		readings = append(readings, some...)
		received[m.Seq] = m.Received
	}
	t.judge(readings, received)
	fresh, err := t.store(ctx, at, end, readings)
	if err != nil {
		return err
	}
	for i := range readings {
		o := &readings[i]
		if !fresh[i] {
			t.Counts.Known.Add(1)
			continue
		}
		t.Counts.Stored.Add(1)
		if !o.Quality.Good() {
			t.Counts.Doubtful.Add(1)
		}
		if t.states.put(o) {
			t.tell(o.Datastream)
		}
		if t.publish != nil {
			t.publish(o)
		}
	}
	return nil
}

// judge sets the quality of readings, each against the one before it.
func (t *Twin) judge(readings []history.Observation, received map[uint64]time.Time) {
	outages(readings, t.Datastream)
	before := newStates() // those of the batch; the real ones learn what is new only
	for i := range readings {
		o := &readings[i]
		d := t.Datastream(o.Datastream)
		if d == nil { // gone since; its readings are kept all the same
			continue
		}
		last, ok := before.get(o.Datastream)
		if !ok {
			if last, ok = t.states.get(o.Datastream); ok {
				kept := last
				before.by[o.Datastream] = &kept
			}
		}
		if ok {
			d.Rules.judge(o, &last, received[o.Seq])
		} else {
			d.Rules.judge(o, nil, received[o.Seq])
		}
		before.put(o)
	}
}

// store appends readings, unless another process has: each process reads the whole
// stream for its own state, and whoever is first keeps a batch. It waits where the
// history is out of reach.
func (t *Twin) store(ctx context.Context, at, end history.Position, readings []history.Observation) ([]bool, error) {
	fresh, err := t.o.History.Append(ctx, at, end, readings)
	for errors.Is(err, history.ErrMoved) {
		have, perr := t.o.History.Position(ctx)
		if perr != nil {
			return nil, perr
		}
		skip := 0
		for have.Stream == end.Stream && skip < len(readings) && readings[skip].Seq <= have.Seq {
			skip++
		}
		all := make([]bool, len(readings))
		for i := range skip { // the other has told which were new: for the state, newer is new enough
			all[i] = true
		}
		if have.Stream == end.Stream && have.Seq >= end.Seq {
			return all, nil
		}
		if fresh, err = t.o.History.Append(ctx, have, end, readings[skip:]); err == nil {
			copy(all[skip:], fresh)
			return all, nil
		}
	}
	return fresh, err
}
