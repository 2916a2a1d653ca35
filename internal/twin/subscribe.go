package twin

import "sync"

// Subscription gathers the datastreams whose state has changed until they are taken:
// however slow its owner is, it holds each once.
type Subscription struct {
	t    *Twin
	mu   sync.Mutex
	ids  map[string]bool
	wake chan struct{}
}

// Subscribe begins to gather; Close ends it.
func (t *Twin) Subscribe() *Subscription {
	s := &Subscription{t: t, ids: map[string]bool{}, wake: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listeners[s] = true
	return s
}

// Wait has a value once there is something to take.
func (s *Subscription) Wait() <-chan struct{} { return s.wake }

// Take returns the datastreams that have changed since the last time.
func (s *Subscription) Take() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.ids
	s.ids = map[string]bool{}
	return out
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	delete(s.t.listeners, s)
}

// tell notes for all listeners that a datastream's state has changed.
func (t *Twin) tell(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.listeners {
		s.mu.Lock()
		s.ids[id] = true
		s.mu.Unlock()
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}
