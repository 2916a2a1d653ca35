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

// hasty makes the server lose its patience while a test can wait.
func hasty(fx *fixture) *fixture {
	fx.server.patience = patience{header: 150 * time.Millisecond, read: 300 * time.Millisecond, write: 300 * time.Millisecond, idle: 150 * time.Millisecond}
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
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
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
	addr := hasty(newFixture(t)).serve(t)
	for name, begin := range map[string]string{
		"header": "GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n",
		"body":   "POST /api/within?collection=wards HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"chunks": "POST /api/within?collection=wards HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
		"idle":   "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"silent": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr)
			if _, err := io.WriteString(c, begin); err != nil {
				t.Fatal(err)
			}
			got := letGo(t, c)
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
	fx := hasty(newFixture(t, func(c *Config) {
		c.Viewer = fstest.MapFS{"index.html": {Data: []byte("x")}, "fonts/big.woff2": {Data: big}}
	}))
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
	for until := time.Now().Add(15 * time.Second); busy() != "1"; time.Sleep(5 * time.Millisecond) { // 1 is the question itself
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
	for until := time.Now().Add(10 * time.Second); fx.server.bodies.used.Load() < 900<<10; time.Sleep(time.Millisecond) {
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
	for until := time.Now().Add(10 * time.Second); fx.server.bodies.used.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d bytes are not given back", fx.server.bodies.used.Load())
		}
	}
	wantStatus(t, post(300<<10), 200)
}
