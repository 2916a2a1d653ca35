package httpapi

import (
	"hash/maphash"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"nagar/internal/access"
)

// Quota bounds what one client may ask for: a person who is signed in, a token, or
// else an address (a /64 of IPv6, which is one household). Requests cost points by
// what they take to answer, from 1 for a tile or a file on; see cost. The zero
// Quota bounds nothing.
type Quota struct {
	Rate        float64 // points a second that a client gains
	Burst       float64 // points that a client can have saved
	Live        int     // listeners of /api/live at one time; 0: no bound
	Connections int     // open connections from one address that is no trusted proxy's; 0: no bound
	Loopback    bool    // bounds clients on this machine too
}

// DefaultQuota lets an office of a thousand people behind one address work, and
// keeps one client from taking the whole server.
var DefaultQuota = Quota{Rate: 2000, Burst: 20_000, Live: 1000, Connections: 4000}

// A wrong token costs one of wrongBurst tries, which come back at wrongRate a
// second. While an address has none left, only tokens that were right before are
// looked at.
const (
	wrongRate  = 0.2
	wrongBurst = 20
)

// Bounds of what is remembered of clients: about 10 MB at most.
const (
	quotaClients = 1 << 16
	knownTokens  = 1 << 12
)

// client is whom a quota is for.
type client struct {
	addr netip.Addr // of IPv6 the first 64 bits
	who  uint64     // a hash of the principal's id instead, of somebody who is signed in
}

func clientAt(a netip.Addr) client {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return client{addr: a}
}

// limits are the quotas of all clients.
type limits struct {
	quota Quota
	start time.Time
	seed  maphash.Seed

	mu    sync.Mutex
	asked *buckets
	wrong *buckets            // wrong tokens, by address
	known map[uint64]struct{} // hashes of Authorization headers that were right
	live  map[client]int
}

func newLimits(q Quota) *limits {
	return &limits{
		quota: q, start: time.Now(), seed: maphash.MakeSeed(),
		asked: newBuckets(q.Rate, q.Burst, quotaClients), wrong: newBuckets(wrongRate, wrongBurst, quotaClients),
		known: map[uint64]struct{}{}, live: map[client]int{},
	}
}

// bounded reports whether the quota is for a client at this address.
func (l *limits) bounded(o *origin) bool {
	return l.quota.Rate > 0 && (l.quota.Loopback || o.told || !o.client.IsLoopback())
}

// charge takes the request's cost from its client.
func (r *request) charge() error {
	l := r.s.limits
	cost := r.cost()
	if cost == 0 || r.who.Kind == access.Root || !l.bounded(&r.origin) {
		return nil
	}
	c := r.quotaClient()
	now := time.Since(l.start)
	l.mu.Lock()
	left, wait := l.asked.take(c, cost, now)
	l.mu.Unlock()
	if wait == 0 && left >= l.quota.Burst/2 {
		return nil
	}
	// What a client has left interests it when it is not much.
	h := r.Response().Header()
	h.Set("RateLimit-Policy", `"client";q=`+digits(l.quota.Burst)+`;w=`+digits(math.Ceil(l.quota.Burst/l.quota.Rate)))
	h.Set("RateLimit", `"client";r=`+digits(math.Floor(left))+`;t=`+digits(math.Ceil((l.quota.Burst-left)/l.quota.Rate)))
	if wait == 0 {
		return nil
	}
	return r.throttled("quota", "You ask for more than one client may. The headers RateLimit and Retry-After say when there is more.", wait)
}

// quotaClient is whom the request's cost is for: who is known brings a quota along
// wherever they are, so that one address does not bound a whole department.
func (r *request) quotaClient() client {
	if r.who.Known() && r.who.ID != "" {
		return client{who: maphash.String(r.s.limits.seed, r.who.ID)}
	}
	return clientAt(r.client)
}

// cost is what the request costs its client, in points: about what it takes to
// answer. Health is free: who asks must always be told.
func (r *request) cost() float64 {
	if r.route == nil {
		return 1
	}
	points := r.route.cost()
	if len(r.query["asof"]) > 0 || len(r.query["known"]) > 0 {
		points *= 10 // the past is read from the store
	}
	if len(r.query["filter"]) > 0 {
		points *= 2
	}
	return points
}

func (rt *route) cost() float64 {
	switch {
	case rt.path == "/healthz" || rt.path == "/readyz":
		return 0
	case rt.write:
		return 10
	case strings.HasPrefix(rt.path, "/auth/") && rt.method == http.MethodPost, strings.HasPrefix(rt.path, "/auth/oidc/"):
		return 50 // a password is slow to check, and that is its sense; a provider is asked over the network
	}
	if points, ok := costs[rt.tag]; ok {
		return points
	}
	return 2
}

// costs are points by the kind of route; others cost 2.
var costs = map[string]float64{"viewer": 1, "tiles": 1, "operation": 1, "queries": 5, "live": 5, "audit": 20}

// checkTries refuses a token from an address that showed too many wrong ones.
func (r *request) checkTries() error {
	l := r.s.limits
	auth := r.Request().Header["Authorization"]
	if len(auth) == 0 || !l.bounded(&r.origin) {
		return nil
	}
	hash := maphash.String(l.seed, auth[0])
	l.mu.Lock()
	_, known := l.known[hash]
	left := l.wrong.left(clientAt(r.client), time.Since(l.start))
	l.mu.Unlock()
	if known || left >= 1 {
		return nil
	}
	return r.throttled("token", "Too many wrong tokens came from this address.", time.Duration((1-left)/wrongRate*float64(time.Second)))
}

// noteToken remembers whether the token that came with the request was right.
func (r *request) noteToken(right bool) {
	l := r.s.limits
	auth := r.Request().Header["Authorization"]
	if len(auth) == 0 || !l.bounded(&r.origin) {
		return
	}
	hash := maphash.String(l.seed, auth[0])
	l.mu.Lock()
	defer l.mu.Unlock()
	if !right {
		delete(l.known, hash)
		l.wrong.take(clientAt(r.client), 1, time.Since(l.start))
		return
	}
	if len(l.known) >= knownTokens {
		clear(l.known)
	}
	l.known[hash] = struct{}{}
}

// listens counts one more listener of the client, until done is called.
func (r *request) listens() (done func(), err error) {
	l := r.s.limits
	if l.quota.Live == 0 || !l.bounded(&r.origin) {
		return func() {}, nil
	}
	c := r.quotaClient()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live[c] >= l.quota.Live {
		return nil, r.throttled("live", "You have as many live connections as one client may.", 30*time.Second)
	}
	l.live[c]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.live[c]--; l.live[c] == 0 {
			delete(l.live, c)
		}
	}, nil
}

func (r *request) throttled(why, detail string, wait time.Duration) error {
	r.s.metrics.throttled.WithLabelValues(why).Inc()
	p := newProblem(http.StatusTooManyRequests, "too-many-requests", "", detail)
	p.retryAfter = int(math.Ceil(wait.Seconds()))
	return p
}

func digits(f float64) string { return strconv.FormatInt(int64(f), 10) }
