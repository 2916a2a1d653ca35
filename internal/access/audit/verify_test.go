package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

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
