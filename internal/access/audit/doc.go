// Package audit keeps the log of who read or changed which restricted or personal
// datum, when and why: what was done, and never a value that was read.
//
// # What it guarantees
//
// Entries are only ever appended. Append returns once its entries are durable, in
// one order over all processes that share the store, each entry naming the hash of
// the one before; so an answer that waits for Append is never shown without its
// entry, whatever becomes of the process after. What waits at the same time shares
// one transaction. Where the log cannot be written, Append fails, and the caller
// must show nothing.
//
// Verify finds every entry that was changed, taken out or put in, and names the
// first. What was cut off at the end is found by the head, a record of the latest
// entry that each server keeps outside the database (see Head). Who can write the
// database and every head, and holds the key of the heads, can still forge all of
// it: a head that was printed and kept elsewhere shows that too.
//
// # An entry, byte by byte
//
// The hash of an entry is SHA-256 over these bytes, which are also what is stored.
// Integers are big endian. A text is its length in bytes as uint32, then its UTF-8
// bytes; a list is its length as uint32, then its texts.
//
//	1   version of this format: 1
//	8   seq, int64: 1 for the first entry, then one more each
//	8   time, int64: microseconds since 1970-01-01T00:00:00Z, never before the last entry's
//	32  hash of the entry before; zeros for the first
//	    texts: action, kind, account, name, department, purpose, session, address, collection, detail
//	    lists: roles, fields, ids, requests
//	8   count, int64: features
//	1   1 when a box follows, else 0
//	32  west, south, east, north: IEEE 754 doubles, degrees (WGS 84)
//
// The columns beside it in the table repeat some of this for searching; Verify
// compares them.
package audit
