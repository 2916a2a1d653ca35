package snapfile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"nagar/layers/index"
)

// write writes a file of some arrays and returns their places.
func write(t testing.TB, folder string, arrays ...[]byte) []index.Span {
	t.Helper()
	w, err := Create(context.Background(), folder)
	if err != nil || w == nil {
		t.Fatal(w, err)
	}
	var spans []index.Span
	for _, a := range arrays {
		s, err := w.Put(a)
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, s)
	}
	if f, err := w.Commit(spans, func() bool { return true }); err != nil || f == nil {
		t.Fatal(f, err)
	}
	return spans
}

func TestReadsWhatWasWritten(t *testing.T) {
	folder := t.TempDir()
	arrays := [][]byte{bytes.Repeat([]byte("abc"), 3<<20), []byte("x"), {}}
	want := write(t, folder, arrays...)
	f, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	var spans []index.Span
	if err := errors.Join(f.Directory(&spans), f.Verify(want)); err != nil {
		t.Fatal(err)
	}
	for i, s := range spans {
		b, err := f.Bytes(s)
		if err != nil || s != want[i] || s.At%64 != 0 || !bytes.Equal(b, arrays[i]) {
			t.Errorf("array %d at %+v: %v", i, s, err)
		}
	}
	f.Release()
	if err := f.Verify(spans); err != nil {
		t.Errorf("after Release: %v", err)
	}
	// Whoever has the old file keeps it when a new one comes, or none.
	write(t, folder, []byte("new"))
	if err := Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := f.Verify(spans); err != nil {
		t.Errorf("the old file: %v", err)
	}
	if _, err := Open(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
}

// TestOneWriterAtATime: a second one is told so; what is not wanted any more or was
// given up leaves nothing.
func TestOneWriterAtATime(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	if err := Remove(folder); err != nil {
		t.Error(err)
	}
	w, err := Create(context.Background(), folder)
	if err != nil || w == nil {
		t.Fatal(w, err)
	}
	if second, err := Create(context.Background(), folder); err != nil || second != nil {
		t.Errorf("a second writer: %v, %v", second, err)
	}
	if f, err := w.Commit(1, func() bool { return false }); err != nil || f != nil {
		t.Errorf("unwanted, but %v, %v", f, err)
	}
	asked := 0
	if w, err = Create(context.Background(), folder); err != nil {
		t.Fatal(err)
	}
	if f, err := w.Commit(1, func() bool { asked++; return asked == 1 }); err != nil || f != nil {
		t.Errorf("unwanted at the last moment, but %v, %v", f, err)
	}
	if w, err = Create(context.Background(), folder); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	ctx, cancel := context.WithCancel(context.Background())
	if w, err = Create(ctx, folder); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := w.Put([]byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled writer: %v", err)
	}
	w.Abort()
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 || left[0].Name() != "lock" {
		t.Errorf("left: %v, %v", left, err)
	}
}

// FuzzOpen: any bytes are a file or refused.
func FuzzOpen(f *testing.F) {
	folder := f.TempDir()
	write(f, folder, []byte("array"), []byte("another"))
	seed, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := parse(b)
		if err != nil {
			if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		var spans []index.Span
		if file.Directory(&spans) == nil {
			_ = file.Verify(spans)
		}
	})
}
