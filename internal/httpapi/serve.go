package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Timing of the end: for drainTime the server still takes requests and asks each
// client to close its connection, so that when the doors close nobody is
// standing in them; then what is in flight has finishTime.
const (
	drainTime  = 300 * time.Millisecond
	finishTime = 20 * time.Second
)

// Serve answers on the listener until ctx ends, then finishes what is in flight
// and returns nil. For TLS give it a TLS listener; offer h2 in its NextProtos for
// HTTP/2. It closes the listener, and is called once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      90 * time.Second, // live answers set their own, per event
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // what it says is about clients
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	s.drain()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-time.After(drainTime):
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	err := srv.Shutdown(finish)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were still in flight after %s: %w", finishTime, err), srv.Close())
	}
	<-ended
	return err
}

// drain makes every answer the last one of its connection, and ends live ones.
func (s *Server) drain() {
	s.draining.Store(true)
	s.quitOnce.Do(func() { close(s.quit) })
}
