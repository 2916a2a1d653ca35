// Package retain carries out the policy's rules of retention: once a day it erases
// what is past its time, in history too, and ends features of which nothing is to
// stay. It says so in the audit log before it does so.
//
// It follows the store's change feed and keeps, in the access database, when each
// feature under a rule falls due; so a feature that was deleted falls due like one
// that is there, a run costs what changed and what is due, and one that is killed
// is gone on with by the next: what fell due stays noted until it is done. One
// process does this at a time, over all that share the store.
package retain
