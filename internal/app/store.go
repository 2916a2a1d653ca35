// Package app reads the commands' configuration and wires the rooms together.
// It alone may import everything; cmd calls nothing else.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"nagar/catalog"
	"nagar/catalog/gpkg"
	"nagar/catalog/postgis"
	"nagar/internal/access/accessdb"
	"nagar/internal/access/audit"
	"nagar/internal/access/door"
	"nagar/internal/access/identity"
	"nagar/internal/access/retain"
)

// Location is a parsed store URL.
type Location struct {
	URL  string // postgres://..., or "" for a file
	Path string // of the GeoPackage
}

// ParseLocation reads a store URL: city.gpkg, file:city.gpkg or postgres://user@host/db.
func ParseLocation(s string) (Location, error) {
	switch {
	case s == "":
		return Location{}, errors.New("--store is empty: want a GeoPackage file or postgres://user@host/db")
	case strings.HasPrefix(s, "postgres://"), strings.HasPrefix(s, "postgresql://"):
		return Location{URL: s}, nil
	case strings.Contains(s, "://"):
		return Location{}, fmt.Errorf("--store %s: want a GeoPackage file or postgres://user@host/db", s)
	}
	return Location{Path: strings.TrimPrefix(s, "file:")}, nil
}

// Folder is the directory for what lies beside the store: for a GeoPackage
// city.gpkg the folder city.gpkg.d, for a database one in the user's
// configuration directory named after host and database.
func (l Location) Folder() (string, error) {
	if l.URL == "" {
		return l.Path + ".d", nil
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	c, err := pgconn.ParseConfig(l.URL)
	if err != nil {
		return "", errors.New("the store's URL cannot be read") // pgconn's error may quote the password
	}
	plain := strings.NewReplacer("/", "_", string(filepath.Separator), "_")
	return filepath.Join(base, "nagar", plain.Replace(fmt.Sprintf("%s-%d-%s.d", c.Host, c.Port, c.Database))), nil
}

// SnapshotsIn is the folder, within that of a store, in which servers keep its index.
func SnapshotsIn(folder string) string { return filepath.Join(folder, "snapshots") }

// OpenStore opens the store, creates it where there is none, and defines the
// standard collections that it lacks.
func OpenStore(ctx context.Context, l Location) (catalog.Store, error) {
	var s catalog.Store
	var err error
	if l.URL != "" {
		s, err = postgis.Open(ctx, l.URL)
	} else {
		s, err = gpkg.Open(ctx, l.Path)
	}
	if err != nil {
		return nil, err
	}
	if err := defineStandard(ctx, s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func defineStandard(ctx context.Context, s catalog.Store) error {
	have, err := s.Collections(ctx)
	if err != nil {
		return fmt.Errorf("list collections: %w", err)
	}
	there := make(map[string]*catalog.Collection, len(have))
	for i := range have {
		there[have[i].Name] = &have[i]
	}
	for _, c := range catalog.Standard() {
		if old := there[c.Name]; old != nil {
			next, ok := catchUp(old, &c)
			if !ok {
				continue
			}
			c = next
		}
		if _, err := s.Define(ctx, c); err != nil {
			return fmt.Errorf("define %s: %w", c.Name, err)
		}
	}
	return nil
}

// catchUp is a collection, as its owner has described it, with what a store made
// by an older version lacks of the standard: fields, indexes and links. ok is false
// when it lacks nothing.
func catchUp(have, standard *catalog.Collection) (next catalog.Collection, ok bool) {
	next = *have
	next.Fields = slices.Clone(have.Fields)
	for _, want := range standard.Fields {
		f, there := next.Field(want.Name)
		switch {
		case !there:
			next.Fields = append(next.Fields, want)
		case f.Type != want.Type || f.Indexed == want.Indexed && f.Link == want.Link, f.Findable() && !want.Findable():
			continue
		default:
			f.Indexed, f.Link = want.Indexed, want.Link
		}
		ok = true
	}
	return next, ok
}

// OpenAccess opens the database of who may see what, which lies beside the store:
// access.db in the folder of a GeoPackage, a schema of its own in a database.
func OpenAccess(ctx context.Context, l Location) (*accessdb.DB, error) {
	schemas := []accessdb.Schema{audit.Schema, door.Schema, identity.Schema, retain.Schema, accessdb.Leases}
	folder, err := l.Folder()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil { // the audit log keeps its head there
		return nil, fmt.Errorf("folder of the store: %w", err)
	}
	if l.URL != "" {
		return accessdb.OpenPostgres(ctx, l.URL, schemas...)
	}
	return accessdb.OpenFile(ctx, filepath.Join(folder, "access.db"), schemas...)
}
