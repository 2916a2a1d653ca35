// Package postgis is the catalogue's store in PostgreSQL with PostGIS: a plain,
// typed table per collection that psql, QGIS and ogr2ogr read and edit directly,
// with history on two clocks and a change feed in commit order.
//
// # What lies in the database
//
// In schema public, per collection, a table of its name: fid (bigint, the key
// that desktop tools want), id (text, unique; filled in when left out), geom
// (geometry in EPSG:4326, held by a CHECK instead of a type modifier so that 2D
// stays 2D and Z stays exact), one column per field (text, bigint, double
// precision, boolean, timestamptz, date, json), valid_from and valid_to, and two
// columns of ours: nagar_txn, the transaction that wrote the version, and
// nagar_hash, a hash of the content by which an unchanged feature is known
// without being read. A field whose name is taken, begins with nagar_ or is
// longer than 63 bytes has a numbered column; nagar.collections keeps the list.
//
// In schema nagar the system tables (schema.sql), and per collection a history
// table h_NAME: versions that were superseded or deleted (nagar_main, with
// nagar_txn_to, the transaction that ended them), and what is still held to be
// true of the past (nagar_txn_to null). The current version is in the table
// only, and the feed is no copy: it is an index on nagar_txn over both.
//
// # Order
//
// Every writing transaction, ours or anybody's, draws a number from
// nagar.txn_seq and tags its rows with it; the numbers name, they do not order.
// The order is made at commit: a deferred constraint trigger on nagar.commits
// runs once per transaction, takes an advisory lock that PostgreSQL releases only
// after the commit is visible, and draws the revision. So
//
//   - revisions are numbered in the order in which they become visible: who has
//     seen revision n will never see another appear at or below n;
//   - a transaction that is open for an hour, or idle, holds up nobody: the lock
//     spans the commit alone (two transactions that write the same feature wait
//     for each other, as always in PostgreSQL);
//   - a transaction rolled back leaves nothing; revisions may have gaps, where a
//     commit failed at its very last step.
//
// A serial column would not do: its numbers are drawn when a row is written, and
// a reader that has passed a number never sees the slow transaction that drew it.
// Recorded times grow with the revisions, whatever the clock does.
//
// # Edits from outside
//
// Row triggers give outside writes the same treatment by the rules at
// catalog.Op: an UPDATE that does not set valid_from means that it changed now.
// What the catalogue does not hold (another SRID or geometry type, NaN, an
// infinite time) is refused with a reason. One transaction is one revision,
// however often it touches a row; what it leaves as it was is no change. Our own
// transactions set nagar.own for themselves, which the triggers' WHEN sees.
//
// DDL is noticed by comparing the system catalogue with what is registered: on
// open, before a batch writes to a collection, and every third of a second while
// somebody waits. A new table with a geometry column becomes an internal
// collection, new columns become restricted fields, a table replaced by ogr2ogr
// -overwrite is compared with the old one row by row, and a table dropped for
// longer than a second is an empty one. The old rows come from a copy that an
// event trigger makes at the drop. Only a superuser may create event triggers:
// in a store that another role made, the last versions of a dropped table are
// lost, and its features' ends are not in the feed (a Defined entry is). Let
// Nagar own its tables under a role that departments do not have, and they cannot
// drop them. Tables that were in public before the store are left alone.
//
// # Concurrency and memory
//
// A Store may be used from many goroutines and processes at once. Apply holds
// one connection and a bounded chunk of its batch, besides some bytes per
// operation; Scan and Changes hold one connection, and a snapshot, while their
// callback runs. Indexes on space and on fields are built after a load, not during it: see
// index.go. A store restored from pg_dump is the same store.
package postgis
