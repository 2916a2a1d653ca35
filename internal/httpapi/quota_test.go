package httpapi

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/internal/access"
)

// TestBuckets compares the buckets with a slow, obvious account of the same.
func TestBuckets(t *testing.T) {
	const rate, burst, most = 3, 10, 8
	type account struct {
		points float64
		seen   time.Duration
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	b := newBuckets(rate, burst, most)
	accounts := map[client]*account{}
	var asked []client // the last one last
	now := time.Duration(0)
	for step := range 20_000 {
		now += time.Duration(rnd.IntN(400)) * time.Millisecond
		c := client{who: rnd.Uint64N(12)}
		cost := float64(rnd.IntN(14))
		a := accounts[c]
		for i, other := range asked {
			if other == c {
				asked = append(asked[:i], asked[i+1:]...)
				break
			}
		}
		if a == nil {
			if len(asked) == most {
				delete(accounts, asked[0])
				asked = asked[1:]
			}
			a = &account{points: burst, seen: now}
			accounts[c] = a
		}
		asked = append(asked, c)
		a.points = math.Min(burst, a.points+(now-a.seen).Seconds()*rate)
		a.seen = now
		want := math.Min(cost, burst)
		ok := a.points >= want
		if ok {
			a.points -= want
		}
		left, wait := b.take(c, cost, now)
		if (wait == 0) != ok || math.Abs(left-a.points) > 1e-6 {
			t.Fatalf("step %d: %v left, wait %v; want %v left, %v", step, left, wait, a.points, ok)
		}
		if !ok {
			if _, again := b.take(c, cost, now+wait+time.Microsecond); again != 0 {
				t.Fatalf("step %d: after waiting %v as told, %v more", step, wait, again)
			}
			now += wait + time.Microsecond
			a.points, a.seen = b.list[b.at[c]].points, now
		}
		if len(b.at) > most || len(b.list) > most+1 {
			t.Fatalf("%d clients are remembered", len(b.at))
		}
	}
}

// from asks from an address.
func (fx *fixture) from(remote, target string, headers ...string) *http.Response {
	fx.t.Helper()
	req := httptest.NewRequest(http.MethodGet, target, nil)
	req.RemoteAddr = remote
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	fx.server.ServeHTTP(rec, req)
	return rec.Result()
}

// small is a quota that a test can use up, and that does not come back while it runs.
func small(c *Config) {
	c.Quota = Quota{Rate: 1e-6, Burst: 50, Live: 1}
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
}

// TestQuota: one client is told to wait, the others notice nothing.
func TestQuota(t *testing.T) {
	fx := newFixture(t, small)
	const near = "/api/near?collection=wards&lon=72.85&lat=19.05"
	for i := range 10 { // 5 points each
		resp := fx.from("198.51.100.1:1", near)
		wantStatus(t, resp, 200)
		if told := resp.Header.Get("RateLimit") != ""; told != (i >= 5) {
			t.Errorf("request %d: RateLimit %q", i, resp.Header.Get("RateLimit"))
		}
	}
	refused := fx.from("198.51.100.1:2", near)
	wantStatus(t, refused, 429)
	wantProblem(t, refused, "")
	h := refused.Header
	if h.Get("Retry-After") == "" || h.Get("RateLimit-Policy") != `"client";q=50;w=50000000` || !strings.HasPrefix(h.Get("RateLimit"), `"client";r=0;t=5`) {
		t.Errorf("%v", h)
	}
	wantStatus(t, fx.from("198.51.100.1:3", "/tiles/wards/2/2/1.mvt"), 429)
	wantStatus(t, fx.from("198.51.100.1:3", "/nothing"), 429)
	wantStatus(t, fx.from("198.51.100.1:3", "/healthz"), 200)
	if m := text(t, fx.from("198.51.100.9:1", "/metrics")); !strings.Contains(m, `nagar_http_throttled_total{reason="quota"} 3`) {
		t.Error("the metrics do not show it")
	}
	// What a stranger writes into headers makes no new client of it.
	wantStatus(t, fx.from("198.51.100.1:4", near, "X-Forwarded-For: 203.0.113.1"), 429)
	wantStatus(t, fx.from("198.51.100.1:4", near, "Forwarded: for=127.0.0.1"), 429)
	wantStatus(t, fx.from("10.0.0.1:4", near, "X-Forwarded-For: 127.0.0.1, 198.51.100.1"), 429)
	wantStatus(t, fx.from("198.51.100.2:1", near), 200)
	wantStatus(t, fx.from("10.0.0.1:4", near, "X-Forwarded-For: 198.51.100.1, 198.51.100.3"), 200)
	// A household's IPv6 addresses are one client.
	for i := range 11 {
		want := 200
		if i == 10 {
			want = 429
		}
		wantStatus(t, fx.from(fmt.Sprintf("[2001:db8:0:1::%x]:1", i+1), near), want)
	}
	wantStatus(t, fx.from("[2001:db8:0:2::1]:1", near), 200)
	// Signing in is dearer than looking, and questions about the past are dearer than
	// those about now.
	dear := &fx.server.routes[slices.IndexFunc(fx.server.routes, func(rt route) bool { return rt.path == "/api/near" })]
	if signIn := (&route{method: "POST", path: "/auth/login"}); signIn.cost() < 5*dear.cost() {
		t.Errorf("a sign-in costs %v, a query %v", signIn.cost(), dear.cost())
	}
	wantStatus(t, fx.from("198.51.100.4:1", near+"&known=1"), 200)
	wantStatus(t, fx.from("198.51.100.4:1", near), 429)
}

// TestLoopbackIsNotBounded by itself, but when it is asked for, and when a proxy on
// this machine says who is behind it.
func TestLoopbackIsNotBounded(t *testing.T) {
	const tile = "/tiles/wards/2/2/1.mvt"
	count := func(change func(*Config), header ...string) (n int) {
		fx := newFixture(t, small, change)
		for range 200 {
			if fx.from("127.0.0.1:1", tile, header...).StatusCode == 200 {
				n++
			}
		}
		return n
	}
	if n := count(func(*Config) {}); n != 200 {
		t.Errorf("%d of 200 answered", n)
	}
	if n := count(func(c *Config) { c.Quota.Loopback = true }); n != 50 {
		t.Errorf("with Loopback %d answered, want 50", n)
	}
	proxy := func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	if n := count(proxy, "X-Forwarded-For: 198.51.100.1"); n != 50 {
		t.Errorf("behind a proxy %d answered, want 50", n)
	}
	if n := count(func(c *Config) { c.Quota = Quota{} }, "X-Forwarded-For: 198.51.100.1"); n != 200 {
		t.Errorf("without a quota %d answered", n)
	}
}

// TestDefaultQuotaIsGenerous: a restless person, and an office behind one address,
// never meet it.
func TestDefaultQuotaIsGenerous(t *testing.T) {
	for name, c := range map[string]struct{ atOnce, perSecond float64 }{
		"one person panning as fast as a browser fetches":               {300, 400},
		"two hundred people who open the map at once and pan for hours": {200 * 60, 200 * 8},
	} {
		b := newBuckets(DefaultQuota.Rate, DefaultQuota.Burst, 10)
		if _, wait := b.take(client{}, c.atOnce, 0); wait > 0 {
			t.Errorf("%s: wait %v at once", name, wait)
		}
		for s := range 3600 {
			if _, wait := b.take(client{}, c.perSecond, time.Duration(s+1)*time.Second); wait > 0 {
				t.Fatalf("%s: wait %v after %d s", name, wait, s)
			}
		}
	}
}

// TestWrongTokensAreThrottled: an address that guesses is not listened to, except
// for the tokens that it was right with before.
func TestWrongTokensAreThrottled(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.Quota = DefaultQuota })
	const right = "Authorization: Bearer " + adminToken
	wantStatus(t, fx.from("198.51.100.1:1", "/api/city", right), 200)
	for i := range wrongBurst {
		wantStatus(t, fx.from("198.51.100.1:1", "/api/city", fmt.Sprintf("Authorization: Bearer guess%d", i)), 401)
	}
	resp := fx.from("198.51.100.1:1", "/api/city", "Authorization: Bearer guess")
	wantStatus(t, resp, 429)
	if resp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantStatus(t, fx.from("198.51.100.1:1", "/api/city"), 200)
	wantStatus(t, fx.from("198.51.100.1:1", "/api/city", right), 200)

	other := newFixture(t, func(c *Config) { c.Quota = DefaultQuota })
	for i := range wrongBurst {
		wantStatus(t, other.from("198.51.100.1:1", "/api/city", fmt.Sprintf("Authorization: Bearer guess%d", i)), 401)
	}
	wantStatus(t, other.from("198.51.100.1:1", "/api/city", right), 429) // or else a right guess would still be told
	wantStatus(t, other.from("198.51.100.2:1", "/api/city", right), 200)
}

