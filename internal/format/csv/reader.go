// Package csv reads comma-, semicolon-, tab- or bar-separated text with a header
// (RFC 4180), and writes it.
//
// A geometry comes from a column of well-known text or from two columns of
// longitude and latitude, found by their names; those columns are not fields
// besides. Where there is none, a column named digipin places the record in the
// middle of its cell, and stays a field. A column named id is the record's id. Cells are text: what they stand
// for is for ingest to infer. An empty cell is null.
package csv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"nagar/catalog"
	"nagar/geo"
	"nagar/geo/digipin"
	"nagar/internal/format"
)

// Options name columns; "" finds them by their usual names.
type Options struct{ Lon, Lat, WKT string }

// Reader reads one CSV text. It implements format.Decoder.
type Reader struct {
	text   *format.Text
	limit  *format.Limited
	quotes *quoteCounter
	csv    *csv.Reader
	header []string
	info   format.Info
	index  int64
	width  int

	lon, lat, wkt, pin, id int // columns, -1 for none
}

// Open reads the header of path.
func Open(path string, o Options) (*Reader, error) {
	t, err := format.OpenText(path)
	if err != nil {
		return nil, err
	}
	r, err := New(t, o)
	if err != nil {
		t.Close()
	}
	return r, err
}

// New reads the header from an opened text.
func New(t *format.Text, o Options) (*Reader, error) {
	head, err := t.Peek(1 << 16)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if i := bytes.IndexByte(head, 0); i >= 0 {
		return nil, format.Errorf(int64(i), "the file is not text: it holds a zero byte")
	}
	if start := bytes.TrimLeft(head, " \t\r\n"); len(start) > 0 && bytes.IndexByte([]byte("{[<"), start[0]) >= 0 {
		return nil, format.Errorf(int64(len(head)-len(start)), "the file is not CSV: its header begins with %q", start[0])
	}
	r := &Reader{text: t, limit: format.NewLimited(t, "is a quote left open?")}
	r.quotes = &quoteCounter{r: r.limit}
	r.csv = csv.NewReader(r.quotes)
	r.csv.Comma = delimiter(head)
	r.csv.FieldsPerRecord = -1
	row, err := r.csv.Read()
	if err != nil {
		return nil, r.fileError(err)
	}
	if err := r.readHeader(row); err != nil {
		return nil, err
	}
	return r, r.findGeometry(o)
}

