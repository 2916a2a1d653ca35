// Package catalog says what the city knows: features in collections, written
// through one door (Apply), each write under one revision, read as of two
// clocks, and followed through one change feed.
//
// The package holds the domain types, their validation, and the contract that a
// store keeps (Store). The stores are catalog/gpkg (a GeoPackage file) and
// catalog/postgis; catalog/catalogtest is the suite that both pass.
//
// Two clocks. Every version of a feature has a valid time, [ValidFrom, ValidTo):
// when it was true in the city; and a recorded time, [Rev, superseding Rev):
// when we knew it. At{AsOf, Known} picks a point on both; the zero At is now on
// both. The rules by which a write moves the clocks are at Op.
//
// Order. Revisions grow in commit order: once a reader has seen revision n, no
// write will ever appear under a revision ≤ n. A revision is visible as a whole
// or not at all.
package catalog