// TestLiveConnectionsAreBounded per client, and free again when they end.
func TestLiveConnectionsAreBounded(t *testing.T) {
	fx := newFixture(t, small)
	fx.server.subscribe = func() subscription { return &queue{ready: make(chan struct{}, 1)} }
	listen := func(ctx context.Context, remote string) (*httptest.ResponseRecorder, <-chan struct{}) {
		req := httptest.NewRequest(http.MethodGet, "/api/live", nil).WithContext(ctx)
		req.RemoteAddr = remote
		rec, ended := httptest.NewRecorder(), make(chan struct{})
		go func() { defer close(ended); fx.server.ServeHTTP(rec, req) }()
		return rec, ended
	}
	counted := func(n int) {
		for until := time.Now().Add(waitLong); ; time.Sleep(time.Millisecond) {
			fx.server.limits.mu.Lock()
			have := len(fx.server.limits.live)
			fx.server.limits.mu.Unlock()
			if have == n {
				return
			}
			if time.Now().After(until) {
				t.Fatalf("%d clients listen, want %d", have, n)
			}
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	_, first := listen(ctx, "198.51.100.1:1")
	counted(1)
	wantStatus(t, fx.from("198.51.100.1:2", "/api/live"), 429)
	_, other := listen(ctx, "198.51.100.2:1")
	counted(2)
	stop()
	<-first
	<-other
	counted(0)
	again, stopAgain := context.WithCancel(context.Background())
	rec, ended := listen(again, "198.51.100.1:3")
	counted(1)
	stopAgain()
	<-ended
	if rec.Code != 200 {
		t.Errorf("status %d", rec.Code)
	}
}

// TestConnectionsAreBounded opens more than one address may: those beyond are
// closed, and one that is given back can be had again.
func TestConnectionsAreBounded(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.Quota = Quota{Rate: 1e6, Burst: 1e6, Connections: 3, Loopback: true} })
	addr := fx.serve(t)
	var open []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
		if got := exchange(t, c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") {
			t.Fatalf("%q", got)
		}
	}
	ask := func() string {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return exchange(t, c, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	}
	if got := ask(); got != "" {
		t.Errorf("a fourth connection is answered: %q", got)
	}
	open[0].Close()
	for until := time.Now().Add(waitLong); ask() == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("a connection that was given back cannot be had again")
		}
	}
}

