package server

import (
	"bytes"
	"sync"
	"testing"
)

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestNobodySeesMore asks every question as every caller: no marker comes that the
// caller may not see, and those come that they may.
func TestNobodySeesMore(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		c := openCity(t, url)
		var asking sync.WaitGroup
		turns := make(chan *caller)
		for range 4 {
			asking.Go(func() {
				for who := range turns {
					c.lookEverywhere(who)
					c.sameAsNothing(who)
				}
			})
		}
		for _, who := range c.callers {
			turns <- who
		}
		close(turns)
		asking.Wait()
		for _, who := range c.callers {
			c.complete(who)
		}
		logShows(t, c.city, c.log.text())
		c.secretsAreNotLogged()
		c.whatCrossedIsAudited()
		t.Logf("%d answers to %d callers, %d markers", c.asked, len(c.callers), len(c.city.secrets))
	})
}
