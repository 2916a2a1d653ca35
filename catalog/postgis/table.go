package postgis

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"nagar/catalog"
)

// table is a collection as it lies in the database: description, numbers and
// column names. It is not changed after it is made.
type table struct {
	catalog.Collection
	coll    int32
	version int64
	rel     uint32
	columns []string // of Fields, unquoted
	fields  string   // the columns quoted, each after a comma
	byName  map[string]int
}

// name and history are the qualified names of the two tables.
func (t *table) name() string    { return `public.` + quote(t.Name) }
func (t *table) history() string { return `nagar.` + quote("h_"+t.Name) }

// index is the name of the spatial index.
func (t *table) index() string { return fmt.Sprintf("nagar_%d_geom", t.coll) }

// fieldIndexes are the names of the two indexes on a field, of what is current
// and of what is past.
func (t *table) fieldIndexes(place int) [2]string {
	name := fmt.Sprintf("nagar_%d_field_%d", t.coll, place)
	return [2]string{name, name + "_past"}
}

// maxKey is how many characters of a text an index holds: a B-tree takes no entry
// of more than 2,704 bytes.
const maxKey = 128

// indexed is what an index of the field is on, of the row x.
func (t *table) indexed(place int, x string) string {
	column := x + quote(t.columns[place])
	if t.Fields[place].Type == catalog.TypeText {
		return fmt.Sprintf("left(%s, %d)", column, maxKey)
	}
	return column
}

// list returns the field columns with a prefix such as "c.", each after a comma.
func (t *table) list(prefix string) string {
	var b strings.Builder
	for _, c := range t.columns {
		b.WriteString(", ")
		b.WriteString(prefix)
		b.WriteString(quote(c))
	}
	return b.String()
}

var columnTypes = map[catalog.FieldType]string{
	catalog.TypeText:    "text",
	catalog.TypeInteger: "bigint",
	catalog.TypeReal:    "double precision",
	catalog.TypeBoolean: "boolean",
	catalog.TypeTime:    "timestamptz",
	catalog.TypeDate:    "date",
	catalog.TypeJSON:    "json", // not jsonb, which keeps the value and not its text
}

// systemColumns are names that a field's column cannot have: ours and PostgreSQL's.
var systemColumns = []string{"fid", "id", "geom", "valid_from", "valid_to", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}

// maxIdentifier is the length of PostgreSQL's identifiers in bytes.
const maxIdentifier = 63

// columnName is the name of the column for a field: the field's own where that is
// free and fits, else shortened and numbered.
func columnName(field string, taken []string) string {
	free := func(name string) bool {
		return len(name) <= maxIdentifier && !slices.Contains(taken, name) &&
			!slices.Contains(systemColumns, name) && !strings.HasPrefix(name, "nagar_")
	}
	base := field
	if strings.HasPrefix(base, "nagar_") {
		base = "field_" + base
	}
	if free(base) {
		return base
	}
	for i := 2; ; i++ {
		suffix := fmt.Sprintf("_%d", i)
		b := base
		for len(b)+len(suffix) > maxIdentifier {
			_, n := utf8.DecodeLastRuneInString(b)
			b = b[:len(b)-n]
		}
		if free(b + suffix) {
			return b + suffix
		}
	}
}

// newTable completes t from its collection and columns.
func newTable(t table) *table {
	t.fields = t.list("")
	t.byName = make(map[string]int, len(t.Fields))
	for i := range t.Fields {
		t.byName[t.Fields[i].Name] = i
	}
	return &t
}

const tableSQL = `select k.coll, k.name, k.rel::bigint, k.description, k.columns, k.version, coalesce(m.rev, 0)
	from nagar.collections k left join nagar.commits m on m.txn = k.txn`

func scanTable(row pgx.Row) (*table, error) {
	var t table
	var name, description, columns string
	var rel int64
	var rev catalog.Rev
	if err := row.Scan(&t.coll, &name, &rel, &description, &columns, &t.version, &rev); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(description), &t.Collection); err != nil {
		return nil, fmt.Errorf("description of %s: %w", name, err)
	}
	if err := json.Unmarshal([]byte(columns), &t.columns); err != nil {
		return nil, fmt.Errorf("columns of %s: %w", name, err)
	}
	if len(t.columns) != len(t.Fields) {
		return nil, fmt.Errorf("collection %s has %d fields and %d columns", name, len(t.Fields), len(t.columns))
	}
	t.Rev, t.rel = rev, uint32(rel)
	return newTable(t), nil
}

// table reads a collection in the transaction, or ErrNotFound.
func (s *Store) table(ctx context.Context, q querier, name string) (*table, error) {
	s.mu.Lock()
	t := s.known[name]
	s.mu.Unlock()
	if t != nil {
		// The description is long and changes seldom: first ask whether it did.
		var version int64
		err := q.QueryRow(ctx, `select version from nagar.collections where coll = $1`, t.coll).Scan(&version)
		if err == nil && version == t.version {
			return t, nil
		}
	}
	t, err := scanTable(q.QueryRow(ctx, tableSQL+` where k.name = $1`, name))
	if err == pgx.ErrNoRows {
		return nil, fmt.Errorf("collection %q: %w", name, catalog.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if old := s.known[name]; old == nil || old.version < t.version || old.coll != t.coll {
		s.known[name] = t
	}
	s.mu.Unlock()
	return t, nil
}

// Collection returns one description, or ErrNotFound.
func (s *Store) Collection(ctx context.Context, name string) (catalog.Collection, error) {
	t, err := s.table(ctx, s.pool, name)
	if err != nil {
		return catalog.Collection{}, s.fail(ctx, "read collection "+name, err)
	}
	return t.description(), nil
}

// description is a copy that the caller may change.
func (t *table) description() catalog.Collection {
	c := t.Collection
	c.Fields = slices.Clone(c.Fields)
	return c
}

// Collections returns all descriptions, by name.
func (s *Store) Collections(ctx context.Context) ([]catalog.Collection, error) {
	tables, err := s.tables(ctx, s.pool)
	if err != nil {
		return nil, s.fail(ctx, "read collections", err)
	}
	out := make([]catalog.Collection, len(tables))
	for i, t := range tables {
		out[i] = t.Collection
	}
	return out, nil
}

type rowsQuerier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func (s *Store) tables(ctx context.Context, q rowsQuerier) ([]*table, error) {
	rows, err := q.Query(ctx, tableSQL+` order by k.name`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*table, error) { return scanTable(row) })
}
