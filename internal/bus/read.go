package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Position is a place in a stream: after the message of that number. The zero
// Position is before everything; so is, in one stream, a Position in another.
type Position struct {
	Stream string // which one: a stream that is made anew counts from 1 again
	Seq    uint64
}

// Message is one message of the stream.
type Message struct {
	Seq      uint64
	Received time.Time // by the stream
	Data     []byte
}

// Batch is messages that follow each other.
type Batch struct {
	Stream   string
	Messages []Message // at least one
}

// End is the position after the batch.
func (b *Batch) End() Position {
	return Position{Stream: b.Stream, Seq: b.Messages[len(b.Messages)-1].Seq}
}

// The most that waits between the stream and its reader.
const (
	batchMost = 2048                  // messages in a batch
	batchWait = 20 * time.Millisecond // for more, once there is one
)

// Read calls fn with the messages after a position, and then with those that come,
// until ctx ends, the connection is lost or fn fails; it returns nil, ErrUnavailable
// or fn's error. Messages that were forgotten (Forget) are not read.
func (b *Bus) Read(ctx context.Context, after Position, fn func(context.Context, Batch) error) error {
	l := b.current()
	if l == nil {
		return ErrUnavailable
	}
	start := uint64(1)
	if after.Stream == l.stream {
		start = after.Seq + 1
	}
	consumer, err := l.js.OrderedConsumer(ctx, Stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: start, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	queue := make(chan Message, batchMost)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running, err := consumer.Consume(func(m jetstream.Msg) {
		meta, err := m.Metadata()
		if err != nil {
			return // a message that is none of a stream's
		}
		select {
		case queue <- Message{Seq: meta.Sequence.Stream, Received: meta.Timestamp, Data: m.Data()}:
		case <-ctx.Done():
		}
	}, jetstream.PullMaxBytes(8<<20))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer running.Stop()
	for {
		batch := Batch{Stream: l.stream}
		select {
		case <-ctx.Done():
			return nil
		case <-l.gone:
			return ErrUnavailable
		case <-running.Closed():
			return ErrUnavailable
		case m := <-queue:
			batch.Messages = gather(queue, m)
		}
		if err := fn(ctx, batch); err != nil {
			return err
		}
	}
}

// gather collects what comes together with a message.
func gather(queue <-chan Message, first Message) []Message {
	out := append(make([]Message, 0, len(queue)+1), first)
	wait := time.NewTimer(batchWait)
	defer wait.Stop()
	for len(out) < batchMost {
		select {
		case m := <-queue:
			out = append(out, m)
		case <-wait.C:
			return out
		}
	}
	return out
}

// Head is the position of the last message that the stream holds or held.
func (b *Bus) Head(ctx context.Context) (Position, error) {
	l := b.current()
	if l == nil {
		return Position{}, ErrUnavailable
	}
	s, err := l.js.Stream(ctx, Stream)
	if err != nil {
		return Position{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return Position{Stream: l.stream, Seq: s.CachedInfo().State.LastSeq}, nil
}

// Forget removes the messages up to a position: the history has them.
func (b *Bus) Forget(ctx context.Context, upTo Position) error {
	l := b.current()
	if l == nil || upTo.Stream != l.stream {
		return nil
	}
	s, err := l.js.Stream(ctx, Stream)
	if err == nil {
		err = s.Purge(ctx, jetstream.WithPurgeSequence(upTo.Seq+1))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}
