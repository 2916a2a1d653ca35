// Package cql2 reads filters in CQL2 Text (OGC 21-065r2) and applies them to
// features: Parse once, Bind to a collection and a caller's view, Match many.
//
// Supported: comparisons, LIKE, BETWEEN, IN, IS NULL, AND, OR, NOT, arithmetic
// (+ - * / % DIV ^), CASEI, ACCENTI, property against property, DATE, TIMESTAMP
// and INTERVAL with all T_ relations, and of the spatial relations S_INTERSECTS
// and S_DISJOINT with any literal, S_WITHIN a BBOX and S_CONTAINS a POINT, all
// exact in the plane of lon and lat. Other relations, functions and arrays are
// refused with the reason.
//
// Logic is three-valued: what is compared with null is unknown, and a filter
// matches where it is true. Division by zero is null. Text is ordered by code
// point. A date is midnight UTC of its day where it meets an instant.
//
// A filter is safe for concurrent use and allocates nothing per match (but where
// CASEI or ACCENTI meets a text that is not in Unicode's composed form).
//
// Beyond the standard: a boolean property may stand alone; a double-quoted name
// may hold any text ("" for a quote), so that every field can be named; the
// geometry is called geom or geometry.
package cql2
