// Package gpkg keeps a city in one GeoPackage file: a catalog.Store that QGIS,
// ogrinfo and any SQLite tool open, and may edit, with no knowledge of us.
//
// # What others see
//
// The file is an OGC GeoPackage 1.3 (12-128r18). Every collection is one table of
// its own name: fid, geom (a GeoPackage blob in EPSG:4326 with an XY envelope; a
// point has none), id (the feature's id, unique), one typed column per field, and
// valid_from and valid_to (DATETIME in UTC, null for no known bound). A field
// whose name clashes with one of these or, without regard to case, with another
// field's gets a number behind its column's name; a field nagar_x gets the column
// f_nagar_x. Time is DATETIME, a day is DATE, JSON is TEXT. gpkg_contents tells
// the box that holds the layer and when it changed; the declared geometry type
// narrows to what is stored.
//
// # What is ours
//
// Three more columns of each table, nagar_rev (the revision of the row's version;
// null: the row is no feature, see below), nagar_hash (64 bits of SHA-256 over
// the content, by which a second identical load is known to change nothing) and
// nagar_cell (the spatial key, see cell.go), and the tables prefixed nagar_, which
// the standard's tables do not list:
//
//   - nagar_state, one row: whether the store itself is writing (own), SQLite's
//     schema counter as the store last saw it, a counter of descriptions;
//   - nagar_migrations: the version of all this, and when each was reached;
//   - nagar_revs: every revision's time (µs since 1970), author and reason, and
//     the collections it touched ("+name" where it defined one);
//   - nagar_keys: the idempotency keys and what their batches did;
//   - nagar_collections and nagar_columns: descriptions (JSON), and which table
//     and columns hold them;
//   - nagar_history_N: the past versions of collection N, see below;
//   - nagar_scrubs: what was erased, and by which revision;
//   - nagar_journal: rows that other programs touched since the last drain;
//   - nagar_faults: rows that break the catalogue's rules, and how.
//
// The indexes on the spatial key (nagar_cell_N) and on fields (nagar_field_N_M, of
// what is past ..._past) are made when they are first searched by: see find.go.
//
// # Two clocks
//
// A row of the history holds a version that a later one superseded: recorded by
// nagar_rev, superseded by nagar_rev_to, valid in [valid_from, valid_to) as long
// as it was held; and, where nagar_end is not null, held from nagar_rev_to on to
// have been valid in [valid_from, min(valid_to, nagar_end)). So one row is up to
// two rectangles on the two clocks, and an update copies a feature once. Nothing
// but an erasure, which blanks it, ever changes such a row. The change feed is
// the indexes on nagar_rev and nagar_rev_to of both tables, not a second copy.
//
// # Edits by other programs
//
// Triggers in plain SQL note them: on the first touch of a row they copy its old
// content to the history with nagar_rev_to null, and its fid to the journal. They
// rest while nagar_state.own is 1, which it is only inside the store's own
// transactions. Before every write, on Open, on the first read after, and while
// anybody waits for a revision (a look at PRAGMA data_version every 20 ms) the
// journal is drained into one revision by the author "outside": some 20 µs a row.
// Reads that find it full wait for one drain together, which none of them ends by
// giving up. A row without an
// id gets one, fid- and its number. A row that breaks the rules (a wrong SRS, a
// NaN, a blob of something else, an id twice) stays as it is, is left out of
// every answer and of the feed, and Check tells of it.
//
// When SQLite's schema counter has moved, the file is looked over: a table that
// was dropped and made anew (ogr2ogr -overwrite) gets its columns, indexes and
// triggers back and is compared with what it replaced, a dropped one comes back
// empty, a renamed one is followed, a new column becomes a restricted field, and
// a new table in EPSG:4326 an internal collection. A trigger on gpkg_contents
// keeps the rows of a table whose layer is removed by the standard's rules; until
// a Nagar process has looked at the file after such a removal (20 ms, where one
// runs), SQLite refuses to remove another layer. A bare DROP TABLE in a SQL shell passes it by: what it destroyed is gone, and
// Check tells of it.
//
// An R-tree index that QGIS or GDAL add lives on: its triggers call functions
// that every connection of the store has. The store itself does not use it.
//
// # Durability and concurrency
//
// SQLite in WAL mode with synchronous=FULL: an acknowledged batch outlives the
// process and a power cut. One connection writes, several read, each read in one
// snapshot; any number of processes, on one machine, share the file. A batch of
// up to 8,192 operations is checked and encoded before the file is locked.
package gpkg
