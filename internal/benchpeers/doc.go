// Package benchpeers runs other tile servers and this one side by side over one
// city of a million buildings and writes docs/benchmarks.md: `make bench-peers`.
// It is made of tests under the build tag peers, so that it may borrow the tests'
// PostGIS; a peer that is not on the PATH is left out with a line.
package benchpeers