// serve starts the fixture's server on a free port, until the test ends.
func (fx *fixture) serve(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- fx.server.Serve(ctx, l, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// exchange writes raw bytes and returns what comes back first, "" when the
// connection ends.
func exchange(t *testing.T, c net.Conn, request string) string {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(waitLong)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(request)); err != nil {
		return ""
	}
	b := make([]byte, 64<<10)
	n, _ := c.Read(b) // its end is an answer too
	return string(b[:n])
}

// TestChargeAllocatesNothing holds the path that every request takes.
func TestChargeAllocatesNothing(t *testing.T) {
	fx := newFixture(t, func(c *Config) { c.Quota = DefaultQuota })
	r := &request{s: fx.server, origin: origin{client: netip.MustParseAddr("198.51.100.1")}}
	if n := testing.AllocsPerRun(1000, func() {
		if err := r.charge(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCharge(b *testing.B) {
	s := &Server{limits: newLimits(Quota{Rate: 1e12, Burst: 1e12})}
	requests := make([]*request, 4096)
	for i := range requests {
		requests[i] = &request{s: s, origin: origin{client: netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})}}
	}
	for i := 0; b.Loop(); i++ {
		if err := requests[i%len(requests)].charge(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}

// somebody is a gate that takes the name for the word.
type somebody struct{ Gate }

func (somebody) Identify(req *http.Request, encrypted bool) (access.Principal, error) {
	if id := req.Header.Get("Test-Name"); id != "" {
		return access.Principal{Kind: access.Account, ID: id}, nil
	}
	return access.Principal{Kind: access.Anonymous}, nil
}

// TestQuotaOfPeople: who is signed in has a quota of their own, wherever they are.
func TestQuotaOfPeople(t *testing.T) {
	fx := newFixture(t, small, func(c *Config) { c.Gate = somebody{newTokenGate("")} })
	const tile = "/tiles/wards/2/2/1.mvt"
	for i := range 50 {
		wantStatus(t, fx.from(fmt.Sprintf("198.51.100.%d:1", i), tile, "Test-Name: asha"), 200)
	}
	wantStatus(t, fx.from("198.51.100.99:1", tile, "Test-Name: asha"), 429)
	wantStatus(t, fx.from("198.51.100.1:1", tile, "Test-Name: ravi"), 200)
	wantStatus(t, fx.from("198.51.100.1:1", tile), 200)
}
