package catalogtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
)

var killCases = []testCase{
	{name: "kill/loader", outside: true, run: testKill},
}

// killBatch is how many features each batch of the child has.
const killBatch = 150

// runChild loads numbered batches, and prints the number of each once it is
// acknowledged, until it is killed.
func runChild(t *testing.T, h Harness, location string) {
	ctx := context.Background()
	s, err := h.Open(ctx, location)
	if err != nil {
		t.Fatal(err)
	}
	for b := 0; ; b++ {
		_, err := s.Apply(ctx, catalog.Batch{Key: fmt.Sprint("batch ", os.Getpid(), b), Ops: func(yield func(*catalog.Op, error) bool) {
			for i := range killBatch {
				if op := put(fmt.Sprintf("p%d-b%d-%d", os.Getpid(), b, i), "n", b); !yield(&op, nil) {
					return
				}
			}
			if b > 0 { // and change something, for there to be history
				op := put(fmt.Sprintf("p%d-b0-0", os.Getpid()), "n", 0, "height_m", b)
				yield(&op, nil)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("acknowledged", b)
	}
}

// testKill kills loaders at odd moments: every acknowledged batch is there,
// none is there by half, and the store goes on.
func testKill(e *env) {
	e.define(places())
	e.close(e.s)
	rng := e.rng()
	for round := range 3 {
		stop := func() {}
		if round > 0 { // another process, this one, writes meanwhile
			stop = e.writeAlong()
		}
		pid, acknowledged := e.killLoader(time.Duration(20+rng.IntN(300)) * time.Millisecond)
		stop()
		e.s = e.open()
		got, _ := e.scan(e.s, catalog.Query{Collection: "places"})
		counts := map[int]int{}
		for id := range got {
			if rest, ok := strings.CutPrefix(id, fmt.Sprintf("p%d-b", pid)); ok {
				b, _, _ := strings.Cut(rest, "-")
				n, err := strconv.Atoi(b)
				if err != nil {
					e.Fatalf("id %q", id)
				}
				counts[n]++
			}
		}
		e.Logf("killed after batch %d was acknowledged; %d batches are there", acknowledged, len(counts))
		for b, n := range counts {
			if n != killBatch {
				e.Errorf("batch %d is there by half: %d of %d", b, n, killBatch)
			}
		}
		for b := range acknowledged + 1 {
			if counts[b] == 0 {
				e.Errorf("batch %d was acknowledged and is lost", b)
			}
		}
		if len(counts) > acknowledged+2 {
			e.Errorf("%d batches are there, %d acknowledged", len(counts), acknowledged+1)
		}
		if f := got[fmt.Sprintf("p%d-b0-0", pid)]; acknowledged >= 0 && f != nil {
			if h := f.Props.Get("height_m").Float(); h != float64(len(counts)-1) {
				e.Errorf("the feature that every batch changes is of batch %v of %d", h, len(counts))
			}
		}
		e.apply(e.s, put("after", "n", pid))
		e.close(e.s)
		e.verify()
	}
}

// writeAlong writes batches through a handle of this process until it is
// stopped, and then wants them all.
func (e *env) writeAlong() (stop func()) {
	s, quit, done := e.open(), make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-quit:
				done <- n
				return
			default:
			}
			if _, err := s.Apply(e.ctx, catalog.Batch{Ops: catalog.Ops(put("along", "n", n+1))}); err != nil {
				e.Errorf("writing along: %v", err)
				done <- n
				return
			}
			n++
		}
	}()
	return func() {
		close(quit)
		n := <-done
		if f := e.now(s, "places", "along"); n == 0 || f.Props.Get("n").Int() != int64(n) {
			e.Errorf("wrote along %d times, found %s", n, show(f))
		}
		e.close(s)
	}
}

// killLoader starts a loader, kills it some time after its first acknowledged
// batch, and returns its process id and the last batch it acknowledged.
func (e *env) killLoader(after time.Duration) (pid, acknowledged int) {
	e.Helper()
	root, _, _ := strings.Cut(e.Name(), "/")
	cmd := exec.Command(os.Args[0], "-test.run=^"+root+"$", "-test.v=false", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), childEnv+"="+e.location)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		e.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		e.Fatal(err)
	}
	guard := time.AfterFunc(2*waitLong, func() { cmd.Process.Kill() })
	defer guard.Stop()
	acknowledged = -1
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
		if !ok {
			said = append(said, lines.Text())
			continue
		}
		if acknowledged < 0 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
		if acknowledged, err = strconv.Atoi(n); err != nil {
			e.Fatal(err)
		}
	}
	cmd.Wait()
	if acknowledged < 0 {
		e.Fatalf("the loader acknowledged nothing: %s", strings.Join(said, "\n"))
	}
	return cmd.Process.Pid, acknowledged
}
