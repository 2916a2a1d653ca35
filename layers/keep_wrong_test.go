package layers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/layers/snapfile"
)

// keptCity writes a snapshot file of a small city.
func keptCity(t testing.TB, folder string) *memSource {
	r := rand.New(rand.NewPCG(1, 1))
	src := newMemSource()
	src.define(buildingsCollection())
	src.write("buildings", city(r, 60))
	f := city(r, 1)[0]
	f.ID, f.ValidFrom = "planned", time.Now().Add(1000*time.Hour)
	src.write("buildings", []catalog.Feature{f})
	_, h, end := run(t, src, Options{Snapshots: folder})
	h.await(t, 1, "written", written)
	end()
	return src
}

// TestWrongFilesAreRefused: a file that is damaged anywhere, cut short, of another
// store or of what the store no longer is, is not used, and told of; what is served
// is right.
func TestWrongFilesAreRefused(t *testing.T) {
	folder := t.TempDir()
	src := keptCity(t, folder)
	path := filepath.Join(folder, "index")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, src Source, b []byte, count int, use bool) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		e, h, end := run(t, src, Options{Snapshots: folder})
		defer end()
		first := h.await(t, 1, "told", func(n SnapshotNotice) bool { return !n.Written })
		if (first.Err == nil) != use {
			t.Errorf("%s: %+v", what, first)
		}
		if i, _ := e.Collection("buildings"); i.Count != count {
			t.Errorf("%s: %d buildings, want %d", what, i.Count, count)
		}
	}
	try("as it was written", src, whole, 60, true)
	for i := 0; i < len(whole); i += 1 + len(whole)/40 {
		b := slices.Clone(whole)
		b[i] ^= 0x41
		if i >= 64 && inPadding(t, whole, i) {
			continue
		}
		try(fmt.Sprint("byte ", i, " changed"), src, b, 60, false)
	}
	for _, n := range []int{0, 1, 63, 64, 65, len(whole) / 2, len(whole) - 1} {
		try(fmt.Sprint("cut to ", n), src, whole[:n], 60, false)
	}
	try("with more behind it", src, append(slices.Clone(whole), 0), 60, false)
	other := newMemSource()
	other.define(buildingsCollection())
	other.write("buildings", city(random(t), 7))
	try("of another store that is behind", other, whole, 7, false)
	other.write("buildings", city(random(t), 7))
	other.write("buildings", city(random(t), 7))
	try("of another store that is further", other, whole, 7, false)
	back := newMemSource() // restored from a backup, then edited
	back.cols, back.now = src.cols, src.now
	back.commits = slices.Clone(src.commits[:2])
	try("ahead of its store", back, whole, 60, false)
	time.Sleep(time.Millisecond)
	back.write("buildings", city(random(t), 3))
	try("of a past that its store no longer has", back, whole, 60, false)
	src.write("buildings", nil, "planned")
	try("behind its store", src, whole, 60, true)
}

// inPadding reports whether a byte of the file belongs to no array.
func inPadding(t *testing.T, whole []byte, i int) bool {
	folder := t.TempDir()
	b := slices.Clone(whole)
	b[i] ^= 0x41
	if err := os.WriteFile(filepath.Join(folder, "index"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := snapfile.Open(folder)
	if err != nil {
		return false
	}
	var dir keptState
	if err := f.Directory(&dir); err != nil {
		return false
	}
	_, _, err = arrays(f, &dir)
	return err == nil
}

// TestKilledWhileWriting kills a process that writes snapshot files again and
// again: what it leaves is whole, or nothing, and the next writer is not held up.
func TestKilledWhileWriting(t *testing.T) {
	if folder := os.Getenv("NAGAR_TEST_KEEP"); folder != "" {
		src := newMemSource()
		src.define(buildingsCollection())
		src.write("buildings", city(rand.New(rand.NewPCG(1, 1)), 20_000))
		e, _, _ := run(t, src, Options{Snapshots: folder})
		fmt.Println("writing")
		for { // until killed
			if _, err := e.store(context.Background(), &SnapshotNotice{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := random(t)
	folder := t.TempDir()
	whole := 0
	for range 8 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledWhileWriting$")
		cmd.Env = append(os.Environ(), "NAGAR_TEST_KEEP="+folder)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64)
		if n, err := out.Read(buf); err != nil || !strings.Contains(string(buf[:n]), "writing") {
			t.Errorf("the writer says %q, %v", buf[:n], err)
		}
		time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, as it should be
		f, err := snapfile.Open(folder)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var dir keptState
		if err := f.Directory(&dir); err != nil {
			t.Fatal(err)
		}
		st, _, err := arrays(f, &dir)
		if err != nil || st.cols["buildings"].snap.Len() != 20_000 {
			t.Fatalf("what was left: %v", err)
		}
		whole++
	}
	t.Logf("%d of 8 left a file", whole)
	src := newMemSource()
	src.define(buildingsCollection())
	_, h, end := run(t, src, Options{Snapshots: folder})
	h.await(t, 1, "written", written)
	end()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("left in the folder: %v", entries)
	}
}
