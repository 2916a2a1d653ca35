package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// connect finds a server: the cluster outside, the process that has the folder's
// lock, or one of our own when nobody has.
func (b *Bus) connect(ctx context.Context) (*link, error) {
	if b.opts.URL != "" {
		return b.outside(ctx)
	}
	if err := os.MkdirAll(b.opts.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the bus: %w", err)
	}
	var last error
	for deadline := time.Now().Add(joinTime); time.Now().Before(deadline); {
		lock, mine, err := takeLock(filepath.Join(b.opts.Folder, "lock"))
		if err != nil {
			return nil, fmt.Errorf("lock of the bus: %w", err)
		}
		if mine {
			return b.host(ctx, lock)
		}
		l, err := b.join(ctx)
		if err == nil {
			return l, nil
		}
		last = err
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond): // its owner is about to start, or to end
		}
	}
	return nil, fmt.Errorf("%w: another process has its folder: %w", ErrUnavailable, last)
}

// joinTime is how long the owner of the folder has to say where it listens.
const joinTime = 15 * time.Second

// outside connects to the cluster, and waits for it where it is away later on.
func (b *Bus) outside(ctx context.Context) (*link, error) {
	nc, err := nats.Connect(b.opts.URL, nats.Name("nagar"), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.Timeout(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err) // names the address, not the credentials
	}
	return b.open(ctx, &link{nc: nc, gone: make(chan struct{})})
}

// join connects to the process that has the folder.
func (b *Bus) join(ctx context.Context) (*link, error) {
	address, err := os.ReadFile(filepath.Join(b.opts.Folder, addressFile))
	if err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	nc, err := nats.Connect(strings.TrimSpace(string(address)), nats.Name("nagar"), nats.NoReconnect(), nats.Timeout(2*time.Second),
		nats.ClosedHandler(func(*nats.Conn) { close(gone) }))
	if err != nil {
		return nil, err
	}
	return b.open(ctx, &link{nc: nc, gone: gone})
}

// addressFile, in the folder, says where its owner listens, with the secret word for it.
const addressFile = "address"

// host starts the embedded server.
func (b *Bus) host(ctx context.Context, lock interface{ Close() error }) (*link, error) {
	l := &link{lock: lock, gone: make(chan struct{})}
	fail := func(err error) (*link, error) {
		l.close()
		return nil, fmt.Errorf("start the bus: %w", err)
	}
	secret := rand.Text()
	options := &server.Options{
		ServerName: "nagar", Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: secret,
		JetStream: true, StoreDir: b.opts.Folder, MaxPayload: MaxMessage + 4096,
		NoSigs: true, NoLog: true, DisableJetStreamBanner: true,
		JetStreamMaxStore: b.opts.MaxBytes + b.opts.MaxBytes/8, JetStreamMaxMemory: 64 << 20,
	}
	if b.opts.Sync == Always {
		options.SyncAlways = true
	} else {
		options.SyncInterval = b.opts.Sync
	}
	var err error
	if l.server, err = server.NewServer(options); err != nil {
		return fail(err)
	}
	l.server.Start()
	if !l.server.ReadyForConnections(joinTime) {
		return fail(errors.New("it does not become ready"))
	}
	if l.nc, err = nats.Connect("", nats.InProcessServer(l.server), nats.Token(secret), nats.Name("nagar")); err != nil {
		return fail(err)
	}
	if _, err = b.open(ctx, l); err != nil {
		return nil, err
	}
	port := l.server.Addr().(*net.TCPAddr).Port
	if err := writeWhole(filepath.Join(b.opts.Folder, addressFile), fmt.Sprintf("nats://%s@127.0.0.1:%d\n", secret, port)); err != nil {
		return fail(err)
	}
	return l, nil
}

// writeWhole writes a file that nobody sees half of, for its owner only.
func writeWhole(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// open finds the stream, or makes it.
func (b *Bus) open(ctx context.Context, l *link) (_ *link, err error) {
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.js, err = jetstream.New(l.nc); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	s, err := l.js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = l.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: Stream, Subjects: []string{Subject}, Description: "Readings on their way into Nagar's history",
			Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Replicas: b.opts.Replicas,
			Discard: jetstream.DiscardNew, MaxBytes: b.opts.MaxBytes, MaxMsgSize: MaxMessage,
			// Identity is the history's: (datastream, phenomenonTime). The server's own
			// window for Nats-Msg-Id would only cost memory.
			Duplicates: 100 * time.Millisecond,
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was quicker
			s, err = l.js.Stream(ctx, Stream)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: stream %s: %w", ErrUnavailable, Stream, err)
	}
	l.stream = s.CachedInfo().Created.UTC().Format(time.RFC3339Nano)
	return l, nil
}
