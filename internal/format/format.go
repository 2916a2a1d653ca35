// Package format says what a decoder of a file format gives to ingest: records in
// chunks, in the order of the file, with bounded memory. Each format is a package
// of its own below this one.
package format

import (
	"fmt"
	"io"

	"nagar/catalog"
	"nagar/geo"
)

// Error says that a file cannot be read as its format, or breaks off.
type Error struct {
	Offset int64  // byte in the file (in the unpacked text of a packed one); -1 when the format has no such thing
	Reason string // for people, without the offset
}

func (e *Error) Error() string {
	if e.Offset < 0 {
		return e.Reason
	}
	return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason)
}

// Errorf returns an *Error.
func Errorf(offset int64, format string, args ...any) *Error {
	return &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// Field is one named value of a record as the source has it.
type Field struct {
	Name  string
	Value catalog.Value
	// Loose says that the source has no types: Value is text that may stand for a
	// number, a truth or a time (a CSV cell).
	Loose bool
}

// Record is one record of a source.
type Record struct {
	Index    int64  // its number in the file, from 1
	Line     int64  // its line in a text format, from 1; 0 where lines mean nothing
	ID       string // the source's own id, "" for none
	Geometry geo.Geometry
	Fields   []Field
	Extra    int // positions whose ordinates beyond the third were dropped

	// Err says why this record alone cannot be used; Raw then holds the beginning
	// of its text, when it has one.
	Err error
	Raw []byte
	// Fatal says that Err is the file's: it breaks off here.
	Fatal bool
}

// Reset empties r for reuse, keeping the memory of Fields.
func (r *Record) Reset() { *r = Record{Fields: r.Fields[:0]} }

// Chunk is some consecutive records, perhaps not yet decoded. Decode may be
// called again for the same record, and by one goroutine at a time.
type Chunk interface {
	Len() int
	Decode(i int, r *Record)
	// Release gives back the chunk's memory; records decoded from it stay good.
	Release()
}

// Surveyed is a Chunk that can decode a record's fields alone, faster: of the
// geometry only its type.
type Surveyed interface {
	Chunk
	DecodeFields(i int, r *Record)
}

// Column is a field that a format declares before its records.
type Column struct {
	Name string
	Type catalog.FieldType // "" when only the values tell
}

// Info is what is known of a source before its records are read.
type Info struct {
	// CRS is the coordinate reference system that the source declares, as
	// "EPSG:n" or WKT; "" when it declares none.
	CRS string
	// Columns are the declared fields; nil when the format declares none.
	Columns []Column
	// Geometry is the declared kind of geometry; "" when not declared.
	Geometry catalog.GeometryKind
	// ID is the column that Record.ID comes from, "" when it is no column.
	ID string
	// Notes are remarks for the user, such as which layer was taken.
	Notes []string
}

// Decoder reads one source.
type Decoder interface {
	Info() Info
	// Read returns the next chunk, or io.EOF after the last. Any other error is
	// final; *Error when the file is to blame.
	Read() (Chunk, error)
	// Position is how far the reading has come in the file, in bytes, for
	// progress; it may be called while Read runs.
	Position() int64
	io.Closer
}

// Limits of what a decoder holds at once.
const (
	ChunkRecords = 512     // records in a chunk
	ChunkBytes   = 1 << 20 // text in a chunk, unless one record is larger
	// MaxRecord is the most bytes of one record: a polygon of a million corners
	// fits. A larger one is rejected by itself where the format lets the reader
	// step over it.
	MaxRecord = 64 << 20
)

// Slice is a chunk of records that are decoded already.
type Slice []Record

// Len is the number of records.
func (s Slice) Len() int { return len(s) }

// Decode copies record i.
func (s Slice) Decode(i int, r *Record) {
	fields := append(r.Fields[:0], s[i].Fields...)
	*r = s[i]
	r.Fields = fields
}

// Release does nothing.
func (s Slice) Release() {}
