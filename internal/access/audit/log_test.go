package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/catalog/postgis/pgtest"
	"nagar/geo"
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

// TestTampering changes the log in every way and wants the first entry that is
// not as it was written.
func TestTampering(t *testing.T) {
	const entries = 8
	type fault struct {
		name string
		do   func(t *testing.T, l *Log)
		want int64 // the first entry that is not as it was written; 0: none
		late bool  // it shows from entry 5 on
	}
	rewrite := func(t *testing.T, l *Log, from int64) { // what somebody does who knows the format
		all := l.all(t)
		prev := all[from-2].Hash
		for i := from - 1; i < int64(len(all)); i++ {
			e := all[i]
			e.IDs = []string{"other"}
			body := e.seal(e.Seq, e.Time, prev)
			l.exec(t, `update audit set body = ? where seq = ?`, body, e.Seq)
			prev = e.Hash
		}
	}
	faults := []fault{
		{"nothing", func(*testing.T, *Log) {}, 0, false},
		{"a column", func(t *testing.T, l *Log) { l.exec(t, `update audit set name = 'Bela' where seq = 4`) }, 4, false},
		{"a time", func(t *testing.T, l *Log) { l.exec(t, `update audit set time = time - 1 where seq = 4`) }, 4, false},
		{"one taken out", func(t *testing.T, l *Log) { l.exec(t, `delete from audit where seq = 4`) }, 4, false},
		{"the first taken out", func(t *testing.T, l *Log) { l.exec(t, `delete from audit where seq = 1`) }, 1, false},
		{"one taken out, the rest moved up", func(t *testing.T, l *Log) {
			l.exec(t, `delete from audit where seq = 4`)
			l.exec(t, `update audit set seq = seq - 1 where seq > 4`)
		}, 4, true},
		{"cut off at the end", func(t *testing.T, l *Log) { l.exec(t, `delete from audit where seq > 5`) }, 6, true},
		{"emptied", func(t *testing.T, l *Log) { l.exec(t, `delete from audit`) }, 1, true},
		{"a body", func(t *testing.T, l *Log) {
			e := l.all(t)[3]
			e.IDs = []string{"other"}
			l.exec(t, `update audit set body = ? where seq = 4`, e.appendBody(nil))
		}, 5, false}, // the next one's link shows it
		{"a body that is none", func(t *testing.T, l *Log) { l.exec(t, `update audit set body = ? where seq = 4`, []byte{1}) }, 4, false},
		{"the last body", func(t *testing.T, l *Log) {
			e := l.all(t)[entries-1]
			e.IDs = []string{"other"}
			l.exec(t, `update audit set body = ? where seq = ?`, e.appendBody(nil), e.Seq)
		}, entries, true},
		{"all written anew", func(t *testing.T, l *Log) { rewrite(t, l, 3) }, entries, true}, // only the head shows it
	}
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		for _, f := range faults {
			l.exec(t, `delete from audit`)
			_ = os.Remove(filepath.Join(p.folder, headFile)) // there is none the first time
			for i := range entries - 1 {                     // and the anchor
				l.must(t, read(fmt.Sprint("r", i), fmt.Sprint("b", i)))
			}
			half := Head{5, l.all(t)[4].Hash}
			f.do(t, l)
			rep := l.report(t)
			switch {
			case f.want == 0 && (rep.Broken != nil || rep.Entries != entries):
				t.Errorf("%s: a whole log: %+v, broken %+v", f.name, rep, rep.Broken)
			case f.want != 0 && (rep.Broken == nil || rep.Broken.Seq != f.want):
				t.Errorf("%s: want a fault at %d, got %+v", f.name, f.want, rep.Broken)
			}
			since, err := l.VerifySince(t.Context(), half)
			if err != nil {
				t.Fatal(err)
			}
			if f.late != (since.Broken != nil) {
				t.Errorf("%s: since entry 5: %+v, broken %+v", f.name, since, since.Broken)
			}
			if since.Broken == nil && since.Entries != entries-5 {
				t.Errorf("%s: since entry 5 there are %d entries", f.name, since.Entries)
			}
		}
	})
}

// TestAPrintedHeadIsTheAnchorOutside: who can write database and folder is found
// out by a head that was printed before.
func TestAPrintedHeadIsTheAnchorOutside(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		l.must(t, read("r1", "b1"))
		l.must(t, read("r2", "b2"))
		printed, err := ParseHead(l.report(t).Head.String())
		if err != nil {
			t.Fatal(err)
		}
		if rep := l.report(t, printed); rep.Broken != nil {
			t.Fatalf("a whole log: %+v", rep.Broken)
		}
		l.exec(t, `delete from audit where seq >= ?`, printed.Seq)
		if err := os.Remove(filepath.Join(p.folder, headFile)); err != nil {
			t.Fatal(err)
		}
		l.must(t, read("r3", "b3")) // life goes on over the gap
		rep := l.report(t)
		if rep.Broken != nil || rep.Anchors != 2 {
			t.Errorf("without the printed head: %+v, broken %+v; want a second anchor", rep, rep.Broken)
		}
		if rep = l.report(t, printed); rep.Broken == nil {
			t.Error("the printed head did not show what was cut off")
		}
	})
}

// TestAnEmptiedHeadFileStopsNothing: a power cut may leave it so.
func TestAnEmptiedHeadFileStopsNothing(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		l.must(t, read("r1", "b1"))
		if err := os.WriteFile(filepath.Join(p.folder, headFile), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		l.must(t, read("r2", "b2"))
		if rep := l.report(t); rep.Broken != nil || rep.Kept == nil || *rep.Kept != rep.Head {
			t.Errorf("%+v, broken %+v", rep, rep.Broken)
		}
		info, err := os.Stat(filepath.Join(p.folder, headFile))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the head's file: %v, %v", info.Mode(), err)
		}
	})
}

