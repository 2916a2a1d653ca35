package snapfile

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/sync/errgroup"

	"nagar/layers/index"
)

// Version is the version of the format, see the package. It must grow with every
// change of what lies in a file or of what it means.
const Version = 2

const (
	magic     = "NAGARIDX"
	headerLen = 64
	alignment = 64
	maxDir    = 64 << 20
)

var (
	// ErrBroken is wrapped where a file is cut short, damaged, or no such file.
	ErrBroken = errors.New("snapshot file is broken")
	// ErrVersion is wrapped where a file was written by another version of Nagar.
	ErrVersion = errors.New("snapshot file is of another version")
)

// name is that of the file within its folder.
const name = "index"

// linger is how long memory stays mapped after its File was found to be garbage:
// longer than any request that may still hold a string of it.
const linger = 10 * time.Minute

// File is an open snapshot file; it never changes.
type File struct {
	data []byte
	dir  []byte
}

// Open maps the snapshot file of a folder and checks its header and directory;
// fs.ErrNotExist is wrapped where there is none.
func Open(folder string) (*File, error) {
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return nil, fmt.Errorf("open snapshot file: %w", err)
	}
	defer f.Close()
	return open(f)
}

func open(file *os.File) (*File, error) {
	data, release, err := mapFile(file)
	if err != nil {
		return nil, fmt.Errorf("open snapshot file: %w", err)
	}
	f, err := parse(data)
	if err != nil {
		release()
		return nil, err
	}
	runtime.AddCleanup(f, func(release func()) { time.AfterFunc(linger, release) }, release)
	return f, nil
}

// parse checks header, directory and the arrays that it names.
func parse(data []byte) (*File, error) {
	if len(data) < headerLen || string(data[:8]) != magic {
		return nil, fmt.Errorf("%w: it has no header", ErrBroken)
	}
	if xxhash.Sum64(data[:48]) != binary.LittleEndian.Uint64(data[48:]) {
		return nil, fmt.Errorf("%w: its header is damaged", ErrBroken)
	}
	if v := binary.LittleEndian.Uint32(data[8:]); v != Version {
		return nil, fmt.Errorf("%w: %d, not %d", ErrVersion, v, Version)
	}
	at, n, size := binary.LittleEndian.Uint64(data[16:]), binary.LittleEndian.Uint64(data[24:]), binary.LittleEndian.Uint64(data[40:])
	if size != uint64(len(data)) || n > maxDir || at > size || at+n != size {
		return nil, fmt.Errorf("%w: it has %d bytes of %d", ErrBroken, len(data), size)
	}
	f := &File{data: data, dir: data[at:]}
	if xxhash.Sum64(f.dir) != binary.LittleEndian.Uint64(data[32:]) {
		return nil, fmt.Errorf("%w: its directory is damaged", ErrBroken)
	}
	return f, nil
}

// Len is the length of the file in bytes.
func (f *File) Len() int64 { return int64(len(f.data)) }

// Directory decodes the directory into v.
func (f *File) Directory(v any) error {
	if err := json.Unmarshal(f.dir, v); err != nil {
		return fmt.Errorf("%w: directory: %w", ErrBroken, err)
	}
	return nil
}

// Bytes is the array of a span. It is not to be changed, and stays as long as f.
func (f *File) Bytes(s index.Span) ([]byte, error) {
	if s.At < headerLen || s.Len < 0 || s.At > int64(len(f.data)-len(f.dir)) || s.Len > int64(len(f.data)-len(f.dir))-s.At {
		return nil, fmt.Errorf("%w: an array of %d bytes at %d", ErrBroken, s.Len, s.At)
	}
	return f.data[s.At : s.At+s.Len : s.At+s.Len], nil
}

// Verify checks the arrays of the spans, on all processors.
func (f *File) Verify(spans []index.Span) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range spans {
		if s.Len == 0 {
			continue
		}
		b, err := f.Bytes(s)
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		g.Go(func() error {
			if xxhash.Sum64(b) != s.Sum {
				return fmt.Errorf("%w: the array at %d is damaged", ErrBroken, s.At)
			}
			return nil
		})
	}
	return g.Wait()
}

// Release gives the memory back that reading the file has filled; what is asked for
// again is read again, from the system's cache most often.
func (f *File) Release() { release(f.data) }
