package postgis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
)

// column is a column of a table that somebody else made.
type column struct {
	name  string
	typ   string // pg_type.typname
	key   bool   // the primary key, alone
	auto  bool   // it has a default or is an identity
	plain bool   // it can be written to
}

// fieldTypeOf is the field type that takes a column's values whole.
func fieldTypeOf(typ string) catalog.FieldType {
	switch typ {
	case "int2", "int4", "int8":
		return catalog.TypeInteger
	case "float4", "float8", "numeric":
		return catalog.TypeReal
	case "bool":
		return catalog.TypeBoolean
	case "timestamptz", "timestamp":
		return catalog.TypeTime
	case "date":
		return catalog.TypeDate
	case "json", "jsonb":
		return catalog.TypeJSON
	}
	return catalog.TypeText
}

// converts reports whether every value of a column of type typ has its like in a
// field of type to.
func converts(typ string, to catalog.FieldType) bool {
	from := fieldTypeOf(typ)
	return typ != "geometry" && (from == to || to == catalog.TypeText ||
		from == catalog.TypeInteger && to == catalog.TypeReal || from == catalog.TypeDate && to == catalog.TypeTime)
}

// castTo is the expression that converts the column.
func castTo(c column, to catalog.FieldType) string {
	q := quote(c.name)
	switch {
	case c.typ == "timestamp" && to == catalog.TypeTime, c.typ == "date" && to == catalog.TypeTime:
		return q + `::timestamp at time zone 'UTC'`
	case c.typ == "geometry":
		return `st_astext(` + q + `)`
	}
	return q + "::" + columnTypes[to]
}

// normalise gives the table a collection's columns: fid, id, geom, those of t's
// fields (t may be nil), the two valid times and our own. It returns t's fields
// and columns and behind them those that are new.
func (a *adoption) normalise(t *table) ([]catalog.Field, []string, error) {
	if err := a.exec(`alter table ` + a.table + ` drop column if exists nagar_txn_to, drop column if exists nagar_main, drop column if exists nagar_ended`); err != nil {
		return nil, nil, err
	}
	altered := t != nil && a.rel == t.rel
	if !altered { // a copy of one of our tables brings columns that mean nothing here
		if err := a.exec(`alter table ` + a.table + ` drop column if exists nagar_txn, drop column if exists nagar_hash`); err != nil {
			return nil, nil, err
		}
	}
	// A column added with a default costs nothing, an UPDATE of all rows much.
	if err := a.exec(fmt.Sprintf(`alter table %s add column if not exists nagar_txn bigint default %d, add column if not exists nagar_hash bigint`, a.table, a.txn)); err != nil {
		return nil, nil, err
	}
	if err := a.exec(`alter table ` + a.table + ` alter column nagar_txn drop default`); err != nil {
		return nil, nil, err
	}
	if err := a.geometryColumn(); err != nil {
		return nil, nil, err
	}
	if err := a.keyColumn(); err != nil {
		return nil, nil, err
	}
	if err := a.validColumns(); err != nil {
		return nil, nil, err
	}
	return a.fieldColumns(t)
}

func (a *adoption) columns() ([]column, error) {
	rows, err := a.tx.Query(a.ctx, `select a.attname, y.typname,
			exists (select from pg_index i where i.indrelid = a.attrelid and i.indisprimary and i.indnatts = 1 and i.indkey[0] = a.attnum),
			a.atthasdef or a.attidentity <> '', a.attgenerated = ''
		from pg_attribute a join pg_type y on y.oid = a.atttypid
		where a.attrelid = to_regclass($1)::oid and a.attnum > 0 and not a.attisdropped order by a.attnum`, a.table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (column, error) {
		var c column
		return c, row.Scan(&c.name, &c.typ, &c.key, &c.auto, &c.plain)
	})
}

func find(cols []column, name string) *column {
	for i := range cols {
		if cols[i].name == name {
			return &cols[i]
		}
	}
	return nil
}

func (a *adoption) rename(from, to string) error {
	return a.exec(fmt.Sprintf(`alter table %s rename column %s to %s`, a.table, quote(from), quote(to)))
}

// aside renames a column that has the name of one of ours.
func (a *adoption) aside(cols []column, name string) error {
	var taken []string
	for _, c := range cols {
		taken = append(taken, c.name)
	}
	return a.rename(name, columnName(name, taken))
}

