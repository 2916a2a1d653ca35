// Package httpapi is the HTTP surface: routes and encodings, and nothing else.
// It asks the layers engine and the catalogue's store, and writes their answers.
//
// One table (routes.go) lists every route; the router, /openapi.json and the
// metrics' labels all come from it. One middleware (middleware.go) gives each
// request its id, its log line and its view: handlers see the city through
// request.view only. One file (problem.go) maps errors to answers.
//
// A Server is safe for concurrent use. New starts nothing; Serve owns what runs.
package httpapi
