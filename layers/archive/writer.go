package archive

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"nagar/geo"
)

// writer lays tiles into a file in the order of their ids: room for header and
// root directory first, then tile data as it comes, the leaf directories and the
// metadata; header and root at last.
type writer struct {
	f       io.WriteSeeker
	at      uint64 // bytes of tile data so far
	entries []entry
	kept    map[[16]byte]section // contents that may come again
	stats   Stats
}

// maxKept bounds the contents that are looked for again: about 100 MB.
const maxKept = 1 << 20

func newWriter(f io.WriteSeeker) (*writer, error) {
	if _, err := f.Seek(rootEnd, io.SeekStart); err != nil {
		return nil, err
	}
	return &writer{f: f, kept: map[[16]byte]section{}}, nil
}

// add writes a tile, whose id is higher than that of the one before.
func (w *writer) add(id uint64, data []byte) error {
	whole := sha256.Sum256(data)
	sum := [16]byte(whole[:16])
	at, again := w.kept[sum]
	if !again {
		if _, err := w.f.Write(data); err != nil {
			return err
		}
		at = section{w.at, uint64(len(data))}
		w.at += at.length
		w.stats.Contents++
		if len(w.kept) < maxKept {
			w.kept[sum] = at
		}
	}
	w.stats.Tiles++
	if n := len(w.entries); n > 0 {
		if last := &w.entries[n-1]; last.offset == at.offset && id == last.id+uint64(last.run) {
			last.run++
			return nil
		}
	}
	w.entries = append(w.entries, entry{id: id, offset: at.offset, length: uint32(at.length), run: 1})
	return nil
}

// finish writes what describes the tiles. The header's places and counts are
// filled in here.
func (w *writer) finish(h Header, metadata map[string]any) (Stats, error) {
	if len(w.entries) == 0 {
		return w.stats, errors.New("there is nothing to draw")
	}
	root, leaves, err := directories(w.entries, rootEnd-headerSize)
	if err != nil {
		return w.stats, fmt.Errorf("directories: %w", err)
	}
	text, err := json.Marshal(metadata) // keys in order: the same bytes each time
	if err != nil {
		return w.stats, fmt.Errorf("metadata: %w", err)
	}
	if text, err = squeeze(text); err != nil {
		return w.stats, fmt.Errorf("metadata: %w", err)
	}
	h.root = section{headerSize, uint64(len(root))}
	h.tiles = section{rootEnd, w.at}
	h.leaves = section{rootEnd + w.at, uint64(len(leaves))}
	h.metadata = section{h.leaves.offset + h.leaves.length, uint64(len(text))}
	h.internal, h.Clustered = Gzip, true
	h.Addressed, h.Entries, h.Contents = uint64(w.stats.Tiles), uint64(len(w.entries)), uint64(w.stats.Contents)
	h.MinZoom, h.MaxZoom = tileOf(w.entries[0].id).Z, tileOf(w.entries[len(w.entries)-1].id).Z
	h.Center[2] = min(max(h.Center[2], float64(h.MinZoom)), float64(h.MaxZoom))
	if h.Bounds.W == h.Bounds.E || h.Bounds.S == h.Bounds.N { // readers want an area
		h.Bounds = geo.Box{W: max(h.Bounds.W-1e-5, -180), S: max(h.Bounds.S-1e-5, -90), E: min(h.Bounds.E+1e-5, 180), N: min(h.Bounds.N+1e-5, 90)}
	}
	if _, err := w.f.Write(slices.Concat(leaves, text)); err != nil {
		return w.stats, err
	}
	w.stats.Bytes = int64(h.metadata.offset + h.metadata.length)
	if _, err := w.f.Seek(0, io.SeekStart); err != nil {
		return w.stats, err
	}
	head := append(h.append(make([]byte, 0, rootEnd)), root...)
	_, err = w.f.Write(head[:rootEnd]) // what is over is zero
	return w.stats, err
}