// geometryColumn makes geom of the first geometry column, in EPSG:4326 and without
// a type modifier.
func (a *adoption) geometryColumn() error {
	cols, err := a.columns()
	if err != nil {
		return err
	}
	geom := find(cols, "geom")
	if geom != nil && geom.typ != "geometry" {
		if err := a.aside(cols, "geom"); err != nil {
			return err
		}
		geom = nil
	}
	if geom == nil {
		i := slices.IndexFunc(cols, func(c column) bool { return c.typ == "geometry" })
		if i < 0 {
			return a.exec(fmt.Sprintf(`alter table %s add column geom %s.geometry`, a.table, a.gis))
		}
		if err := a.rename(cols[i].name, "geom"); err != nil {
			return err
		}
	}
	var modified bool
	if err := a.tx.QueryRow(a.ctx, `select atttypmod <> -1 from pg_attribute where attrelid = to_regclass($1)::oid and attname = 'geom'`, a.table).Scan(&modified); err != nil {
		return err
	}
	if modified {
		if err := a.exec(fmt.Sprintf(`alter table %s alter column geom type %s.geometry`, a.table, a.gis)); err != nil {
			return err
		}
	}
	// Constraints of old tools (enforce_dims_geom ...) would refuse what we write.
	if err := a.exec(fmt.Sprintf(`alter table %s drop constraint if exists enforce_srid_geom, drop constraint if exists enforce_geotype_geom,
		drop constraint if exists enforce_dims_geom, alter column geom drop not null`, a.table)); err != nil {
		return err
	}
	return a.exec(fmt.Sprintf(`update %s set geom = nagar.lon_lat(geom) where %s.st_srid(geom) <> 4326`, a.table, a.gis))
}

// keyColumn makes fid of an integer primary key, and sees to it that id is a
// text, given and unique. A row without an id gets its fid as one, so that the
// same file loaded twice has the same ids.
func (a *adoption) keyColumn() error {
	cols, err := a.columns()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(cols, func(c column) bool { return c.key })
	switch {
	case i >= 0 && fieldTypeOf(cols[i].typ) == catalog.TypeInteger && (cols[i].name != "id" || cols[i].auto):
		if cols[i].name != "fid" {
			if find(cols, "fid") != nil {
				if err := a.aside(cols, "fid"); err != nil {
					return err
				}
			}
			if err := a.rename(cols[i].name, "fid"); err != nil {
				return err
			}
		}
		if err := a.exec(fmt.Sprintf(`alter table %s alter column fid type bigint`, a.table)); err != nil {
			return err
		}
		if !cols[i].auto {
			if err := a.script(expand(`alter table {table} alter column fid add generated by default as identity;
				select setval(pg_get_serial_sequence({name}, 'fid'), coalesce((select max(fid) from {table}), 0) + 1, false)`,
				"table", a.table, "name", literal(a.table))); err != nil {
				return err
			}
		}
	default:
		if find(cols, "fid") != nil {
			if err := a.aside(cols, "fid"); err != nil {
				return err
			}
		}
		if err := a.script(expand(`do $nagar$ declare n text; begin
			for n in select conname from pg_constraint where conrelid = {name}::regclass and contype = 'p' loop
				execute format('alter table {table} drop constraint %I', n);
			end loop; end $nagar$;
			alter table {table} add column fid bigint generated by default as identity primary key`,
			"table", a.table, "name", literal(a.table))); err != nil {
			return err
		}
	}
	return a.idColumn()
}

func (a *adoption) idColumn() error {
	cols, err := a.columns()
	if err != nil {
		return err
	}
	sql := `alter table {table} add column id text collate "C"; `
	if c := find(cols, "id"); c != nil {
		sql = `alter table {table} alter column id drop default, alter column id drop not null; alter table {table} alter column id type text collate "C" using {cast}; `
		sql = expand(sql, "cast", castTo(*c, catalog.TypeText), "table", "{table}")
	}
	// An id that is not one, or that an earlier row has, makes room for fid.
	sql += `update {table} set id = fid::text where id is null or id = '' or octet_length(id) > 200 or id ~ '[\x01-\x1f\x7f]';
		update {table} t set id = t.id || ' ' || t.fid from (select fid, row_number() over (partition by id order by fid) n from {table}) d
			where d.fid = t.fid and d.n > 1;
		do $nagar$ begin
			if not exists (select from pg_index i where i.indrelid = {name}::regclass and i.indisunique and i.indnatts = 1 and i.indpred is null
					and i.indkey[0] = (select attnum from pg_attribute where attrelid = {name}::regclass and attname = 'id')) then
				alter table {table} add unique (id);
			end if;
		end $nagar$;
		alter table {table} alter column id set not null`
	return a.script(expand(sql, "table", a.table, "name", literal(a.table)))
}

// validColumns makes sure of the two times of the valid clock.
func (a *adoption) validColumns() error {
	cols, err := a.columns()
	if err != nil {
		return err
	}
	for _, name := range []string{"valid_from", "valid_to"} {
		c := find(cols, name)
		switch {
		case c == nil:
		case c.typ == "timestamptz":
			if err := a.exec(fmt.Sprintf(`update %s set %[2]s = null where not isfinite(%[2]s)`, a.table, name)); err != nil {
				return err
			}
			continue
		case c.typ == "timestamp" || c.typ == "date":
			if err := a.exec(fmt.Sprintf(`alter table %s alter column %s drop default, alter column %[2]s type timestamptz using %[3]s`, a.table, name, castTo(*c, catalog.TypeTime))); err != nil {
				return err
			}
			continue
		default:
			if err := a.aside(cols, name); err != nil {
				return err
			}
		}
		if err := a.exec(fmt.Sprintf(`alter table %s add column %s timestamptz`, a.table, name)); err != nil {
			return err
		}
	}
	return a.exec(`update ` + a.table + ` set valid_to = null where valid_to <= valid_from`)
}

