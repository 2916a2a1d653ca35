package shp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"

	"nagar/catalog"
	"nagar/internal/format"
)

// dbfField is one column of the table.
type dbfField struct {
	name     string
	kind     byte
	width    int
	decimals int
}

// table reads a dBASE file (version III and its successors) row by row.
type table struct {
	in     io.ReadCloser
	r      *bufio.Reader
	fields []dbfField
	rows   int64
	width  int
	buf    []byte
	read   int64
	text   *encoding.Decoder // nil: UTF-8
	guess  bool              // the encoding is not declared: UTF-8 where it is valid, else text
}

func newTable(in io.ReadCloser, codepage string) (*table, error) {
	t := &table{in: in, r: bufio.NewReaderSize(in, 1<<16)}
	var head [32]byte
	if _, err := io.ReadFull(t.r, head[:]); err != nil {
		return nil, format.Errorf(0, "the .dbf breaks off inside its header")
	}
	t.rows = int64(binary.LittleEndian.Uint32(head[4:]))
	headerLen, width := int(binary.LittleEndian.Uint16(head[8:])), int(binary.LittleEndian.Uint16(head[10:]))
	if headerLen < 33 || width < 1 {
		return nil, format.Errorf(0, "the .dbf has no valid header")
	}
	if err := t.encoding(codepage, head[29]); err != nil {
		return nil, err
	}
	rest := make([]byte, headerLen-32)
	if _, err := io.ReadFull(t.r, rest); err != nil {
		return nil, format.Errorf(32, "the .dbf breaks off inside its header")
	}
	used := 1
	seen := map[string]bool{}
	for i := 0; i+32 <= len(rest) && rest[i] != 0x0d; i += 32 {
		d := rest[i : i+32]
		name, _, _ := strings.Cut(string(d[:11]), "\x00")
		text, err := t.decode([]byte(name))
		if err != nil || strings.TrimSpace(text) == "" {
			text = fmt.Sprintf("column_%d", len(t.fields)+1)
		}
		text = strings.TrimSpace(text)
		for base, n := text, 2; seen[text]; n++ {
			text = fmt.Sprintf("%s_%d", base, n)
		}
		seen[text] = true
		f := dbfField{name: text, kind: d[11], width: int(d[16]), decimals: int(d[17])}
		if f.kind == 'C' && f.decimals > 0 { // long text: the decimals are the high byte
			f.width += f.decimals << 8
		}
		used += f.width
		t.fields = append(t.fields, f)
	}
	if used > width {
		return nil, format.Errorf(8, "the .dbf says that rows have %d bytes, and its fields need %d", width, used)
	}
	t.width = width
	t.buf = make([]byte, width)
	return t, nil
}

// encodings by the language driver id of the header.
var languageDrivers = map[byte]encoding.Encoding{
	0x01: charmap.CodePage437, 0x02: charmap.CodePage850, 0x03: charmap.Windows1252, 0x57: charmap.Windows1252,
	0x58: charmap.Windows1252, 0x59: charmap.Windows1252, 0x64: charmap.CodePage852, 0x65: charmap.CodePage866,
	0xc8: charmap.Windows1250, 0xc9: charmap.Windows1251, 0xca: charmap.Windows1254, 0xcb: charmap.Windows1253,
}

func (t *table) encoding(codepage string, driver byte) error {
	name := strings.ToLower(strings.TrimSpace(codepage))
	name = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(name, "ansi"), "cp"))
	switch {
	case name == "utf-8" || name == "utf8" || name == "65001":
		return nil
	case name == "" || name == "system":
		if e := languageDrivers[driver]; e != nil {
			t.text = e.NewDecoder()
			return nil
		}
		t.text, t.guess = charmap.Windows1252.NewDecoder(), true
		return nil
	}
	switch name = strings.TrimSpace(name); name {
	case "437":
		t.text = charmap.CodePage437.NewDecoder()
		return nil
	case "850":
		t.text = charmap.CodePage850.NewDecoder()
		return nil
	case "852":
		t.text = charmap.CodePage852.NewDecoder()
		return nil
	}
	if len(name) == 4 && strings.HasPrefix(name, "125") {
		name = "windows-" + name
	}
	if rest, ok := strings.CutPrefix(name, "8859"); ok { // ESRI writes 88591 for ISO 8859-1
		name = "iso-8859-" + strings.TrimLeft(rest, "-_ ")
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return format.Errorf(0, "the .cpg names the unknown encoding %q", clip(codepage))
	}
	t.text = e.NewDecoder()
	return nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func (t *table) decode(b []byte) (string, error) {
	if t.text == nil || t.guess && utf8.Valid(b) {
		if !utf8.Valid(b) {
			return "", errors.New("text is not UTF-8, as the .cpg says it is")
		}
		return string(b), nil
	}
	out, err := t.text.Bytes(b)
	return string(out), err
}

