// Package search finds what has a name: it follows the catalogue and keeps the
// named features of all collections in a full-text index.
//
// Latin and Devanagari are one alphabet to it: both are folded to plain Latin
// letters (fold.go), so that "dadar" finds दादर where only that is written, and
// the other way round; a skeleton of consonants bridges the many spellings of
// one sound. Texts are found by their beginnings, as one types, and with a slip
// or two.
//
// Guarantees. Results show, and are found by, only what the caller's view sees:
// words are indexed apart by classification, and every candidate is matched once
// more against the fields that the view sees. Answers may trail the catalogue by
// a moment; Ready tells when it was read as a whole for the first time. Memory
// is bounded by Options.MaxPlaces.
package search
