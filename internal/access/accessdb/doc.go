// Package accessdb keeps who may see what: the SQL database that accounts, policy
// and audit live in. It is not part of the feature store, which people open in QGIS
// and hand on, but lies beside it: for a GeoPackage city.gpkg the SQLite file
// city.gpkg.d/access.db with mode 0600, for PostGIS the schema nagar_access of the
// same database.
//
// One set of statements serves both, with ? as placeholder and the types text,
// bigint (times are microseconds since 1970 in UTC), bytea and boolean. SQLite runs
// in WAL mode with synchronous=FULL: what a Tx acknowledged outlives a power cut.
//
// # Changes
//
// Any number of processes, on one machine for SQLite, share the database. What has
// to be in force everywhere (a policy, a session that was ended) is written in a Tx
// that calls Changed: Generation then has another value, in this process before Tx
// returns, in the others that Run within 100 ms. So a reader may keep what it read
// for as long as the Generation from before reading stays.
package accessdb
