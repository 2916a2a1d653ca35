package audit

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// childEnv tells a child of TestKilled where the log is.
const childEnv = "NAGAR_TEST_AUDIT"

// TestKilled kills a process that shows answers as fast as it can: each that was
// shown is in the log, and the chain is whole.
func TestKilled(t *testing.T) {
	if where := os.Getenv(childEnv); where != "" {
		show(t, where)
		return
	}
	both(t, func(t *testing.T, p place) {
		for round := range 3 {
			shown := killed(t, p)
			l := p.open(t)
			if rep := l.report(t); rep.Broken != nil {
				t.Fatalf("round %d: %+v", round, rep.Broken)
			}
			logged := map[string]bool{}
			for _, e := range l.all(t) {
				for _, r := range e.Requests {
					logged[r] = true
				}
			}
			for _, r := range shown {
				if !logged[r] {
					t.Errorf("round %d: %s was shown and is not in the log", round, r)
				}
			}
			l.must(t, read("after", "b1"))
			t.Logf("%d answers shown, %d requests in the log", len(shown), len(logged))
		}
	})
}

// show prints the name of each read once its entry is durable, until it is killed.
func show(t *testing.T, where string) {
	location, folder, _ := strings.Cut(where, "|")
	db, err := place{location, folder}.database(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	l := New(db, folder)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("p%d-%d-%d", os.Getpid(), g, i)
				if err := l.Append(context.Background(), read(name, fmt.Sprint("b", i%50))); err != nil {
					t.Error(err)
					return
				}
				fmt.Println("shown", name)
			}
		})
	}
	wg.Wait()
}

// killed runs show in another process, kills it amid its work, and returns what it
// had shown.
func killed(t *testing.T, p place) (shown []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$", "-test.v=false", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), childEnv+"="+p.location+"|"+p.folder)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer guard.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "shown "); ok {
			if shown = append(shown, name); len(shown) == 200 {
				cmd.Process.Kill() // some more come out of the pipe
			}
		}
	}
	cmd.Wait()
	if len(shown) < 200 {
		t.Fatalf("the child showed %d answers only", len(shown))
	}
	return shown
}
