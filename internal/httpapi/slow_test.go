package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// impatient makes the server lose one of its patiences while a test can wait. It
// keeps the others, so that a busy machine is not taken for a slow client.
func impatient(fx *fixture, with func(p *patience)) *fixture {
	fx.server.patience = patience{header: 10 * waitLong, read: 10 * waitLong, write: 10 * waitLong, idle: 10 * waitLong, silent: usualPatience.silent}
	with(&fx.server.patience)
	return fx
}

// dial opens a connection that the test gives up after a while.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(waitLong)); err != nil {
		t.Fatal(err)
	}
	return c
}

// letGo reads until the server ends the connection.
func letGo(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Errorf("the server still waits; it said %q", b)
	}
	return string(b)
}

// TestSlowClientsAreLetGo: whoever trickles a header, a body or nothing at all does
// not keep a connection.
func TestSlowClientsAreLetGo(t *testing.T) {
	const soon = 150 * time.Millisecond
	header, read, idle := func(p *patience) { p.header = soon }, func(p *patience) { p.read = soon }, func(p *patience) { p.idle = soon }
	for name, c := range map[string]struct {
		begin string
		with  func(*patience)
	}{
		"header": {"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n", header},
		"body":   {"POST /api/within?collection=wards HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", read},
		"chunks": {"POST /api/within?collection=wards HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", read},
		"idle":   {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", idle},
		"silent": {"", header},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, impatient(newFixture(t), c.with).serve(t))
			if _, err := io.WriteString(conn, c.begin); err != nil && name == "idle" { // another may have been let go already
				t.Fatal(err)
			}
			got := letGo(t, conn)
			if answered := strings.Contains(got, " 200 "); answered != (name == "idle") {
				t.Errorf("answer %q", got)
			}
		})
	}
}

var inFlight = regexp.MustCompile(`(?m)^nagar_http_requests_in_flight (\d+)`)

// TestSlowReadersAreLetGo asks for much and reads nothing: the answer is given up.
func TestSlowReadersAreLetGo(t *testing.T) {
	big := make([]byte, 24<<20) // more than the system keeps on the way
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range big {
		big[i] = byte(rnd.Uint32())
	}
	fx := impatient(newFixture(t, func(c *Config) {
		c.Viewer = fstest.MapFS{"index.html": {Data: []byte("x")}, "fonts/big.woff2": {Data: big}}
	}), func(p *patience) { p.write = time.Second })
	addr := fx.serve(t)
	busy := func() string {
		return inFlight.FindStringSubmatch(text(t, fx.get("/metrics")))[1]
	}
	for range 3 {
		c := dial(t, addr)
		if _, err := io.WriteString(c, "GET /fonts/big.woff2 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReaderSize(c, 16).ReadByte(); err != nil { // it has begun
			t.Fatal(err)
		}
	}
	for until := time.Now().Add(waitLong); busy() != "1"; time.Sleep(5 * time.Millisecond) { // 1 is the question itself
		if time.Now().After(until) {
			t.Fatalf("%s requests are still being answered", busy())
		}
	}
}

// TestBodiesShareMemory: what all bodies together take is bounded, counted as it
// comes, and given back.
func TestBodiesShareMemory(t *testing.T) {
	fx := newFixture(t)
	fx.server.bodies.most = 1 << 20
	addr := fx.serve(t)
	const head = "POST /api/within?collection=wards HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	post := func(n int) *http.Response {
		t.Helper()
		resp, err := http.Post("http://"+addr+"/api/within?collection=wards", "application/json", strings.NewReader(`{"type":"Polygon","coordinates":[[[72,19],[73,19],[73,20],[72,19]]]}`+strings.Repeat(" ", n)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	announces := dial(t, addr)
	fmt.Fprintf(announces, head, 8<<20) // announces much, and sends nothing
	wantStatus(t, post(300<<10), 200)

	sends := dial(t, addr)
	fmt.Fprintf(sends, head, 2<<20)
	if _, err := io.WriteString(sends, strings.Repeat(" ", 900<<10)); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(waitLong); fx.server.bodies.used.Load() < 900<<10; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d bytes are counted", fx.server.bodies.used.Load())
		}
	}
	refused := post(300 << 10)
	wantStatus(t, refused, 503)
	if refused.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	sends.Close()
	for until := time.Now().Add(waitLong); fx.server.bodies.used.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d bytes are not given back", fx.server.bodies.used.Load())
		}
	}
	wantStatus(t, post(300<<10), 200)
}
