package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/klauspost/compress/gzip"
)

// entry is a line of a directory: run tiles from id on have the content at
// offset of the tile data; or, with run 0, the directory at offset of the leaf
// directories tells of the tiles from id on (spec section 4).
type entry struct {
	id     uint64
	offset uint64
	length uint32
	run    uint32
}

// appendDirectory encodes entries, which ascend by id (spec section 4.2).
func appendDirectory(b []byte, entries []entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(entries)))
	last := uint64(0)
	for i := range entries {
		b = binary.AppendUvarint(b, entries[i].id-last)
		last = entries[i].id
	}
	for i := range entries {
		b = binary.AppendUvarint(b, uint64(entries[i].run))
	}
	for i := range entries {
		b = binary.AppendUvarint(b, uint64(entries[i].length))
	}
	for i := range entries {
		e := &entries[i]
		if i > 0 && e.offset == entries[i-1].offset+uint64(entries[i-1].length) {
			b = append(b, 0) // follows the one before
		} else {
			b = binary.AppendUvarint(b, e.offset+1)
		}
	}
	return b
}

var errShortDirectory = errors.New("a directory is cut short")

// parseDirectory decodes a directory and checks that its entries ascend, do not
// overlap, and lie within the sections they point into.
func parseDirectory(b []byte, h *Header) ([]entry, error) {
	next := func() (uint64, error) {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, errShortDirectory
		}
		b = b[n:]
		return v, nil
	}
	count, err := next()
	if err != nil {
		return nil, err
	}
	if count > uint64(len(b))/4 { // an entry has four numbers of a byte at least
		return nil, errShortDirectory
	}
	entries := make([]entry, count)
	id := uint64(0)
	for i := range entries {
		v, err := next()
		if err != nil {
			return nil, err
		}
		if i > 0 && v == 0 || v >= firstOf(maxZoom+1)-id {
			return nil, fmt.Errorf("entry %d of a directory: tile ids do not ascend", i)
		}
		id += v
		entries[i].id = id
	}
	for i := range entries {
		if entries[i].run, err = narrow(next()); err != nil {
			return nil, err
		}
		if e := &entries[i]; i+1 < len(entries) && uint64(e.run) > entries[i+1].id-e.id {
			return nil, fmt.Errorf("entry %d of a directory runs into the next", i)
		}
	}
	for i := range entries {
		if entries[i].length, err = narrow(next()); err != nil {
			return nil, err
		}
	}
	for i := range entries {
		if err := readOffset(entries, i, h, next); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func readOffset(entries []entry, i int, h *Header, next func() (uint64, error)) error {
	v, err := next()
	if err != nil {
		return err
	}
	e, into := &entries[i], h.tiles
	if e.run == 0 {
		into = h.leaves
	}
	switch {
	case v > 0:
		e.offset = v - 1
	case i > 0:
		e.offset = entries[i-1].offset + uint64(entries[i-1].length)
	default:
		return errors.New("the first entry of a directory follows nothing")
	}
	if end := e.offset + uint64(e.length); e.length == 0 || end < e.offset || end > into.length {
		return fmt.Errorf("entry %d of a directory points beyond its section", i)
	}
	return nil
}

func narrow(v uint64, err error) (uint32, error) {
	if err == nil && v > math.MaxUint32 {
		err = errors.New("a number in a directory is too large")
	}
	return uint32(v), err
}

// find returns the entry that tells of the tile.
func find(entries []entry, id uint64) (entry, bool) {
	i, exact := slices.BinarySearchFunc(entries, id, func(e entry, id uint64) int {
		switch {
		case e.id < id:
			return -1
		case e.id > id:
			return 1
		}
		return 0
	})
	if !exact {
		if i == 0 {
			return entry{}, false
		}
		i--
	}
	e := entries[i]
	return e, e.run == 0 || id-e.id < uint64(e.run)
}

// squeeze packs as directories and metadata are packed.
func squeeze(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unsqueeze undoes a compression, up to limit bytes.
func unsqueeze(b []byte, c Compression, limit int64) ([]byte, error) {
	if c != Gzip {
		return b, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(out)) > limit {
		err = fmt.Errorf("more than %d bytes when unpacked", limit)
	}
	return out, err
}

// leafEntries is how many entries a leaf directory has at least: about 20 kB, one
// request of a reader far away.
const leafEntries = 4096

// directories packs all entries: a root of at most limit bytes and, where they do
// not fit into it, leaf directories that it points to.
func directories(entries []entry, limit int) (root, leaves []byte, err error) {
	if len(entries) <= 4*leafEntries {
		if root, err = squeeze(appendDirectory(nil, entries)); err != nil || len(root) <= limit {
			return root, nil, err
		}
	}
	for size := leafEntries; ; size += size / 4 {
		var top []entry
		leaves = leaves[:0]
		for part := range slices.Chunk(entries, size) {
			leaf, err := squeeze(appendDirectory(nil, part))
			if err != nil {
				return nil, nil, err
			}
			top = append(top, entry{id: part[0].id, offset: uint64(len(leaves)), length: uint32(len(leaf))})
			leaves = append(leaves, leaf...)
		}
		if root, err = squeeze(appendDirectory(nil, top)); err != nil || len(root) <= limit {
			return root, leaves, err
		}
	}
}
