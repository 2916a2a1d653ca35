package gpkg

import (
	"strings"

	"zombiezen.com/go/sqlite"

	"nagar/geo"
	"nagar/internal/format"
)

func (r *Reader) hasTable(name string) (found bool, err error) {
	err = r.query("SELECT 1 FROM sqlite_master WHERE lower(name) = '"+name+"'", func(*sqlite.Stmt) { found = true })
	return found, err
}

// layers lists what the file declares.
func (r *Reader) layers() ([]layer, error) {
	var out []layer
	isGeoPackage, err := r.hasTable("gpkg_contents")
	if err != nil {
		return nil, err
	}
	if isGeoPackage {
		err = r.query(`SELECT c.table_name, g.column_name, g.geometry_type_name, s.organization, s.organization_coordsys_id, s.definition
			FROM gpkg_contents c LEFT JOIN gpkg_geometry_columns g ON g.table_name = c.table_name
			LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
			WHERE c.data_type IN ('features', 'attributes') ORDER BY c.table_name`, func(s *sqlite.Stmt) {
			out = append(out, layer{table: s.ColumnText(0), geometry: s.ColumnText(1), kind: s.ColumnText(2), encoding: "gpkg",
				crs: crsOf(s.ColumnText(3), s.ColumnText(4), s.ColumnText(5))})
		})
		return out, err
	}
	spatial, err := r.hasTable("geometry_columns")
	if err != nil || !spatial {
		return nil, err
	}
	return r.spatialLayers()
}

// spatialLayers lists geometry_columns in its flavours: GDAL's has geometry_format
// and text columns in spatial_ref_sys; SpatiaLite's has neither.
func (r *Reader) spatialLayers() ([]layer, error) {
	has := func(table, column string) (found bool) {
		r.query("PRAGMA table_info("+quote(table)+")", func(s *sqlite.Stmt) {
			found = found || strings.EqualFold(s.ColumnText(1), column)
		})
		return found
	}
	encoding, kind, code, wkt := "'spatialite'", "g.geometry_type", "s.auth_srid", "s.srtext"
	if has("geometry_columns", "geometry_format") {
		encoding = "lower(g.geometry_format)"
	}
	if !has("geometry_columns", "geometry_type") {
		kind = "g.type"
	}
	if !has("spatial_ref_sys", "srtext") {
		wkt = "''"
	}
	var out []layer
	err := r.query(`SELECT g.f_table_name, g.f_geometry_column, `+kind+`, s.auth_name, `+code+`, `+wkt+`, `+encoding+`
		FROM geometry_columns g LEFT JOIN spatial_ref_sys s ON s.srid = g.srid ORDER BY 1`, func(s *sqlite.Stmt) {
		l := layer{table: s.ColumnText(0), geometry: s.ColumnText(1), kind: s.ColumnText(2), encoding: s.ColumnText(6),
			crs: crsOf(s.ColumnText(3), s.ColumnText(4), s.ColumnText(5))}
		if n := s.ColumnInt(2); n > 0 { // a simple-features number, thousands for Z and M
			l.kind = geo.Type(n % 1000).String()
		}
		out = append(out, l)
	})
	return out, err
}

// crsOf is "EPSG:n" where the authority is EPSG, else the WKT; "" when undefined.
func crsOf(authority, code, wkt string) string {
	if strings.EqualFold(authority, "EPSG") && code != "" && code != "0" && code != "-1" {
		return "EPSG:" + code
	}
	if wkt == "undefined" || strings.EqualFold(authority, "NONE") {
		return ""
	}
	return wkt
}

// choose takes the layer of that name, or the only one.
func (r *Reader) choose(name string) (layer, error) {
	all, err := r.layers()
	if err != nil {
		return layer{}, err
	}
	names := make([]string, len(all))
	for i, l := range all {
		if l.table == name || name == "" && len(all) == 1 {
			return l, nil
		}
		names[i] = l.table
	}
	list := strings.Join(names, ", ")
	if len(names) > 12 {
		list = strings.Join(names[:12], ", ") + ", ..."
	}
	switch {
	case len(all) == 0:
		return layer{}, format.Errorf(-1, "the database holds no layer: it has neither gpkg_contents nor geometry_columns")
	case name == "":
		return layer{}, format.Errorf(-1, "the file holds %d layers (%s): name one with --layer", len(all), list)
	}
	return layer{}, format.Errorf(-1, "the file has no layer %q; it has %s", name, list)
}
