// Package archive writes and reads PMTiles archives, version 3
// (github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md): a whole pyramid of
// tiles in one file, for reading by byte ranges from any web server.
//
// What is written is clustered (tile data in the order of tile ids), each content
// is kept once, and the same content gives the same bytes. What is read is never
// trusted: an archive that is short or broken is an error, whatever its numbers
// say, and costs no more memory than its own size allows.
package archive
