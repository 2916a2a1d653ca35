package postgis

import (
	"context"
	"sync"
	"time"

	"nagar/catalog"
)

// poll is how long a lost notification may delay a waiter, and how often the
// database is looked over for what outside tools did to the tables themselves.
const poll = 300 * time.Millisecond

// idle is how long the listener outlives its last waiter: followers come back.
const idle = 5 * time.Second

// listener holds the one connection on which a Store hears of new revisions. Its
// goroutine runs only while somebody waits.
type listener struct {
	mu      sync.Mutex
	head    catalog.Rev
	wake    chan struct{} // closed when head grows
	cancel  context.CancelFunc
	done    chan struct{} // closed when the goroutine has ended
	waiting int
	left    time.Time // when the last waiter left
	closed  bool
}

// Wait returns nil once there is a revision after since, or ctx's error. LISTEN
// wakes it; a poll backs that up.
func (s *Store) Wait(ctx context.Context, since catalog.Rev) error {
	l := &s.listen
	if err := l.enter(s); err != nil {
		return err
	}
	defer l.leave()
	for {
		l.mu.Lock()
		head, wake, done := l.head, l.wake, l.done
		l.mu.Unlock()
		if head > since {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-wake:
		case <-done: // the listener lost its connection, or the store was closed
			if err := s.resume(ctx); err != nil {
				return err
			}
		}
	}
}

// resume starts the listener again after it ended.
func (s *Store) resume(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(poll):
	}
	s.listen.mu.Lock()
	defer s.listen.mu.Unlock()
	return s.listen.start(s)
}

func (l *listener) enter(s *Store) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting++
	err := l.start(s)
	if err != nil {
		l.waiting--
	}
	return err
}

func (l *listener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		l.left = time.Now()
	}
}

// start starts the goroutine unless it runs; l.mu is held.
func (l *listener) start(s *Store) error {
	if l.closed {
		return errClosed
	}
	if l.done != nil {
		select {
		case <-l.done:
		default:
			return nil
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.done, l.wake = cancel, make(chan struct{}), make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		defer cancel()
		_ = s.hear(ctx) // a lost connection: the waiters start another listener
	}(l.done)
	return nil
}

// stop ends the goroutine for good.
func (l *listener) stop() {
	l.mu.Lock()
	l.closed = true
	done := l.done
	if l.cancel != nil {
		l.cancel()
	}
	l.mu.Unlock()
	if done != nil {
		<-done
	}
}

// abandoned reports whether nobody has waited for a while.
func (l *listener) abandoned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting == 0 && time.Since(l.left) > idle
}

// running reports whether the goroutine runs, and with it keepHouse.
func (l *listener) running() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		return false
	}
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}

func (l *listener) tell(head catalog.Rev) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if head > l.head {
		l.head = head
		close(l.wake)
		l.wake = make(chan struct{})
	}
}

// hear listens until the context ends, the connection breaks or nobody waits.
func (s *Store) hear(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer func() {
		// A connection that listens must not go back to the others.
		c := conn.Hijack()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, `listen nagar`); err != nil {
		return err
	}
	// Looking after the tables can take long; a revision is told of meanwhile.
	ctx, cancel := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		s.keepHouse(ctx)
	}()
	defer func() {
		cancel()
		<-kept
	}()
	for !s.listen.abandoned() {
		var head catalog.Rev
		if err := conn.QueryRow(ctx, headSQL).Scan(&head); err != nil {
			return err
		}
		s.listen.tell(head)
		wctx, cancel := context.WithTimeout(ctx, poll)
		_, err := conn.Conn().WaitForNotification(wctx)
		cancel()
		if err != nil && wctx.Err() == nil || ctx.Err() != nil || conn.Conn().IsClosed() {
			return err
		}
	}
	return nil
}

// keepHouse takes over what outside tools did to tables, and builds indexes that
// wait, until the context ends.
func (s *Store) keepHouse(ctx context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		// What fails here fails again, and is told, where somebody asks for it.
		_ = s.takeOver(ctx, false)
		_ = s.buildIdleIndexes(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
