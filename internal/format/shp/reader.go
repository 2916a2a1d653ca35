// Package shp reads ESRI shapefiles (ESRI Shapefile Technical Description, 1998):
// .shp with .dbf, .prj and .cpg beside it, or all of them in a zip archive. (No
// maintained library was to be had; see the format's description for the bytes.)
package shp

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"nagar/catalog"
	"nagar/internal/format"
)

// files opens the parts of one shapefile: by extension, lower case with its dot.
// A part that is not there is fs.ErrNotExist.
type files interface {
	open(ext string) (io.ReadCloser, error)
	io.Closer
}

// Reader reads one shapefile. It implements format.Decoder.
type Reader struct {
	files  files
	shp    io.ReadCloser
	in     *bufio.Reader
	dbf    *table // nil without a .dbf
	info   format.Info
	index  int64
	offset int64 // in the .shp
	end    int64 // of the .shp, as its header says
	pos    atomic.Int64
}

// Open opens a .shp or a zip archive with one; name picks one of several in an
// archive by its name without extension.
func Open(path, name string) (*Reader, error) {
	fs, note, err := find(path, name)
	if err != nil {
		return nil, err
	}
	r := &Reader{files: fs}
	if note != "" {
		r.info.Notes = append(r.info.Notes, note)
	}
	if err := r.open(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func find(path, name string) (files, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	head := make([]byte, 4)
	n, _ := io.ReadFull(f, head)
	switch {
	case n == 0:
		return nil, "", format.Errorf(0, "the file is empty")
	case string(head[:n]) == "PK\x03\x04":
		return findInZip(path, name)
	}
	return folder(path), "", nil
}

// folder opens siblings of a .shp, whatever the case of their extensions.
type folder string

func (p folder) open(ext string) (io.ReadCloser, error) {
	if ext == ".shp" {
		return os.Open(string(p))
	}
	base := strings.TrimSuffix(filepath.Base(string(p)), filepath.Ext(string(p)))
	entries, err := os.ReadDir(filepath.Dir(string(p)))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name(), base+ext) {
			return os.Open(filepath.Join(filepath.Dir(string(p)), e.Name()))
		}
	}
	return nil, os.ErrNotExist
}

func (p folder) Close() error { return nil }

type archive struct {
	*zip.ReadCloser
	base string // path inside the archive, without extension
}

func findInZip(path, name string) (files, string, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, "", format.Errorf(0, "zip: %v", err)
	}
	var found []string
	for _, f := range z.File {
		base, ext := strings.TrimSuffix(f.Name, filepath.Ext(f.Name)), filepath.Ext(f.Name)
		if strings.EqualFold(ext, ".shp") && !strings.HasPrefix(filepath.Base(base), "._") && (name == "" || filepath.Base(base) == name) {
			found = append(found, base)
		}
	}
	switch {
	case len(found) == 1:
		return &archive{z, found[0]}, "", nil
	case len(found) == 0 && name != "":
		err = format.Errorf(-1, "the archive has no shapefile %q", name)
	case len(found) == 0:
		err = format.Errorf(-1, "the archive holds no .shp file")
	default:
		err = format.Errorf(-1, "the archive holds %d shapefiles (%s, %s, ...): name one with --layer", len(found), filepath.Base(found[0]), filepath.Base(found[1]))
	}
	z.Close()
	return nil, "", err
}

func (a *archive) open(ext string) (io.ReadCloser, error) {
	for _, f := range a.File {
		if strings.EqualFold(f.Name, a.base+ext) {
			return f.Open()
		}
	}
	return nil, os.ErrNotExist
}

const headerLen = 100

