package gpkg

import (
	"context"
	"time"
)

// drainWait bounds how long a drain on behalf of reads waits for the other
// writers of this process, and then for those of other processes. It does not
// bound the draining: a bulk edit takes as long as it takes.
var drainWait = 2 * time.Second

// drainage is a drain that reads wait for: any number of them for one, which goes
// on when those who wait have lost their patience, so that the largest edit is
// taken in once and not begun anew by every read. It ends with the Store.
type drainage struct {
	done chan struct{}
	err  error
}

// drainSoon waits until the journal has been drained, or ctx ends.
func (s *Store) drainSoon(ctx context.Context) error {
	s.drainMu.Lock()
	d := s.draining
	if d == nil {
		d = &drainage{done: make(chan struct{})}
		s.draining = d
		go s.drainNow(d)
	}
	s.drainMu.Unlock()
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) drainNow(d *drainage) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		select {
		case <-s.closed:
			cancel()
		case <-ended:
		}
	}()
	if d.err = s.drainOnce(ctx); ctx.Err() != nil {
		d.err = errClosed
	}
	s.drainMu.Lock()
	s.draining = nil
	s.drainMu.Unlock()
	close(d.done)
	close(ended)
	cancel()
}

func (s *Store) drainOnce(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, drainWait)
	defer cancel()
	c, err := s.take(short, s.writer)
	if err != nil {
		return err
	}
	tx, err := s.beginOn(ctx, c, min(drainWait, s.opts.LockTimeout))
	if err != nil {
		return err
	}
	return tx.end(nil)
}
