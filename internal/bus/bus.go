package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stream is the stream's name, Subject what its messages are published under.
const (
	Stream  = "OBSERVATIONS"
	Subject = "nagar.observations"
)

// MaxMessage is the most bytes that one message may have.
const MaxMessage = 1 << 20

// Always, as Options.Sync, has the disk hold each message before it is acknowledged.
const Always time.Duration = -1

// ErrUnavailable says that the stream cannot be reached or written just now.
var ErrUnavailable = errors.New("the bus does not answer")

// Options of a Bus.
type Options struct {
	Folder   string        // of the embedded server's stream; made where there is none
	URL      string        // of a NATS cluster outside, nats://host:4222,...; empty: embedded
	Sync     time.Duration // how often the embedded server syncs to the disk; 0: each second; or Always
	MaxBytes int64         // the stream refuses more; 0: 16 GiB
	Replicas int           // of the stream in a cluster outside; 0: 1
	Logger   *slog.Logger
}

// Bus is an open stream. Its methods may be called from any goroutine.
type Bus struct {
	opts Options

	mu   sync.Mutex
	link *link // nil while there is none
	done bool
}

// link is a connection to a server, which may be our own.
type link struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	server *server.Server // nil: another process's
	lock   interface{ Close() error }
	gone   chan struct{} // closed when the connection is
	stream string        // tells this stream from one that is made anew after it
}

// Open opens the stream and makes it where there is none. Run keeps it open.
func Open(ctx context.Context, o Options) (*Bus, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 16 << 30
	}
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.Sync == 0 {
		o.Sync = time.Second
	}
	b := &Bus{opts: o}
	l, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	b.link = l
	return b, nil
}

// Hosts reports whether this process has the embedded server.
func (b *Bus) Hosts() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.link != nil && b.link.server != nil
}

// Run looks after the connection until ctx ends: where the process that had the
// embedded server has ended, this one takes its place or joins the one that does.
func (b *Bus) Run(ctx context.Context) error {
	for {
		l := b.current()
		if l == nil {
			next, err := b.connect(ctx)
			if err != nil {
				if ctx.Err() != nil {
					return nil
				}
				b.opts.Logger.Warn("the bus cannot be reached", "error", err)
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(time.Second):
				}
				continue
			}
			if !b.replace(nil, next) {
				next.close()
				return nil
			}
			b.opts.Logger.Info("the bus is back", "here", next.server != nil)
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.gone:
			b.replace(l, nil)
			l.close()
		}
	}
}

func (b *Bus) current() *link {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.link
}

// replace puts one link in another's place; false when the bus is closed or the
// link is no longer there.
func (b *Bus) replace(old, next *link) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done || b.link != old {
		return false
	}
	b.link = next
	return true
}

// Close ends the connection, and the embedded server when it is this process's.
func (b *Bus) Close() error {
	b.mu.Lock()
	l := b.link
	b.link, b.done = nil, true
	b.mu.Unlock()
	if l != nil {
		l.close()
	}
	return nil
}

// Publish returns nil once the stream holds the message, and its place there; else
// ErrUnavailable, and then it may hold it all the same.
func (b *Bus) Publish(ctx context.Context, data []byte) (Position, error) {
	if len(data) > MaxMessage {
		return Position{}, fmt.Errorf("a message of %d bytes, at most %d go into one", len(data), MaxMessage)
	}
	l := b.current()
	if l == nil {
		return Position{}, ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	ack, err := l.js.Publish(ctx, Subject, data, jetstream.WithExpectStream(Stream))
	if err != nil {
		return Position{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return Position{Stream: l.stream, Seq: ack.Sequence}, nil
}

// publishTime is how long a server has for its acknowledgement.
const publishTime = 10 * time.Second

func (l *link) close() {
	if l.nc != nil {
		l.nc.Close()
	}
	if l.server != nil {
		l.server.Shutdown()
		l.server.WaitForShutdown()
	}
	if l.lock != nil {
		_ = l.lock.Close() // lets the lock go, whatever it says
	}
}
