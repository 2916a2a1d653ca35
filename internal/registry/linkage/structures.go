package linkage

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nagar/catalog"
	"nagar/catalog/uid"
	"nagar/geo"
	"nagar/internal/registry"
	"nagar/internal/registry/match"
)

// Structures reads what records can be matched by of every structure that stands:
// names, addresses and numbers, of its row in the register, its footprints and its
// aliases. Those of which there is none of it are left out, unless placed: they can
// then be found by their place.
func Structures(ctx context.Context, store Store, placed bool) ([]match.Structure, error) {
	b := building{at: map[uid.UID]int{}, ended: map[uid.UID]bool{}}
	roles := map[string]*Roles{}
	var queries []catalog.Query
	for _, name := range []string{registry.Structures, registry.Buildings, registry.Aliases} {
		c, err := store.Collection(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("structures: %w", err)
		}
		roles[name] = rolesOf(&c)
		queries = append(queries, catalog.Query{Collection: name})
	}
	_, err := store.ScanAll(ctx, queries, func(i int, f *catalog.Feature) error {
		u, err := uid.Parse(f.Props.Get("uid").Str())
		if err != nil {
			return nil //nolint:nilerr // it has none
		}
		switch queries[i].Collection {
		case registry.Structures:
			if registry.Ended(f.Props.Get("status").Str()) {
				b.ended[u] = true
				return nil
			}
			b.take(u, f, roles[registry.Structures], placed)
		case registry.Buildings:
			b.take(u, f, roles[registry.Buildings], placed)
		case registry.Aliases:
			s := b.of(u)
			s.Aliases = append(s.Aliases, match.Alias{Scheme: f.Props.Get("scheme").Str(), Value: f.Props.Get("value").Str()})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("structures: %w", err)
	}
	out := slices.DeleteFunc(b.all, func(s match.Structure) bool { return b.ended[s.UID] })
	slices.SortFunc(out, func(a, b match.Structure) int { return cmp.Compare(a.UID, b.UID) })
	return out, nil
}

// building gathers structures from the rows about them.
type building struct {
	all   []match.Structure
	at    map[uid.UID]int
	ended map[uid.UID]bool
}

func (b *building) of(u uid.UID) *match.Structure {
	i, ok := b.at[u]
	if !ok {
		i = len(b.all)
		b.at[u], b.all = i, append(b.all, match.Structure{UID: u})
	}
	return &b.all[i]
}

// take adds what one row says. The names of both the register and the footprint
// count, and every outline.
func (b *building) take(u uid.UID, f *catalog.Feature, r *Roles, placed bool) {
	addresses, name := r.addressesOf(f.Props), textOf(f.Props, "name")
	if len(addresses) == 0 && name == "" && !placed {
		if _, known := b.at[u]; !known {
			return
		}
	}
	s := b.of(u)
	for _, n := range []string{name, textOf(f.Props, "name_mr"), textOf(f.Props, "name_hi")} {
		if n != "" && !slices.Contains(s.Names, n) {
			s.Names = append(s.Names, n)
		}
	}
	for _, a := range addresses {
		if !slices.Contains(s.Addresses, a) {
			s.Addresses = append(s.Addresses, a)
		}
	}
	if f.Geometry.IsEmpty() {
		return
	}
	switch {
	case s.Geometry.IsEmpty():
		s.Geometry = f.Geometry
	case s.Geometry.Type == geo.GeometryCollection:
		s.Geometry.Geoms = append(s.Geometry.Geoms, f.Geometry)
	default:
		s.Geometry = geo.Geometry{Type: geo.GeometryCollection, Geoms: []geo.Geometry{s.Geometry, f.Geometry}}
	}
}
