package httpapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestShutdownUnderLoad ends a server while clients ask without pause: no request
// that it took fails. A client stops when it is refused, as the doors are closed.
func TestShutdownUnderLoad(t *testing.T) {
	fx := newFixture(t)
	fx.engine.slow = 3 * time.Millisecond
	fx.server.patience.silent = waitLong // a client of a busy machine has a connection long before it asks
	q := &queue{ready: make(chan struct{}, 1)}
	fx.server.subscribe = func() subscription { return q }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- fx.server.Serve(ctx, l, nil) }()
	base := "http://" + l.Addr().String()

	live, err := http.Get(base + "/api/live")
	if err != nil {
		t.Fatal(err)
	}
	liveEnded := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, live.Body)
		liveEnded <- err
	}()

	var done, failed atomic.Int64
	var wg sync.WaitGroup
	for i := range 24 {
		// A third of the clients make a connection for each request.
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, DisableKeepAlives: i%3 == 0}, Timeout: waitLong}
		wg.Go(func() {
			for {
				resp, err := client.Get(base + "/api/near?collection=wards&lon=72.85&lat=19.05")
				if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
					return // no connection, so no request
				}
				if err != nil {
					failed.Add(1)
					t.Errorf("after %d: %v", done.Load(), err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				if cErr := resp.Body.Close(); err != nil || cErr != nil || resp.StatusCode != 200 || !strings.HasSuffix(string(body), "]}") {
					failed.Add(1)
					t.Errorf("status %d, %v", resp.StatusCode, err)
					return
				}
				done.Add(1)
			}
		})
	}
	eventually(t, "clients are being answered", func() bool { return done.Load() >= 100 || failed.Load() > 0 })
	stop()
	wg.Wait()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(waitLong):
		t.Fatal("the server did not end")
	}
	select {
	case err := <-liveEnded:
		if err != nil {
			t.Errorf("the live stream broke: %v", err)
		}
	case <-time.After(waitLong):
		t.Error("the live stream did not end")
	}
	if failed.Load() > 0 {
		t.Errorf("%d answered, %d failed", done.Load(), failed.Load())
	}
	t.Logf("%d requests answered", done.Load())
}

// TestInFlightFinishes: an answer that takes longer than the drain is waited for.
func TestInFlightFinishes(t *testing.T) {
	fx := newFixture(t)
	hold := make(chan struct{})
	fx.engine.hold = hold
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- fx.server.Serve(ctx, l, nil) }()
	status := make(chan int, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String() + "/tiles/wards/3/5/3.mvt")
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		status <- resp.StatusCode
	}()
	eventually(t, "the tile is being drawn", func() bool { return fx.engine.questions() > 0 })
	stop()
	eventually(t, "the server says that it stops", func() bool { return fx.get("/readyz").StatusCode == 503 })
	time.Sleep(drainTime + closeTime + usualPatience.silent) // longer than all that ends by itself
	select {
	case got := <-status:
		t.Errorf("status %d before the tile was drawn", got)
	case err := <-ended:
		t.Fatalf("the server ended amid an answer: %v", err)
	default:
	}
	close(hold)
	if got := <-status; got != 200 {
		t.Errorf("status %d", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHeadersAreBounded(t *testing.T) {
	fx := newFixture(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- fx.server.Serve(ctx, l, nil) }()
	req, err := http.NewRequest(http.MethodGet, "http://"+l.Addr().String()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 100<<10))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	fx := newFixture(t)
	lent := httptest.NewUnstartedServer(nil) // for its certificate
	lent.StartTLS()
	defer lent.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- fx.server.Serve(ctx, l, &tls.Config{Certificates: lent.TLS.Certificates}) }()
	pool := x509.NewCertPool()
	pool.AddCert(lent.Certificate())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	resp, err := client.Get("https://" + l.Addr().String() + "/tiles/wards.json")
	if err != nil {
		t.Fatal(err)
	}
	if resp.ProtoMajor != 2 {
		t.Errorf("protocol %s", resp.Proto)
	}
	if tj := decoded[tileJSON](t, resp); !strings.HasPrefix(tj.Tiles[0], "https://"+l.Addr().String()+"/tiles/") {
		t.Errorf("tiles %s", tj.Tiles[0])
	}
	if plain, err := http.Get("http://" + l.Addr().String() + "/healthz"); err != nil || plain.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %v %v", plain, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