// delimiter is the one of , ; tab | that the header line has most of, quotes aside.
func delimiter(head []byte) rune {
	var count [128]int
	quoted := false
	for _, c := range head {
		if c == '"' {
			quoted = !quoted
		}
		if quoted {
			continue
		}
		if c == '\n' {
			break
		}
		if c < 128 {
			count[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte{';', '\t', '|'} {
		if count[c] > count[best] {
			best = c
		}
	}
	return rune(best)
}

func (r *Reader) readHeader(row []string) error {
	seen := map[string]bool{}
	for i, name := range row {
		name = strings.TrimSpace(name)
		if !utf8.ValidString(name) {
			return format.Errorf(0, "the header is not UTF-8 text")
		}
		if name == "" {
			name = fmt.Sprintf("column_%d", i+1)
		}
		for base, n := name, 2; seen[name]; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		seen[name] = true
		r.header = append(r.header, name)
	}
	r.width = len(r.header)
	return nil
}

// Names that columns of coordinates go by, best first.
var (
	pairNames = [][2]string{{"lon", "lat"}, {"longitude", "latitude"}, {"lng", "lat"}, {"long", "lat"},
		{"lon_deg", "lat_deg"}, {"geo_lon", "geo_lat"}, {"x", "y"}, {"easting", "northing"}}
	wktNames = []string{"wkt", "geometry", "geom", "the_geom", "wkt_geom", "geom_wkt", "geometry_wkt"}
	pinNames = []string{"digipin", "digi_pin", "digipin_code"}
)

func (r *Reader) column(name string) int {
	for i, h := range r.header {
		if h == name {
			return i
		}
	}
	for i, h := range r.header {
		if strings.EqualFold(h, name) {
			return i
		}
	}
	return -1
}

func (r *Reader) findGeometry(o Options) error {
	r.lon, r.lat, r.wkt, r.pin, r.id = -1, -1, -1, -1, -1
	for i, h := range r.header {
		if h == "id" {
			r.id, r.info.ID = i, h
		}
	}
	named := func(name string, at *int) error {
		if *at = r.column(name); *at < 0 {
			return format.Errorf(0, "the header has no column %q", name)
		}
		return nil
	}
	switch {
	case o.WKT != "":
		if err := named(o.WKT, &r.wkt); err != nil {
			return err
		}
	case o.Lon != "" || o.Lat != "":
		if err := named(o.Lon, &r.lon); err != nil {
			return err
		}
		if err := named(o.Lat, &r.lat); err != nil {
			return err
		}
	default:
		r.guess()
	}
	kind := catalog.GeometryNone
	switch {
	case r.wkt >= 0:
		kind = "" // only the values tell
	case r.lon >= 0, r.pin >= 0:
		kind = catalog.GeometryPoint
	default:
		r.info.Notes = append(r.info.Notes, "no columns of longitude and latitude, of WKT or of DIGIPINs were found: the records have no geometry")
	}
	r.info.Geometry = kind
	for i, h := range r.header {
		if !r.special(i) {
			r.info.Columns = append(r.info.Columns, format.Column{Name: h})
		}
	}
	return nil
}

func (r *Reader) special(i int) bool { return i == r.lon || i == r.lat || i == r.wkt || i == r.id }

func (r *Reader) guess() {
	for _, n := range pinNames {
		if r.pin = r.column(n); r.pin >= 0 {
			break
		}
	}
	for _, n := range wktNames {
		if r.wkt = r.column(n); r.wkt >= 0 {
			break
		}
	}
	// Both may be there: WKT then counts where it is not empty, as we write it.
	for _, p := range pairNames {
		lon, lat := r.column(p[0]), r.column(p[1])
		if lon >= 0 && lat >= 0 {
			r.lon, r.lat = lon, lat
			return
		}
	}
}

// Info tells the columns.
func (r *Reader) Info() format.Info { return r.info }

// Position is how many bytes of the file have been read.
func (r *Reader) Position() int64 { return r.text.Position() }

// Close closes the file.
func (r *Reader) Close() error { return r.text.Close() }

func (r *Reader) fileError(err error) error {
	var own *format.Error
	if errors.As(err, &own) {
		if own.Offset < 0 {
			return format.Errorf(r.csv.InputOffset(), "%s", own.Reason)
		}
		return own
	}
	if errors.Is(err, io.EOF) {
		return format.Errorf(0, "the file holds no header")
	}
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return format.Errorf(r.csv.InputOffset(), "line %d: %v", parse.Line, parse.Err)
	}
	return err
}

// Read returns the next rows.
func (r *Reader) Read() (format.Chunk, error) {
	var out format.Slice
	from := r.csv.InputOffset()
	for len(out) < format.ChunkRecords && r.csv.InputOffset()-from < format.ChunkBytes {
		r.limit.Next()
		row, err := r.csv.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		r.index++
		rec := format.Record{Index: r.index}
		var parse *csv.ParseError
		switch {
		case err == nil:
			line, _ := r.csv.FieldPos(0)
			rec.Line = int64(line)
			rec.Err = r.record(&rec, row)
		case errors.As(err, &parse):
			rec.Line = int64(parse.StartLine)
			rec.Err = parse.Err
			if r.quotes.end && r.quotes.n%2 == 1 && errors.Is(parse.Err, csv.ErrQuote) {
				rec.Fatal = true
				rec.Err = format.Errorf(r.csv.InputOffset(), "the file breaks off inside the quotes that open in line %d", parse.StartLine)
			}
		default:
			rec.Err, rec.Fatal = r.fileError(err), true
		}
		if rec.Err != nil {
			rec.Raw = []byte(strings.Join(row, string(r.csv.Comma)))
		}
		out = append(out, rec)
		if rec.Fatal {
			return out, nil
		}
	}
	if len(out) == 0 {
		return nil, io.EOF
	}
	return out, nil
}

// quoteCounter counts quotes: an odd number at the end of the file is a cell that
// was never closed, which encoding/csv does not tell from a stray quote.
type quoteCounter struct {
	r   io.Reader
	n   int
	end bool
}

func (q *quoteCounter) Read(b []byte) (int, error) {
	n, err := q.r.Read(b)
	q.n += bytes.Count(b[:n], []byte{'"'})
	q.end = errors.Is(err, io.EOF)
	return n, err
}

func (r *Reader) record(rec *format.Record, row []string) error {
	if len(row) != r.width {
		return fmt.Errorf("the row has %d cells, the header %d", len(row), r.width)
	}
	rec.Fields = make([]format.Field, 0, len(row))
	for i, cell := range row {
		if !utf8.ValidString(cell) {
			return fmt.Errorf("%s: text is not UTF-8", r.header[i])
		}
		if r.special(i) {
			continue
		}
		f := format.Field{Name: r.header[i], Loose: true}
		if cell != "" {
			f.Value = catalog.Text(cell)
		}
		rec.Fields = append(rec.Fields, f)
	}
	if r.id >= 0 {
		rec.ID = strings.TrimSpace(row[r.id])
	}
	return r.geometry(rec, row)
}

func (r *Reader) geometry(rec *format.Record, row []string) (err error) {
	if r.wkt >= 0 && (r.lon < 0 || strings.TrimSpace(row[r.wkt]) != "") {
		rec.Geometry, err = format.ParseWKT(row[r.wkt])
		return err
	}
	if r.lon < 0 {
		return r.cell(rec, row)
	}
	x, y := strings.TrimSpace(row[r.lon]), strings.TrimSpace(row[r.lat])
	if x == "" && y == "" {
		return r.cell(rec, row)
	}
	lon, err := ordinate(r.header[r.lon], x)
	if err != nil {
		return err
	}
	lat, err := ordinate(r.header[r.lat], y)
	if err != nil {
		return err
	}
	rec.Geometry = geo.NewPoint(lon, lat)
	return nil
}

// cell places the record in the middle of the cell that its DIGIPIN names, if any.
func (r *Reader) cell(rec *format.Record, row []string) error {
	if r.pin < 0 || strings.TrimSpace(row[r.pin]) == "" {
		return nil
	}
	code, err := digipin.Format(row[r.pin]) // a whole one: part of one is an area, and no place
	if err != nil {
		return fmt.Errorf("%s: %w", r.header[r.pin], err)
	}
	box, err := digipin.Decode(code)
	if err != nil {
		return fmt.Errorf("%s: %w", r.header[r.pin], err)
	}
	rec.Geometry = geo.NewPoint((box.W+box.E)/2, (box.S+box.N)/2)
	return nil
}

func ordinate(name, s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v-v != 0 {
		return 0, fmt.Errorf("%s: %q is not a finite number", name, clip(s))
	}
	return v, nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
