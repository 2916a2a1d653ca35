// Package access decides who may see and change what: who somebody is (identity),
// what their roles allow (policy, compiled into a catalog.View that every read path
// takes), and what is kept about it (audit). It lies below the other rooms of
// internal, which may import it; it knows the catalogue and the city, no store, and
// nothing of HTTP beyond its own sign-in.
package access
