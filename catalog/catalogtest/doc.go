// Package catalogtest is the contract that every catalog.Store keeps, as a test
// suite: each store's own tests call Run with a Harness.
//
// What a user of the store would notice is asserted, against a slow and obvious
// oracle where there is one. After every case the store is opened afresh and
// checked whole: its own Check, the change feed replayed against a scan, and
// every history for overlaps on the two clocks.
//
// Random cases log their seed; SEED=n repeats one.
package catalogtest