func (r *Reader) open() error {
	var err error
	if r.shp, err = r.files.open(".shp"); err != nil {
		return err
	}
	r.in = bufio.NewReaderSize(r.shp, 1<<17)
	head := make([]byte, headerLen)
	if n, err := io.ReadFull(r.in, head); err != nil {
		if n >= 4 && binary.BigEndian.Uint32(head) == 9994 {
			return format.Errorf(int64(n), "the .shp breaks off inside its header")
		}
		return format.Errorf(0, "the file is no shapefile")
	}
	if binary.BigEndian.Uint32(head) != 9994 || binary.LittleEndian.Uint32(head[28:]) != 1000 {
		return format.Errorf(0, "the file is no shapefile")
	}
	r.offset = headerLen
	r.end = int64(binary.BigEndian.Uint32(head[24:])) * 2
	r.info.Geometry = kindOf(binary.LittleEndian.Uint32(head[32:]))
	if r.info.CRS, err = r.smallFile(".prj"); err != nil {
		return err
	}
	if r.info.CRS == "" {
		r.info.Notes = append(r.info.Notes, "the shapefile has no .prj: coordinates are taken as longitude and latitude unless --crs says otherwise")
	}
	dbf, err := r.files.open(".dbf")
	if errors.Is(err, os.ErrNotExist) {
		r.info.Notes = append(r.info.Notes, "the shapefile has no .dbf: its features have no fields")
		return nil
	}
	if err != nil {
		return err
	}
	codepage, err := r.smallFile(".cpg")
	if err != nil {
		dbf.Close()
		return err
	}
	if r.dbf, err = newTable(dbf, codepage); err != nil {
		dbf.Close()
		return err
	}
	r.info.Columns = r.dbf.columns()
	return nil
}

func kindOf(shapeType uint32) catalog.GeometryKind {
	switch shapeType % 10 {
	case 1, 8:
		return catalog.GeometryPoint
	case 3:
		return catalog.GeometryLine
	case 5:
		return catalog.GeometryPolygon
	}
	return ""
}

// smallFile is the text of a part that may be missing.
func (r *Reader) smallFile(ext string) (string, error) {
	f, err := r.files.open(ext)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<16))
	return strings.TrimSpace(strings.TrimPrefix(string(b), "\xef\xbb\xbf")), err
}

// Info tells the columns and the CRS.
func (r *Reader) Info() format.Info { return r.info }

// Position is how far the .shp has been read.
func (r *Reader) Position() int64 { return r.pos.Load() }

// Close closes all parts.
func (r *Reader) Close() error {
	if r.dbf != nil {
		r.dbf.in.Close()
	}
	if r.shp != nil {
		r.shp.Close()
	}
	return r.files.Close()
}

// Read returns the next features.
func (r *Reader) Read() (format.Chunk, error) {
	var out format.Slice
	from := r.offset
	for len(out) < format.ChunkRecords && r.offset-from < format.ChunkBytes {
		rec := format.Record{Index: r.index + 1}
		deleted, err := r.next(&rec)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return append(out, format.Record{Index: r.index + 1, Err: err, Fatal: true}), nil
		}
		r.index++
		if !deleted {
			out = append(out, rec)
		}
	}
	r.pos.Store(r.offset)
	if len(out) == 0 {
		return nil, io.EOF
	}
	return out, nil
}

// next reads one record of the .shp and its row of the .dbf.
func (r *Reader) next(rec *format.Record) (deleted bool, err error) {
	if r.offset >= r.end {
		return false, io.EOF
	}
	var head [8]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return false, r.breaksOff(err)
	}
	size := int64(binary.BigEndian.Uint32(head[4:])) * 2
	at := r.offset
	r.offset += 8
	if size < 4 || r.offset+size > r.end {
		return false, format.Errorf(at, "the .shp says that record %d has %d bytes, more than the file or fewer than a shape", r.index+1, size)
	}
	if size > format.MaxRecord {
		if _, err := io.CopyN(io.Discard, r.in, size); err != nil {
			return false, r.breaksOff(err)
		}
		rec.Err = fmt.Errorf("the shape is larger than %d MB", format.MaxRecord>>20)
	} else {
		b := make([]byte, size)
		if _, err := io.ReadFull(r.in, b); err != nil {
			return false, r.breaksOff(err)
		}
		if rec.Geometry, err = decodeShape(b); err != nil {
			rec.Err = err
		}
	}
	r.offset += size
	if r.dbf == nil {
		return false, nil
	}
	return r.dbf.row(rec)
}

func (r *Reader) breaksOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return format.Errorf(r.offset, "the .shp breaks off in record %d", r.index+1)
	}
	return format.Errorf(r.offset, "%v", err)
}
