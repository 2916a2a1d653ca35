package registry

import (
	"context"
	"fmt"

	"nagar/catalog"
	"nagar/geo"
)

// Brief is what tells one structure from another.
type Brief struct {
	UID      string
	Name     string
	Address  string
	Status   string
	Ward     string
	Height   catalog.Value // metres, Null where it is not known or seen
	Geometry geo.Geometry  // None where there is none to see
	shown    []row
}

// Shown is as that of Structure.
func (b *Brief) Shown(fn func(c *catalog.Collection, id string, shown catalog.Properties)) {
	for i := range b.shown {
		fn(b.shown[i].c, b.shown[i].ID, b.shown[i].Props)
	}
}

// Seen reports whether there is, for the view, such a structure at that moment.
func (b *Brief) Seen() bool { return len(b.shown) > 0 }

// Briefs returns what tells the structures apart at that moment, and the revision
// that it is of. One that is not there then has a UID only.
func (r *Registry) Briefs(ctx context.Context, uids []string, at catalog.At, view catalog.View) ([]Brief, catalog.Rev, error) {
	l, err := r.look(ctx, uids, at, view, Structures, Buildings)
	if err != nil {
		return nil, 0, fmt.Errorf("look at %d structures: %w", len(uids), err)
	}
	out := make([]Brief, len(uids))
	for i, id := range uids {
		b := &out[i]
		b.UID, b.Status = id, l.statusOf(id)
		var shapes []geo.Geometry
		for _, name := range [2]string{Buildings, Structures} {
			for j := range l.rows[name] {
				f := &l.rows[name][j]
				if f.text("uid") != id {
					continue
				}
				b.shown = append(b.shown, *f)
				if s := f.text("name"); s != "" {
					b.Name = s
				}
				if s := f.text("address"); s != "" {
					b.Address = s
				}
				if s := f.text("ward"); s != "" {
					b.Ward = s
				}
				if h := f.Props.Get("height_m"); !h.IsNull() && h.Float() > b.Height.Float() {
					b.Height = h
				}
				if f.Geometry.Type != geo.None && (name == Buildings || len(shapes) == 0) {
					shapes = append(shapes, f.Geometry)
				}
			}
		}
		switch len(shapes) {
		case 0:
		case 1:
			b.Geometry = shapes[0]
		default:
			b.Geometry = geo.Geometry{Type: geo.GeometryCollection, Geoms: shapes}
		}
	}
	return out, l.rev, nil
}