func (t *table) columns() []format.Column {
	out := []format.Column{}
	for _, f := range t.fields {
		c := format.Column{Name: f.name}
		switch {
		case f.kind == 'M' || f.kind == 'G' || f.kind == 'P' || f.kind == 'B' && f.width == 10:
			continue // in another file
		case f.kind == 'C':
			c.Type = catalog.TypeText
		case f.kind == 'L':
			c.Type = catalog.TypeBoolean
		case f.kind == 'D':
			c.Type = catalog.TypeDate
		case f.kind == 'I':
			c.Type = catalog.TypeInteger
		case f.kind == 'F' || f.kind == 'O' || f.kind == 'B' || f.kind == 'N' && f.decimals > 0:
			c.Type = catalog.TypeReal
		}
		out = append(out, c)
	}
	return out
}

// row reads the next row into rec; deleted rows count but are not data.
func (t *table) row(rec *format.Record) (deleted bool, err error) {
	if t.read >= t.rows {
		return false, format.Errorf(-1, "the .dbf has %d rows, fewer than the .shp has shapes", t.rows)
	}
	if _, err := io.ReadFull(t.r, t.buf); err != nil {
		// The last row may lack its end marker, never bytes of its own.
		return false, format.Errorf(-1, "the .dbf breaks off in row %d", t.read+1)
	}
	t.read++
	if t.buf[0] == '*' {
		return true, nil
	}
	rec.Fields = make([]format.Field, 0, len(t.fields))
	at := 1
	for _, f := range t.fields {
		cell := t.buf[at : at+f.width]
		at += f.width
		if f.kind == 'M' || f.kind == 'G' || f.kind == 'P' || f.kind == 'B' && f.width == 10 {
			continue
		}
		v, err := t.value(&f, cell)
		if err != nil && rec.Err == nil {
			rec.Err = fmt.Errorf("%s: %w", f.name, err)
		}
		rec.Fields = append(rec.Fields, format.Field{Name: f.name, Value: v})
	}
	return false, nil
}

func (t *table) value(f *dbfField, cell []byte) (catalog.Value, error) {
	switch f.kind {
	case 'I':
		if len(cell) == 4 {
			return catalog.Integer(int64(int32(binary.LittleEndian.Uint32(cell)))), nil
		}
	case 'O', 'B':
		if len(cell) == 8 {
			return catalog.Real(math.Float64frombits(binary.LittleEndian.Uint64(cell))), nil
		}
	case 'C':
		if i := strings.IndexByte(string(cell), 0); i >= 0 {
			cell = cell[:i]
		}
		s, err := t.decode(cell)
		if s = strings.TrimRight(s, " "); s == "" || err != nil {
			return catalog.Null, err
		}
		return catalog.Text(s), nil
	}
	s := strings.Trim(string(cell), " \x00")
	if s == "" || strings.Trim(s, "*") == "" {
		return catalog.Null, nil
	}
	switch f.kind {
	case 'L':
		switch s {
		case "T", "t", "Y", "y", "1":
			return catalog.Boolean(true), nil
		case "F", "f", "N", "n", "0":
			return catalog.Boolean(false), nil
		case "?":
			return catalog.Null, nil
		}
		return catalog.Null, fmt.Errorf("%q is no truth", clip(s))
	case 'D':
		if strings.Trim(s, "0") == "" {
			return catalog.Null, nil
		}
		d, err := time.Parse("20060102", s)
		if err != nil {
			return catalog.Null, fmt.Errorf("%q is no date", clip(s))
		}
		return catalog.Date(d), nil
	case 'N', 'F', 'I':
		return number(s, f)
	}
	text, err := t.decode([]byte(s))
	return catalog.Text(text), err
}

// number keeps integers exact; a field with decimals is real throughout.
func number(s string, f *dbfField) (catalog.Value, error) {
	if f.kind != 'F' && f.decimals == 0 {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return catalog.Integer(n), nil
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v-v != 0 {
		return catalog.Null, fmt.Errorf("%q is not a finite number", clip(s))
	}
	return catalog.Real(v), nil
}
