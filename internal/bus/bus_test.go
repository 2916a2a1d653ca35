package bus

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"nagar/internal/access"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func open(t *testing.T, folder string) *Bus {
	t.Helper()
	b, err := Open(t.Context(), Options{Folder: folder, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// readUpTo reads from a position until n messages have come.
func readUpTo(t *testing.T, b *Bus, after Position, n int) (texts []string, end Position) {
	t.Helper()
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := b.Read(ctx, after, func(_ context.Context, batch Batch) error {
		for _, m := range batch.Messages {
			texts = append(texts, string(m.Data))
		}
		end = batch.End()
		if len(texts) >= n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("read %d of %d: %v", len(texts), n, err)
	}
	return texts, end
}

func publish(t *testing.T, b *Bus, text string) Position {
	t.Helper()
	p, err := b.Publish(t.Context(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInOrderAndFromAPosition(t *testing.T) {
	folder := t.TempDir()
	b := open(t, folder)
	var middle Position
	for i := range 3000 {
		if p := publish(t, b, strconv.Itoa(i)); i == 999 {
			middle = p
		}
	}
	texts, end := readUpTo(t, b, middle, 2000)
	if len(texts) != 2000 || texts[0] != "1000" || texts[1999] != "2999" || !slices.IsSortedFunc(texts, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	}) {
		t.Fatalf("read %d: %s … %s", len(texts), texts[0], texts[len(texts)-1])
	}
	if head, err := b.Head(t.Context()); err != nil || head != end {
		t.Errorf("head %v %v, end %v", head, err, end)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, folder)
	publish(t, b, "after")
	if texts, _ := readUpTo(t, b, end, 1); texts[0] != "after" {
		t.Errorf("after the restart: %q", texts)
	}
	if err := b.Forget(t.Context(), middle); err != nil {
		t.Fatal(err)
	}
	if texts, _ := readUpTo(t, b, Position{}, 2001); texts[0] != "1000" {
		t.Errorf("forgotten up to 999, and the first is %q", texts[0])
	}
	if texts, _ := readUpTo(t, b, Position{Stream: "another one", Seq: 5000}, 2001); texts[0] != "1000" {
		t.Errorf("a place in another stream is before everything, the first is %q", texts[0])
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	b := open(t, t.TempDir())
	if _, err := b.Publish(t.Context(), make([]byte, MaxMessage+1)); err == nil || errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// TestFullStreamRefuses: what is there stays, what does not fit is not acknowledged.
func TestFullStreamRefuses(t *testing.T) {
	b, err := Open(t.Context(), Options{Folder: t.TempDir(), MaxBytes: 1 << 20, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	kept := 0
	for ; ; kept++ {
		if _, err = b.Publish(t.Context(), make([]byte, 100_000)); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrUnavailable) || kept < 5 || kept > 10 {
		t.Fatalf("%d kept, then %v", kept, err)
	}
	if texts, _ := readUpTo(t, b, Position{}, kept); len(texts) != kept {
		t.Errorf("%d of %d are there", len(texts), kept)
	}
}

// TestLaterOnesJoin: of several on one folder one has the server; when it ends,
// another takes its place, and nothing that was acknowledged is lost.
func TestLaterOnesJoin(t *testing.T) {
	folder := t.TempDir()
	first := open(t, folder)
	second := open(t, folder)
	if !first.Hosts() || second.Hosts() {
		t.Fatalf("hosts: %v, %v", first.Hosts(), second.Hosts())
	}
	if info, err := os.Stat(filepath.Join(folder, addressFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the address has a secret in it: %v %v", info.Mode(), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := second.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer cancel()
	publish(t, first, "of the first")
	publish(t, second, "of the second")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := second.Publish(t.Context(), []byte("alone")); err == nil {
			break
		} else if time.Since(begin) > time.Minute {
			t.Fatal(err)
		}
	}
	if !second.Hosts() {
		t.Error("the second has not taken the server")
	}
	if texts, _ := readUpTo(t, second, Position{}, 3); !slices.Equal(texts, []string{"of the first", "of the second", "alone"}) {
		t.Errorf("%q", texts)
	}
}

// TestOutside uses a server that is not ours, which goes and comes back.
func TestOutside(t *testing.T) {
	start := func(folder string, port int) *server.Server {
		s, err := server.NewServer(&server.Options{ServerName: "out", Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: folder, NoSigs: true, NoLog: true})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		if !s.ReadyForConnections(time.Minute) {
			t.Fatal("the server does not start")
		}
		return s
	}
	folder := t.TempDir()
	s := start(folder, server.RANDOM_PORT)
	defer func() { s.Shutdown() }()
	address := s.ClientURL()
	b, err := Open(t.Context(), Options{URL: address, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	publish(t, b, "one")
	port, _ := strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
	s.Shutdown()
	s.WaitForShutdown()
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	if _, err := b.Publish(short, []byte("lost")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("while the server is away: %v", err)
	}
	cancel()
	s = start(folder, port)
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, err := b.Publish(t.Context(), []byte("two")); err == nil {
			break
		} else if time.Since(begin) > time.Minute {
			t.Fatal(err)
		}
	}
	texts, _ := readUpTo(t, b, Position{}, 2)
	if texts[0] != "one" || texts[len(texts)-1] != "two" {
		t.Errorf("%q", texts)
	}
	if _, err := Open(t.Context(), Options{URL: "nats://127.0.0.1:1", Logger: quiet()}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
}

// The process of TestKill: it takes what comes over MQTT into the bus until it is killed.
func TestMain(m *testing.M) {
	folder := os.Getenv("NAGAR_TEST_BUS")
	if folder == "" {
		os.Exit(m.Run())
	}
	b, err := Open(context.Background(), Options{Folder: folder, Logger: quiet()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	l, err := ListenMQTT(intoBus(b))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	_ = l.Run(context.Background())
}

func intoBus(b *Bus) MQTTOptions {
	return MQTTOptions{
		Addr: "127.0.0.1:0", Logger: quiet(),
		Known: func(context.Context, string) (access.Principal, error) { return access.Principal{}, errors.New("no") },
		Take: func(ctx context.Context, _ Device, _ string, payload []byte) error {
			_, err := b.Publish(ctx, payload)
			return err
		},
		Sees: func(Device, string) bool { return false },
	}
}

// TestKill kills the process with signal 9 while devices publish, several times, and
// finds each reading that was acknowledged in the stream.
func TestKill(t *testing.T) {
	folder := t.TempDir()
	acked := map[string]bool{}
	var mu sync.Mutex
	for round := range 4 {
		p := exec.Command(os.Args[0])
		p.Env = append(os.Environ(), "NAGAR_TEST_BUS="+folder)
		p.Stderr = os.Stderr
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		address, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var devices sync.WaitGroup
		got, killed := make(chan struct{}, 1<<20), make(chan struct{})
		for d := range 20 {
			devices.Go(func() {
				c := dial(t, strings.TrimSpace(address), fmt.Sprintf("device %d", d), "")
				defer c.Close()
				for i := 0; ; i++ {
					text, _ := json.Marshal(map[string]int{"device": d, "round": round, "n": i})
					if !c.publish("v1.1/Datastreams(1)/Observations", text) {
						select {
						case <-killed:
						default:
							t.Errorf("device %d was let go before the kill", d)
						}
						return
					}
					mu.Lock()
					acked[string(text)] = true
					mu.Unlock()
					got <- struct{}{}
				}
			})
		}
		for range 500 + 100*round {
			<-got
		}
		close(killed)
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.Wait()
		devices.Wait()
	}
	b := open(t, folder)
	head, err := b.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	texts, _ := readUpTo(t, b, Position{}, int(head.Seq))
	have := map[string]int{}
	for _, s := range texts {
		have[s]++
	}
	lost := 0
	for s := range acked {
		if have[s] != 1 {
			lost++
		}
	}
	if lost > 0 || len(acked) < 2000 {
		t.Errorf("of %d readings that were acknowledged %d are not there once; the stream has %d", len(acked), lost, len(texts))
	}
}
