package httpapi

import (
	"net"
	"sync"
	"time"
)

// gate is a listener that can be closed without resetting the connections that
// wait in its queue, as Close by itself does.
type gate struct {
	net.Listener
	shutting chan struct{} // closed by shut
	turned   chan struct{} // closed once Accept takes from handed only
	turnOnce sync.Once
	handed   chan net.Conn // connections that shut found in the queue
}

func newGate(l net.Listener) *gate {
	return &gate{Listener: l, shutting: make(chan struct{}), turned: make(chan struct{}), handed: make(chan net.Conn)}
}

// Accept waits for a connection; net.ErrClosed after shut.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case <-g.shutting:
	default:
		c, err := g.Listener.Accept()
		if err == nil {
			return c, nil
		}
		select {
		case <-g.shutting:
		default:
			return nil, err
		}
	}
	g.turnOnce.Do(func() { close(g.turned) })
	if c, ok := <-g.handed; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

// shut lets in who waits at the door for the time at least, and closes it then in
// a moment when nobody does. Where the kernel allows it newcomers are left
// standing meanwhile: they ask again after a second, and are then refused, or
// served by the next server. Those whose handshake was under way ask again after
// 0.2 s, so the least time should be longer than that.
func (g *gate) shut(least time.Duration) error {
	tcp, ok := g.Listener.(*net.TCPListener)
	if !ok {
		close(g.shutting)
		err := g.Listener.Close()
		close(g.handed)
		return err
	}
	holdNewcomers(tcp)
	close(g.shutting)
	if err := tcp.SetDeadline(time.Unix(1, 0)); err == nil { // wakes Accept
		<-g.turned
		const lull, atMost = 2 * time.Millisecond, time.Second
		for begin := time.Now(); time.Since(begin) < atMost; {
			if err := tcp.SetDeadline(time.Now().Add(lull)); err != nil {
				break
			}
			c, err := tcp.Accept()
			if err == nil {
				g.handed <- c
			} else if time.Since(begin) > least {
				break // nobody came
			}
		}
	}
	err := tcp.Close()
	close(g.handed)
	return err
}

// Close closes the listener at once; after shut it does nothing.
func (g *gate) Close() error {
	select {
	case <-g.shutting:
		return nil
	default:
		return g.Listener.Close()
	}
}
