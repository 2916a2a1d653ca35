// Package match says what belongs together, without any store: the footprints of a
// new survey and the structures of the registry ([Footprints]), and departments'
// records and structures ([Register]).
//
// Its answers depend on what it is given alone, not on its order, and are the same
// each time; what it decides it explains. Nothing here is safe for concurrent
// writing; a built Register may be read by many.
package match
