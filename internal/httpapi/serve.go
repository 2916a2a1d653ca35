package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Timing of the end. For drainTime the server takes requests as before, but says
// that it is not ready. Then the door closes, in closeTime or a little more, and each answer is
// the last of its connection. One that asks for nothing for as long as patience says
// is not waited for; what is in flight has finishTime.
const (
	drainTime  = 300 * time.Millisecond
	closeTime  = 400 * time.Millisecond
	finishTime = 20 * time.Second
)

// patience is how long a client may take over a part of what it does; one that takes
// longer is let go, so that slow clients cannot keep connections by the thousand.
type patience struct {
	header time.Duration // to send the header of a request
	read   time.Duration // the header and the body
	write  time.Duration // to read the answer; live answers set their own, per event
	idle   time.Duration // between two requests
	silent time.Duration // to ask for something on a connection of its own, when the server ends
}

var usualPatience = patience{header: 10 * time.Second, read: 60 * time.Second, write: 90 * time.Second, idle: 120 * time.Second, silent: 500 * time.Millisecond}

// Serve answers on the listener until ctx ends, then finishes what is in flight
// and returns nil. With a TLS configuration it speaks HTTPS, HTTP/2 too. It closes
// the listener, and is called once.
func (s *Server) Serve(ctx context.Context, l net.Listener, secure *tls.Config) error {
	open := &connections{state: map[net.Conn]http.ConnState{}, from: map[netip.Addr]int{}, tooMany: s.tooMany}
	srv := &http.Server{
		Handler:           s,
		TLSConfig:         secure,
		ReadHeaderTimeout: s.patience.header,
		ReadTimeout:       s.patience.read,
		WriteTimeout:      s.patience.write,
		IdleTimeout:       s.patience.idle,
		MaxHeaderBytes:    64 << 10,
		ConnState:         open.note,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // what it says is about clients
	}
	door := newGate(l)
	ended := make(chan error, 1)
	go func() {
		if secure != nil {
			ended <- srv.ServeTLS(door, "", "")
			return
		}
		ended <- srv.Serve(door)
	}()
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
	// Closing a listener resets the connections that wait in its queue, and
	// http.Server.Shutdown drops requests that it has just read. So: close the door
	// behind the last one in, serve who is inside, and only then shut down.
	s.closing.Store(true)
	closeErr := door.shut(closeTime)
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		closeErr = errors.Join(closeErr, err)
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	open.wait(finish, s.patience.silent)
	if err := srv.Shutdown(finish); err != nil {
		return errors.Join(fmt.Errorf("requests were still in flight after %s: %w", finishTime, err), srv.Close())
	}
	if closeErr != nil && !errors.Is(closeErr, net.ErrClosed) {
		return fmt.Errorf("close listener: %w", closeErr)
	}
	return nil
}

// drain says that the server is not ready, and ends live answers.
func (s *Server) drain() {
	s.draining.Store(true)
	s.quitOnce.Do(func() { close(s.quit) })
}

// tooMany reports whether an address has more connections than a client may.
func (s *Server) tooMany(from netip.Addr, n int) bool {
	q := &s.cfg.Quota
	if q.Connections == 0 || n <= q.Connections || s.trusts(from) || from.IsLoopback() && !q.Loopback {
		return false
	}
	s.metrics.throttled.WithLabelValues("connections").Inc()
	return true
}

// connections knows what each open connection is doing, and how many come from an
// address.
type connections struct {
	tooMany func(from netip.Addr, n int) bool

	mu    sync.Mutex
	state map[net.Conn]http.ConnState
	from  map[netip.Addr]int
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	from := netip.Addr{}
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		from = a.AddrPort().Addr().Unmap()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.state[conn]
	switch {
	case state == http.StateClosed || state == http.StateHijacked:
		if known {
			if c.from[from]--; c.from[from] == 0 {
				delete(c.from, from)
			}
		}
		delete(c.state, conn)
		return
	case !known:
		if c.from[from]++; c.tooMany(from, c.from[from]) {
			_ = conn.Close() // its state becomes closed at its first read
		}
	}
	c.state[conn] = state
}

// wait returns when no connection is open any more but those that ask for
// nothing for so long, or when ctx ends.
func (c *connections) wait(ctx context.Context, silent time.Duration) {
	begin := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !c.quiet(time.Since(begin) > silent) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *connections) quiet(ignoreSilent bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range c.state {
		if state == http.StateActive || !ignoreSilent {
			return false
		}
	}
	return true
}
