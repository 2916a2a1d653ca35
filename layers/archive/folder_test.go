package archive

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nagar/geo"
)

// looking is a Folder that looks when it is told to.
type looking struct {
	*Folder
	t       *testing.T
	notices []Notice
}

func newLooking(t *testing.T, dir string, taken func(string) bool) *looking {
	l := &looking{Folder: NewFolder(dir, taken), t: t}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// now looks once and returns what was reported.
func (l *looking) now(first bool) []Notice {
	l.t.Helper()
	l.notices = nil
	if err := l.look(first, func(n Notice) { l.notices = append(l.notices, n) }); err != nil {
		l.t.Fatal(err)
	}
	return l.notices
}

func (l *looking) has(name string) bool {
	_, ok := l.Archive(name)
	return ok
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFolderFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "base.pmtiles"), small(Plain))
	put(t, filepath.Join(dir, "notes.txt"), []byte("nothing"))
	put(t, filepath.Join(dir, "short.pmtiles"), small(Plain)[:len(small(Plain))-3])
	put(t, filepath.Join(dir, "wards.pmtiles"), small(Plain))
	put(t, filepath.Join(dir, "a,b.pmtiles"), small(Plain))
	claimed := map[string]bool{"wards": true}
	f := newLooking(t, dir, func(name string) bool { return claimed[name] })
	said := map[string]string{}
	for _, n := range f.now(true) {
		said[n.File] = "served as " + n.Name
		if n.Err != nil {
			said[n.File] = n.Err.Error()
		}
	}
	for file, want := range map[string]string{"base.pmtiles": "served as base", "short.pmtiles": "cut short", "wards.pmtiles": "collection", "a,b.pmtiles": "address"} {
		if !strings.Contains(said[file], want) {
			t.Errorf("%s: %q, want %q", file, said[file], want)
		}
	}
	if len(said) != 4 || !f.has("base") || f.has("short") || f.has("wards") || f.has("a,b") {
		t.Errorf("%v; open %v", said, f.open)
	}
	if n := f.now(false); len(n) != 0 {
		t.Errorf("nothing changed, but %+v", n)
	}

	// One that is copied in is opened when it has come to rest.
	put(t, filepath.Join(dir, "late.pmtiles"), small(Plain)[:150])
	f.now(false)
	put(t, filepath.Join(dir, "late.pmtiles"), small(Plain))
	if n := f.now(false); len(n) != 0 || f.has("late") {
		t.Errorf("while it grows: %+v", n)
	}
	if f.now(false); !f.has("late") {
		t.Error("it is whole, and not open")
	}

	// One that is replaced is swapped.
	old, _ := f.Archive("late")
	put(t, filepath.Join(dir, "new"), small(Plain))
	if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "late.pmtiles")); err != nil {
		t.Fatal(err)
	}
	f.now(false)
	if now, ok := f.Archive("late"); !ok || now == old {
		t.Error("the old one is still served")
	}
	if _, _, err := old.Tile(geo.Tile{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the old one is not closed: %v", err)
	}

	// Those that go, or whose name a collection gets, are dropped.
	if err := os.Remove(filepath.Join(dir, "late.pmtiles")); err != nil {
		t.Fatal(err)
	}
	claimed["base"] = true
	if n := f.now(false); len(n) != 2 || !n[0].Dropped || !n[1].Dropped || f.has("late") || f.has("base") {
		t.Errorf("%+v", n)
	}
	if n := f.now(false); len(n) != 0 {
		t.Errorf("told twice: %+v", n)
	}
}

func TestFolderThatIsNotThere(t *testing.T) {
	f := NewFolder(filepath.Join(t.TempDir(), "none"), nil)
	if err := f.Run(context.Background(), func(Notice) {}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