// fieldColumns brings the remaining columns to the types of fields.
func (a *adoption) fieldColumns(t *table) ([]catalog.Field, []string, error) {
	cols, err := a.columns()
	if err != nil {
		return nil, nil, err
	}
	var fields []catalog.Field
	var names []string
	if t != nil {
		fields, names = slices.Clone(t.Fields), slices.Clone(t.columns)
		for i := range fields {
			if err := a.knownColumn(&fields[i], names[i], cols); err != nil {
				return nil, nil, err
			}
		}
		if cols, err = a.columns(); err != nil {
			return nil, nil, err
		}
	}
	for _, c := range cols {
		if !c.plain || slices.Contains(systemColumns, c.name) || strings.HasPrefix(c.name, "nagar_") || slices.Contains(names, c.name) {
			continue
		}
		f := catalog.Field{Name: c.name, Type: fieldTypeOf(c.typ), Class: catalog.ClassRestricted}
		a.retype(c, f.Type)
		fields, names = append(fields, f), append(names, c.name)
	}
	if len(a.retypes) > 0 { // all in one: each would write the table anew
		if err := a.exec(`alter table ` + a.table + ` ` + strings.Join(a.retypes, ", ")); err != nil {
			return nil, nil, err
		}
	}
	return fields, names, nil
}

// knownColumn makes sure of the column of a known field. One whose values the
// field cannot hold steps aside and becomes a field of its own.
func (a *adoption) knownColumn(f *catalog.Field, name string, cols []column) error {
	c := find(cols, name)
	switch {
	case c != nil && c.typ == wantedType[f.Type]:
		return nil
	case c != nil && c.plain && converts(c.typ, f.Type):
		a.lost = true
		a.retype(*c, f.Type)
		return nil
	case c != nil:
		if err := a.aside(cols, name); err != nil {
			return err
		}
	}
	a.lost = true
	return a.exec(fmt.Sprintf(`alter table %s add column %s %s`, a.table, quote(name), columnTypes[f.Type]))
}

// wantedType is pg_type.typname of columnTypes.
var wantedType = map[catalog.FieldType]string{
	catalog.TypeText: "text", catalog.TypeInteger: "int8", catalog.TypeReal: "float8", catalog.TypeBoolean: "bool",
	catalog.TypeTime: "timestamptz", catalog.TypeDate: "date", catalog.TypeJSON: "json",
}

// retype notes how to bring a column to a field's type; fieldColumns does it.
func (a *adoption) retype(c column, to catalog.FieldType) {
	q := quote(c.name)
	a.retypes = append(a.retypes, fmt.Sprintf(`alter column %s drop not null`, q))
	if c.typ != wantedType[to] {
		a.retypes = append(a.retypes, fmt.Sprintf(`alter column %s drop default, alter column %[1]s type %s using %s`, q, columnTypes[to], castTo(c, to)))
	}
}

// clean takes out values that columns hold and the catalogue does not, and notes
// each geometry that it cannot keep.
func (a *adoption) clean(t *table) error {
	sql := expand(`create temporary table nagar_bad on commit drop as
			select fid, id, problem from (select fid, id, nagar.geometry_problem(geom, {kind}) problem from {table} where geom is not null offset 0) x where problem is not null;
		insert into nagar.problems select {coll}, id, 'its geometry could not be kept when the table was taken over: ' || problem from nagar_bad;
		update {table} t set geom = null from nagar_bad b where b.fid = t.fid;
		`, "coll", fmt.Sprint(t.coll), "kind", literal(string(t.Geometry)), "table", a.table)
	for i, c := range t.columns {
		switch t.Fields[i].Type {
		case catalog.TypeReal:
			sql += fmt.Sprintf("update %s set %s = null where %[2]s in ('NaN', 'Infinity', '-Infinity');\n", a.table, quote(c))
		case catalog.TypeTime, catalog.TypeDate:
			sql += fmt.Sprintf("update %s set %s = null where not isfinite(%[2]s);\n", a.table, quote(c))
		}
	}
	return a.script(sql)
}

// geometryKind is the kind that fits all that the table holds.
func (a *adoption) geometryKind() (catalog.GeometryKind, error) {
	rows, err := a.tx.Query(a.ctx, `select distinct st_geometrytype(geom) from `+a.table+` where geom is not null`)
	if err != nil {
		return "", err
	}
	types, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	kinds := map[string]catalog.GeometryKind{
		"ST_Point": catalog.GeometryPoint, "ST_MultiPoint": catalog.GeometryPoint,
		"ST_LineString": catalog.GeometryLine, "ST_MultiLineString": catalog.GeometryLine,
		"ST_Polygon": catalog.GeometryPolygon, "ST_MultiPolygon": catalog.GeometryPolygon,
	}
	kind := catalog.GeometryAny
	for i, typ := range types {
		k, ok := kinds[typ]
		if !ok || i > 0 && k != kind {
			return catalog.GeometryAny, nil
		}
		kind = k
	}
	return kind, nil
}
