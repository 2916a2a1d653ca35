package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"

	"nagar/internal/access/accessdb"
)

// Errors of signing in; they say no more than a stranger may know.
var (
	// ErrRefused: name and password, or code, or link do not fit. Whether there is
	// such an account is not said.
	ErrRefused = errors.New("these credentials are not valid")
	// ErrSecondFactor: they fit, and the account has a second factor, whose code was
	// not given or is not valid.
	ErrSecondFactor = errors.New("the code of the second factor is needed")
	// ErrBusy: too many passwords are being checked just now.
	ErrBusy = errors.New("too many sign-ins at this moment")
)

// Throttled says that too many attempts have failed of late.
type Throttled struct{ After time.Duration }

func (e *Throttled) Error() string {
	return fmt.Sprintf("too many attempts: try again in %v", e.After.Round(time.Second))
}

// Client is where a request comes from.
type Client struct {
	Address string // IP address, without port
	Agent   string // as the client calls itself
}

// Options are what a Service may be told.
type Options struct {
	Now    func() time.Time // the clock; nil: time.Now
	Sender Sender           // of citizens' codes; nil: citizens cannot sign in
	Logger *slog.Logger     // of Run; nil: none
}

// Service answers who somebody is. Its methods may be called from any goroutine.
type Service struct {
	db     *accessdb.DB
	now    func() time.Time
	sender Sender
	log    *slog.Logger

	argon   *argon2id.Params
	hashing chan struct{} // one place for each password being hashed
	waiting atomic.Int32  // how many stand in line for one

	outbox  chan message // codes for Run to send
	known   atomic.Pointer[known]
	touched sync.Map // id of a session or token → *int64, when last used; for Run to write
}

// New makes a Service of the database, which has been opened with Schema.
func New(db *accessdb.DB, o Options) *Service {
	s := &Service{db: db, now: o.Now, sender: o.Sender, log: o.Logger, argon: recommended}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.outbox = make(chan message, 256)
	s.hashing = make(chan struct{}, min(4, runtime.GOMAXPROCS(0)))
	return s
}

const (
	flushEvery = 30 * time.Second // how late the time of last use may be written
	sweepEvery = time.Minute
)

// Run sends codes, writes when sessions and tokens were last used, and removes what
// has expired, until ctx ends, and then writes once more. What fails is logged, and
// but for the codes tried again.
func (s *Service) Run(ctx context.Context) error {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		s.send(ctx)
	}()
	defer func() { <-sent }()
	flush, sweep := time.NewTicker(flushEvery), time.NewTicker(sweepEvery)
	defer flush.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-flush.C:
			err = s.flush(ctx)
		case <-sweep.C:
			err = s.sweep(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return s.flush(last)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("sessions could not be kept up", "error", err)
		}
	}
}

// send sends the codes, each with a time of its own.
func (s *Service) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-s.outbox:
			one, cancel := context.WithTimeout(ctx, 15*time.Second)
			if err := s.sender.Send(one, m.contact, m.code); err != nil {
				s.log.Error("a code could not be sent", "error", err)
			}
			cancel()
		}
	}
}

// recommended is the second recommended option of RFC 9106, section 4: 64 MiB.
var recommended = &argon2id.Params{Memory: 64 << 10, Iterations: 3, Parallelism: 4, SaltLength: 16, KeyLength: 32}

// newID makes the public id of something: 80 random bits, never reused.
func newID() string { return rand.Text()[:16] }

// digest is what is kept of a secret. The secrets are random and long, so that one
// plain hash is enough.
func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func list(names []string) string {
	if len(names) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(names) // texts always marshal
	return string(b)
}

func unlist(text string) ([]string, error) {
	var names []string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, fmt.Errorf("list %q in the access database: %w", text, err)
	}
	if len(names) == 0 {
		return nil, nil
	}
	return names, nil
}

// change runs fn in a transaction after which every process reads anew.
func (s *Service) change(ctx context.Context, fn func(*accessdb.Tx) error) error {
	return s.db.Tx(ctx, func(tx *accessdb.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Changed(ctx)
	})
}