func TestEntriesByPageAndFilter(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		for i := range 10 {
			e := read(fmt.Sprint("r", i), fmt.Sprint("b", i%3))
			if i%2 == 1 {
				e.Who.Account, e.Who.Name = "a2", "Bela"
			}
			l.must(t, e)
		}
		tile := read("tile")
		tile.Action, tile.Box, tile.Count = ReadTile, &geo.Box{W: 72, S: 18, E: 73, N: 19}, 7
		l.must(t, tile)
		plots := read("plot", "b1")
		plots.Collection = "plots"
		l.must(t, plots)
		start, end := l.all(t)[4].Time, l.all(t)[7].Time
		inside, outside := geo.Box{W: 72.5, S: 18.5, E: 72.6, N: 18.6}, geo.Box{W: 80, S: 18, E: 81, N: 19}
		for name, c := range map[string]struct {
			f    Filter
			want string
		}{
			"all":             {Filter{}, "plot tile r9 r8 r7 r6 r5 r4 r3 r2 r1 r0 "},
			"by account":      {Filter{Who: "a2"}, "r9 r7 r5 r3 r1"},
			"by name":         {Filter{Who: "Bela"}, "r9 r7 r5 r3 r1"},
			"by collection":   {Filter{Collection: "plots"}, "plot"},
			"by action":       {Filter{Action: ReadTile}, "tile"},
			"by its family":   {Filter{Action: Read, Who: "a1"}, "plot tile r8 r6 r4 r2 r0"},
			"no wildcard":     {Filter{Action: "%"}, ""},
			"no injection":    {Filter{Who: "x' or '1'='1"}, ""},
			"by time":         {Filter{From: start, To: end}, "r5 r4 r3"},
			"by feature":      {Filter{About: map[string][]Place{"buildings": {{ID: "b1", Box: outside}}}}, "r7 r4 r1"},
			"by where it is":  {Filter{About: map[string][]Place{"buildings": {{ID: "b1", Box: inside}}}}, "tile r7 r4 r1"},
			"without a place": {Filter{About: map[string][]Place{"buildings": {{ID: "b2", Box: geo.EmptyBox()}}, "plots": {{ID: "b1", Box: geo.EmptyBox()}}}}, "plot r8 r5 r2"},
		} {
			var got []string
			pages := 0
			for before := int64(0); ; pages++ {
				c.f.Before = before
				page, next, err := l.Entries(t.Context(), c.f, 2)
				if err != nil || len(page) > 2 {
					t.Fatalf("%s: %d entries, %v", name, len(page), err)
				}
				for _, e := range page {
					got = append(got, strings.Join(e.Requests, "+"))
				}
				if before = next; next == 0 {
					break
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s: %q, want %q", name, s, c.want)
			}
		}
	})
}

func TestBreachSaysWhoReadWhat(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		l.must(t, read("r1", "b1", "b2"))
		l.must(t, read("r2", "b2", "b3"))
		other := read("r3", "b9")
		other.Who.Account = "a2"
		l.must(t, other)
		for i := range 3 {
			tile := read(fmt.Sprint("t", i))
			tile.Action, tile.Count = ReadTile, 5
			tile.Box = &geo.Box{W: 72, S: 18, E: 73 + float64(i), N: 19}
			l.must(t, tile)
		}
		write := read("w1", "b1")
		write.Action = Write
		l.must(t, write)
		b, err := l.Breach(t.Context(), Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if b.Entries != 6 || len(b.Readings) != 3 || strings.Join(b.Features["buildings"], " ") != "b1 b2 b3 b9" || b.Partial {
			t.Fatalf("%+v", b)
		}
		first, tiles := b.Readings[0], b.Readings[2]
		if first.Requests != 2 || first.Count != 4 || strings.Join(first.IDs, " ") != "b1 b2 b3" || first.Fields[0] != "owner" {
			t.Errorf("by id: %+v", first)
		}
		if tiles.Count != 15 || len(tiles.Boxes) != 1 || tiles.Boxes[0].E != 75 {
			t.Errorf("by tile: %+v", tiles)
		}
		if b, err = l.Breach(t.Context(), Filter{Who: "a2"}); err != nil || b.Entries != 1 {
			t.Errorf("of one actor: %+v, %v", b, err)
		}
	})
}

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

func BenchmarkAppend(b *testing.B) {
	db, err := accessdb.OpenFile(b.Context(), filepath.Join(b.TempDir(), "access.db"), Schema)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	l := New(db, b.TempDir())
	for _, readers := range []int{1, 32} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(readers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := l.Append(b.Context(), read("r", "b1")); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkReading is what a verification and a report cost for each entry.
func BenchmarkReading(b *testing.B) {
	db, err := accessdb.OpenFile(b.Context(), filepath.Join(b.TempDir(), "access.db"), Schema)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	l := New(db, b.TempDir())
	const entries = 50_000
	many := make([]Entry, entries)
	for i := range many {
		many[i] = read(fmt.Sprint("r", i), fmt.Sprint("b", i%5000), fmt.Sprint("b", i%777))
		many[i].Who.Account = fmt.Sprint("a", i%40) // so that no two are told as one
	}
	if err := l.Append(b.Context(), many...); err != nil {
		b.Fatal(err)
	}
	each := func(b *testing.B, read func() error) {
		b.ReportAllocs()
		for b.Loop() {
			if err := read(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entries, "ns/entry")
	}
	b.Run("verify", func(b *testing.B) {
		each(b, func() error { _, err := l.Verify(b.Context()); return err })
	})
	b.Run("breach", func(b *testing.B) {
		each(b, func() error { _, err := l.Breach(b.Context(), Filter{}); return err })
	})
}
