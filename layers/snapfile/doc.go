// Package snapfile is the file in which the engine keeps its index between two
// runs: arrays as they are in memory, to be mapped and used where they lie.
//
// # Layout
//
// Numbers are little-endian. A file is
//
//	offset  bytes
//	0       8     "NAGARIDX"
//	8       4     version of the format, Version
//	12      4     zero
//	16      8     offset of the directory
//	24      8     length of the directory
//	32      8     checksum of the directory
//	40      8     length of the file
//	48      8     checksum of bytes 0 to 47
//	56      8     zero
//	64      ...   arrays, each at a multiple of 64, zeros between
//	...     ...   the directory, to the end of the file
//
// Checksums are xxHash64 with seed 0. The directory is JSON; it belongs to the
// caller (package layers) and names the arrays by index.Span: offset, length and
// checksum of each. Version stands for all of it: header, directory, the arrays of
// index.StoredSegment, and how features become arrays (projection, key, order).
//
// # Guarantees
//
// Open checks header and directory, Verify the arrays; what differs is an
// error that wraps ErrBroken, or ErrVersion. A file is never changed once it
// has its name: it is written beside under another, synced, and moved over the old
// one. So it may be mapped by any number of processes, and whoever has the old one
// mapped keeps it. One process at a time writes (a lock on the file "lock"); the
// lock ends with the process. Only the owner of the folder may read it (0600).
//
// The memory of a File stays until nothing refers to the File, and some while
// longer (see linger), since strings cut out of it do not keep it.
package snapfile
