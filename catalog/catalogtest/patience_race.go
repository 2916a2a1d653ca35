//go:build race

package catalogtest

// patience stretches the suite's limits of time: under the race detector a
// SQLite in Go is some ten times slower.
const patience = 8
