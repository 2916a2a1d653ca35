//go:build !race

package catalogtest

// patience stretches the suite's limits of time.
const patience = 1
