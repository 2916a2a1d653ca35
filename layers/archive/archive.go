package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"nagar/geo"
)

// Bounds of what an archive may make us hold, bytes.
const (
	maxDirectory = 8 << 20 // of one directory, packed or not
	maxMetadata  = 16 << 20
	maxTile      = 64 << 20
	maxDepth     = 4       // directories on the way to a tile, the root included
	keptEntries  = 1 << 20 // of leaf directories held ready, per archive: 24 MB
)

// Archive is an open archive. Its methods are safe for concurrent use.
type Archive struct {
	Header
	metadata map[string]json.RawMessage
	root     []entry

	open   sync.RWMutex // held for reading while the file is read
	file   io.ReaderAt
	closer io.Closer // nil: closed

	mu     sync.Mutex
	leaves map[uint64][]entry // by offset
	recent []uint64           // offsets in leaves, the first read first
	held   int                // entries in leaves
}

// Open opens an archive and checks what describes it: an error says what is wrong.
func Open(path string) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	var a *Archive
	if err == nil {
		a, err = read(f, info.Size())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	a.closer = f
	return a, nil
}

// read reads header, root directory and metadata of a file of size bytes.
func read(f io.ReaderAt, size int64) (*Archive, error) {
	b := make([]byte, min(headerSize, size))
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	h, err := parseHeader(b, size)
	if err != nil {
		return nil, err
	}
	a := &Archive{Header: *h, file: f, leaves: map[uint64][]entry{}}
	if a.root, err = a.directory(h.root); err != nil {
		return nil, fmt.Errorf("root directory: %w", err)
	}
	text, err := a.bytes(h.metadata, maxMetadata)
	if err == nil && len(text) > 0 {
		if text, err = unsqueeze(text, h.internal, maxMetadata); err == nil {
			err = json.Unmarshal(text, &a.metadata)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return a, nil
}

// Close closes the file once nobody reads from it. Tile then says fs.ErrClosed.
func (a *Archive) Close() error {
	a.open.Lock()
	defer a.open.Unlock()
	if a.closer == nil {
		return nil
	}
	err := a.closer.Close()
	a.file, a.closer = nil, nil
	return err
}

// Metadata is a member of the metadata (spec section 5), nil when there is none
// of that name.
func (a *Archive) Metadata(name string) json.RawMessage { return a.metadata[name] }

// Tile returns the content of a tile as it is kept, in TileCompression; false
// when the archive has no such tile.
func (a *Archive) Tile(t geo.Tile) ([]byte, bool, error) {
	if t.Z < a.MinZoom || t.Z > a.MaxZoom {
		return nil, false, nil
	}
	a.open.RLock()
	defer a.open.RUnlock()
	if a.file == nil {
		return nil, false, fs.ErrClosed
	}
	id, entries := idOf(t), a.root
	for range maxDepth {
		e, ok := find(entries, id)
		if !ok {
			return nil, false, nil
		}
		if e.run > 0 {
			data, err := a.bytes(section{a.tiles.offset + e.offset, uint64(e.length)}, maxTile)
			if err != nil {
				return nil, false, fmt.Errorf("tile %s: %w", t, err)
			}
			return data, true, nil
		}
		var err error
		if entries, err = a.leaf(e); err != nil {
			return nil, false, fmt.Errorf("tile %s: leaf directory: %w", t, err)
		}
	}
	return nil, false, fmt.Errorf("tile %s: more than %d directories on the way", t, maxDepth)
}

// Plain undoes the compression of a tile, where it is one that can be undone here.
func (a *Archive) Plain(data []byte) ([]byte, error) {
	switch a.TileCompression {
	case Gzip:
		return unsqueeze(data, Gzip, maxTile)
	case UnknownCompression, Plain:
		return data, nil
	}
	return nil, fmt.Errorf("compression %d is not undone here", a.TileCompression)
}

// leaf reads a leaf directory, or finds it among those read before.
func (a *Archive) leaf(e entry) ([]entry, error) {
	a.mu.Lock()
	entries, ok := a.leaves[e.offset]
	a.mu.Unlock()
	if ok {
		return entries, nil
	}
	entries, err := a.directory(section{a.Header.leaves.offset + e.offset, uint64(e.length)})
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.leaves[e.offset]; ok {
		return entries, nil
	}
	for a.held += len(entries); a.held > keptEntries && len(a.recent) > 0; {
		a.held -= len(a.leaves[a.recent[0]])
		delete(a.leaves, a.recent[0])
		a.recent = append(a.recent[:0], a.recent[1:]...)
	}
	a.leaves[e.offset] = entries
	a.recent = append(a.recent, e.offset)
	return entries, nil
}

func (a *Archive) directory(s section) ([]entry, error) {
	b, err := a.bytes(s, maxDirectory)
	if err != nil {
		return nil, err
	}
	if b, err = unsqueeze(b, a.internal, maxDirectory); err != nil {
		return nil, err
	}
	return parseDirectory(b, &a.Header)
}

// bytes reads a section that lies within the file.
func (a *Archive) bytes(s section, limit uint64) ([]byte, error) {
	if s.length > limit {
		return nil, fmt.Errorf("%d bytes: more than %d", s.length, limit)
	}
	b := make([]byte, s.length)
	if n, err := a.file.ReadAt(b, int64(s.offset)); uint64(n) < s.length {
		return nil, fmt.Errorf("read %d bytes at %d: %w", s.length, s.offset, err)
	}
	return b, nil
}
