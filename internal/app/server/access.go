package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/access/accessdb"
	"nagar/internal/access/audit"
	"nagar/internal/access/door"
	"nagar/internal/access/identity"
	"nagar/internal/access/oidc"
	"nagar/internal/app"
)

// entrance is who may see what: the access database and what works on it.
type entrance struct {
	db         *accessdb.DB
	identities *identity.Service
	door       *door.Door
	audit      *audit.Log
	folder     string // of the store
	providers  []*oidc.Provider
}

// openEntrance opens the database beside the store and brings it to this version.
func openEntrance(ctx context.Context, f *ServerFlags, at app.Location, store catalog.Store, token string, log *slog.Logger) (*entrance, error) {
	sender, err := identity.NewSender(f.CodeSender)
	if err != nil {
		return nil, err
	}
	var providers []*oidc.Provider
	if f.OIDC != "" {
		if providers, err = oidc.Load(f.OIDC); err != nil {
			return nil, fmt.Errorf("--oidc: %w", err)
		}
	}
	db, err := app.OpenAccess(ctx, at)
	if err != nil {
		return nil, err
	}
	folder, err := at.Folder()
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	identities := identity.New(db, identity.Options{Sender: sender, Logger: log})
	return &entrance{
		db: db, identities: identities, door: door.New(db, identities, &wards{store: store}, token),
		audit: audit.New(db, folder), folder: folder, providers: providers,
	}, nil
}

// wards knows the outlines of the city's wards, from the collection of that name.
type wards struct {
	store catalog.Store

	mu   sync.Mutex
	read time.Time
	by   map[string][]geo.Geometry
}

const (
	wardsFor  = time.Minute // how long they are kept
	wardsTime = 10 * time.Second
)

// Outline implements access.Areas.
func (w *wards) Outline(names []string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil || time.Since(w.read) > wardsFor {
		by, err := w.load()
		if err != nil {
			return "" // an area that is not known shows nothing
		}
		w.by, w.read = by, time.Now()
	}
	var parts []geo.Geometry
	for _, name := range names {
		if len(w.by[name]) == 0 {
			return ""
		}
		parts = append(parts, w.by[name]...)
	}
	return multiPolygon(parts)
}

func (w *wards) load() (map[string][]geo.Geometry, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wardsTime)
	defer cancel()
	by := map[string][]geo.Geometry{}
	_, err := w.store.Scan(ctx, catalog.Query{Collection: "wards"}, func(f *catalog.Feature) error {
		if name := f.Props.Get("name").Str(); name != "" {
			by[name] = append(by[name], f.Geometry)
		}
		return nil
	})
	if errors.Is(err, catalog.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the wards: %w", err)
	}
	return by, nil
}

// multiPolygon is the polygons of the geometries as one MULTIPOLYGON in WKT.
func multiPolygon(all []geo.Geometry) string {
	out := []byte("MULTIPOLYGON (")
	begin := len(out)
	for i := range all {
		g := &all[i]
		switch g.Type {
		case geo.Polygon:
			out = appendPolygon(out, g, 0, len(g.Ends))
		case geo.MultiPolygon:
			first := 0
			for _, end := range g.Polys {
				out = appendPolygon(out, g, first, int(end))
				first = int(end)
			}
		}
	}
	if len(out) == begin {
		return ""
	}
	out[len(out)-1] = ')' // the last comma
	return string(out)
}

// appendPolygon appends the rings of a polygon, and a comma.
func appendPolygon(out []byte, g *geo.Geometry, first, end int) []byte {
	if first == end {
		return out
	}
	stride := g.Stride()
	out = append(out, '(')
	for ring := first; ring < end; ring++ {
		at := int32(0)
		if ring > 0 {
			at = g.Ends[ring-1]
		}
		out = append(out, '(')
		for ; at < g.Ends[ring]; at++ {
			p := g.Coords[int(at)*stride:]
			out = strconv.AppendFloat(out, p[0], 'f', -1, 64)
			out = append(out, ' ')
			out = append(strconv.AppendFloat(out, p[1], 'f', -1, 64), ',')
		}
		out[len(out)-1] = ')'
		out = append(out, ',')
	}
	out[len(out)-1] = ')'
	return append(out, ',')
}
