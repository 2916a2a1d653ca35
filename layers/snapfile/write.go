package snapfile

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cespare/xxhash/v2"

	"nagar/layers/index"
)

// Files are written at no more than this many bytes a second, synced all along, so
// that the store's own syncs never wait for all of one.
const (
	pace  = 100 << 20
	chunk = 4 << 20
)

// Writer writes one snapshot file. It is used by one goroutine.
type Writer struct {
	ctx    context.Context
	folder string
	lock   *os.File
	file   *os.File
	at     int64
	synced int64
	start  time.Time
}

// Create begins a snapshot file in a folder, which is made where it is not there.
// It returns nil when another process is writing one. Commit or Abort it.
func Create(ctx context.Context, folder string) (*Writer, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder of snapshot files: %w", err)
	}
	held, ok, err := lock(filepath.Join(folder, "lock"))
	if err != nil || !ok {
		return nil, wrap("lock the folder of snapshot files", err)
	}
	w := &Writer{ctx: ctx, folder: folder, lock: held, start: time.Now()}
	// What a writer left that was killed is in the way of nobody else: we have the lock.
	if err := os.Remove(w.path(temporary)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(wrap("remove what was left", err), held.Close())
	}
	if w.file, err = os.OpenFile(w.path(temporary), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
		return nil, errors.Join(wrap("create snapshot file", err), held.Close())
	}
	w.at = headerLen
	return w, nil
}

// temporary is the name of a file that is being written.
const temporary = name + ".new"

func (w *Writer) path(file string) string { return filepath.Join(w.folder, file) }

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Put writes an array and returns where it lies. It ends with the context's error.
func (w *Writer) Put(b []byte) (index.Span, error) {
	w.at = (w.at + alignment - 1) / alignment * alignment
	s := index.Span{At: w.at, Len: int64(len(b)), Sum: xxhash.Sum64(b)}
	for len(b) > 0 {
		n := min(len(b), chunk)
		if _, err := w.file.WriteAt(b[:n], w.at); err != nil {
			return s, wrap("write snapshot file", err)
		}
		b = b[n:]
		w.at += int64(n)
		if err := w.slow(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// slow syncs now and then, and waits where the writing is ahead of its pace.
func (w *Writer) slow() error {
	if w.at-w.synced < 4*chunk {
		return w.ctx.Err()
	}
	w.synced = w.at
	if err := w.file.Sync(); err != nil {
		return wrap("sync snapshot file", err)
	}
	due := w.start.Add(time.Duration(w.at) * time.Second / pace)
	t := time.NewTimer(time.Until(due))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// Len is the number of bytes written.
func (w *Writer) Len() int64 { return w.at }

// Commit ends the file with its directory, written as JSON, and gives it its name.
// last is asked at the last moment whether that is still wanted; where it is not,
// the file is removed and Commit returns nil, else it returns what was written.
func (w *Writer) Commit(directory any, last func() bool) (*File, error) {
	defer w.Abort()
	dir, err := json.Marshal(directory)
	if err != nil {
		return nil, wrap("directory of the snapshot file", err)
	}
	span, err := w.Put(dir)
	if err != nil {
		return nil, err
	}
	if err := w.file.Truncate(span.At + span.Len); err != nil {
		return nil, wrap("write snapshot file", err)
	}
	var h [headerLen]byte
	copy(h[:], magic)
	binary.LittleEndian.PutUint32(h[8:], Version)
	binary.LittleEndian.PutUint64(h[16:], uint64(span.At))
	binary.LittleEndian.PutUint64(h[24:], uint64(span.Len))
	binary.LittleEndian.PutUint64(h[32:], span.Sum)
	binary.LittleEndian.PutUint64(h[40:], uint64(span.At+span.Len))
	binary.LittleEndian.PutUint64(h[48:], xxhash.Sum64(h[:48]))
	if _, err := w.file.WriteAt(h[:], 0); err != nil {
		return nil, wrap("write snapshot file", err)
	}
	if err := w.file.Sync(); err != nil {
		return nil, wrap("sync snapshot file", err)
	}
	if !last() {
		return nil, nil
	}
	if err := os.Rename(w.path(temporary), w.path(name)); err != nil {
		return nil, wrap("name the snapshot file", err)
	}
	if !last() { // it was unwanted before it had its name, and could not be removed by it
		if err := os.Remove(w.path(name)); !errors.Is(err, fs.ErrNotExist) {
			return nil, wrap("remove snapshot file", err)
		}
		return nil, nil
	}
	if err := syncFolder(w.folder); err != nil {
		return nil, err
	}
	return open(w.file)
}

// Abort removes what was written and gives the lock back. After Commit it does nothing.
func (w *Writer) Abort() {
	if w.file == nil {
		return
	}
	_ = w.file.Close()
	w.file = nil
	_ = os.Remove(w.path(temporary))
	_ = w.lock.Close() // and with it the lock
}

// Remove removes the snapshot file of a folder, where there is one, and what a
// writer left that was killed.
func Remove(folder string) error {
	held, ok, err := lock(filepath.Join(folder, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no folder, no files
	}
	if err != nil {
		return wrap("lock the folder of snapshot files", err)
	}
	names := []string{name}
	if ok {
		defer held.Close()
		names = append(names, temporary)
	}
	for _, n := range names {
		if err := os.Remove(filepath.Join(folder, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return wrap("remove snapshot file", err)
		}
	}
	return syncFolder(folder)
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return wrap("sync the folder of snapshot files", err)
	}
	defer d.Close()
	return wrap("sync the folder of snapshot files", d.Sync())
}
