package audit

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/internal/access"
	"nagar/internal/access/accessdb"
)

// place is one access database, and the folder beside the store.
type place struct {
	location string // postgres://... or a path
	folder   string
}

func both(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("sqlite", func(t *testing.T) {
		folder := t.TempDir()
		test(t, place{filepath.Join(folder, "access.db"), folder})
	})
	t.Run("postgres", func(t *testing.T) { test(t, place{pgtest.Start(t), t.TempDir()}) })
}

func (p place) database(ctx context.Context) (*accessdb.DB, error) {
	if strings.HasPrefix(p.location, "postgres") {
		return accessdb.OpenPostgres(ctx, p.location, Schema)
	}
	return accessdb.OpenFile(ctx, p.location, Schema)
}

// open opens the log as another process would.
func (p place) open(t *testing.T) *Log {
	t.Helper()
	db, err := p.database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return New(db, p.folder)
}

func read(request string, ids ...string) Entry {
	return Entry{
		Action: Read, Collection: "buildings", Fields: []string{"owner"}, IDs: ids, Count: int64(len(ids)), Requests: []string{request},
		Who: Actor{Kind: access.Account, Account: "a1", Name: "Asha", Roles: []string{"officer"}, Session: "s1"},
	}
}

func (l *Log) must(t *testing.T, entries ...Entry) {
	t.Helper()
	if err := l.Append(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
}

func (l *Log) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	err := l.db.Tx(t.Context(), func(tx *accessdb.Tx) error {
		_, err := tx.Exec(t.Context(), statement, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (l *Log) report(t *testing.T, heads ...Head) Report {
	t.Helper()
	rep, err := l.Verify(t.Context(), heads...)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func (l *Log) all(t *testing.T) []Entry {
	t.Helper()
	var out []Entry
	if err := l.scan(t.Context(), Filter{}, 0, func(e *Entry) error { out = append(out, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestOneChainOverProcesses appends through six handles, as six processes do, all
// at once: everything is there, in one whole chain.
func TestOneChainOverProcesses(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		var logs []*Log
		for range 6 {
			logs = append(logs, p.open(t))
		}
		var wg sync.WaitGroup
		for i, l := range logs {
			for half := range 2 { // one by one, so that the six are always at it together
				wg.Go(func() {
					for j := range 5 {
						name := fmt.Sprint(i, "-", half, "-", j)
						e := read("r"+name, "b"+name)
						if half == 0 {
							e.Action = Write
						}
						if err := l.Append(t.Context(), e); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		rep := logs[0].report(t)
		if rep.Broken != nil || rep.Kept == nil || rep.Anchors != 1 {
			t.Errorf("report %+v, broken %+v", rep, rep.Broken)
		}
		requests := map[string]int{}
		ids := map[string]bool{}
		for _, e := range logs[0].all(t) {
			for _, r := range e.Requests {
				requests[r]++
			}
			for _, id := range e.IDs {
				ids[id] = true
			}
		}
		if len(requests) != 60 || len(ids) != 60 {
			t.Errorf("%d requests and %d features are in the log, 60 were", len(requests), len(ids))
		}
		for r, n := range requests {
			if n != 1 {
				t.Errorf("%s is there %d times", r, n)
			}
		}
	})
}

// TestAGroupSharesOneWrite holds up the writer until fifty readers wait: they
// become one entry of one transaction.
func TestAGroupSharesOneWrite(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		l.must(t, read("first", "b0"))
		before := l.report(t).Head.Seq
		l.turn <- struct{}{}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if err := l.Append(t.Context(), read(fmt.Sprint("r", i), fmt.Sprint("b", i))); err != nil {
					t.Error(err)
				}
			})
		}
		for waiting := 0; waiting < 50; runtime.Gosched() {
			l.mu.Lock()
			waiting = 0
			if l.next != nil {
				for _, e := range l.next.entries {
					waiting += len(e.Requests)
				}
			}
			l.mu.Unlock()
		}
		<-l.turn
		wg.Wait()
		rep := l.report(t)
		if last := l.all(t)[rep.Head.Seq-1]; rep.Head.Seq != before+1 || len(last.Requests) != 50 || len(last.IDs) != 50 || last.Count != 50 {
			t.Errorf("entries %d to %d, the last of %d requests", before, rep.Head.Seq, len(last.Requests))
		}
	})
}

// TestGivingUpFailsNobodyElse: who began a group may go before it is written.
func TestGivingUpFailsNobodyElse(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		gone, cancel := context.WithCancel(t.Context())
		l.turn <- struct{}{}
		first := make(chan error)
		go func() { first <- l.Append(gone, read("gone", "b1")) }()
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Fatalf("who gave up got %v", err)
		}
		<-l.turn
		if err := l.Append(t.Context(), read("stayed", "b2")); err != nil {
			t.Fatal(err)
		}
		if got := l.all(t); !slices.Contains(got[len(got)-1].Requests, "stayed") {
			t.Errorf("the log has %+v", got)
		}
	})
}

// fading is the context of a caller who goes while their entry is written.
type fading struct {
	context.Context
	asked int
}

func (f *fading) Done() <-chan struct{} {
	if f.asked++; f.asked == 1 {
		return nil
	}
	gone := make(chan struct{})
	close(gone)
	return gone
}

func (f *fading) Err() error { return context.Canceled }

// TestAGroupIsWrittenThough its writer goes meanwhile: others wait for it too.
func TestAGroupIsWrittenThough(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		if err := l.Append(&fading{Context: context.Background()}, read("r1", "b1")); err != nil {
			t.Errorf("a writer who goes: %v", err)
		}
	})
}

func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		l.must(t, read("r1", "b1"))
		l.db.Close()
		if err := l.Append(t.Context(), read("r2", "b2")); !errors.Is(err, catalog.ErrUnavailable) {
			t.Errorf("append to a closed database: %v", err)
		}
	})
}
