package postgis

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"nagar/catalog"
)

// fail gives an error of the database its place in the catalogue's errors, and
// keeps the password out of its text.
func (s *Store) fail(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	var invalid *catalog.Invalid
	var conflict *catalog.Conflict
	var given *callerError
	switch {
	case errors.As(err, &given):
		return given.err
	case errors.As(err, &invalid), errors.As(err, &conflict), errors.Is(err, catalog.ErrNotFound),
		errors.Is(err, catalog.ErrFuture), errors.Is(err, catalog.ErrBadCursor),
		errors.Is(err, catalog.ErrUnavailable), errors.Is(err, catalog.ErrNotAStore):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if s.password != "" && strings.Contains(err.Error(), s.password) {
		err = errors.New(redact(err.Error(), s.password))
	}
	if c := code(err); strings.HasPrefix(c, "22") || c == "23514" { // data exception, check
		return &catalog.Invalid{Path: "feature", Reason: doing + ": " + err.Error()}
	}
	if unavailable(err) {
		return fmt.Errorf("%s: %w: %w", doing, catalog.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// errClosed says that the Store was closed.
var errClosed = fmt.Errorf("store is closed: %w", catalog.ErrUnavailable)

// callerError carries an error of the caller's own (from a callback or a stream
// of operations) through ours unchanged.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }
func (e *callerError) Unwrap() error { return e.err }

// unavailable tells an error of the place the store lives in from one of a statement.
// The classes are those of appendix A of the PostgreSQL manual.
func unavailable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return true // no answer from the server: connecting, reading or writing failed
	}
	switch pg.Code[:2] {
	case "08", "28", "3D", "53", "57", "58", "F0", "XX": // connection, authorisation, database, resources, operator, system, files, internal
		return true
	case "40": // deadlock, serialisation: another attempt may succeed
		return true
	case "25": // a read-only server
		return pg.Code == "25006"
	case "55": // lock not available
		return pg.Code == "55P03"
	}
	return false
}

// code is the SQLSTATE of a server's error, "" for another error.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

const (
	codeUnique    = "23505"
	codeDeadlock  = "40P01"
	codeLock      = "55P03"
	codePrivilege = "42501"
)

func redact(text, password string) string {
	if password == "" {
		return text
	}
	text = strings.ReplaceAll(text, password, "xxxxx")
	return strings.ReplaceAll(text, url.QueryEscape(password), "xxxxx")
}

// passwordOf finds the password in a URL or a key=value string that may be malformed.
func passwordOf(dsn string) string {
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		if p, ok := u.User.Password(); ok {
			return p
		}
	}
	if _, rest, ok := strings.Cut(dsn, "://"); ok {
		if auth, _, ok := strings.Cut(rest, "@"); ok {
			if _, p, ok := strings.Cut(auth, ":"); ok {
				return p
			}
		}
	}
	if _, rest, ok := strings.Cut(dsn, "password="); ok {
		p, _, _ := strings.Cut(rest, " ")
		return p
	}
	return ""
}
