package ingest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"nagar/internal/format"
	"nagar/internal/format/csv"
	"nagar/internal/format/geojson"
	"nagar/internal/format/gpkg"
	"nagar/internal/format/kml"
	"nagar/internal/format/shp"
)

// formats are the readable formats: the extensions they go by, and how they open.
var formats = []struct {
	name string
	ext  []string
	open func(path string, o *Options) (format.Decoder, error)
}{
	{"geojson", []string{".geojson", ".json"}, func(p string, o *Options) (format.Decoder, error) { return opened(geojson.Open(p)) }},
	{"geojsonseq", []string{".geojsonl", ".geojsons", ".geojsonseq", ".ndjson", ".ndgeojson", ".jsonl"}, func(p string, o *Options) (format.Decoder, error) { return opened(geojson.OpenSeq(p)) }},
	{"csv", []string{".csv", ".tsv", ".txt"}, func(p string, o *Options) (format.Decoder, error) {
		return opened(csv.Open(p, csv.Options{Lon: o.Map["lon"], Lat: o.Map["lat"], WKT: o.Map["wkt"]}))
	}},
	{"kml", []string{".kml", ".kmz"}, func(p string, o *Options) (format.Decoder, error) { return opened(kml.Open(p)) }},
	{"gpkg", []string{".gpkg", ".sqlite", ".db"}, func(p string, o *Options) (format.Decoder, error) { return opened(gpkg.Open(p, o.Layer)) }},
	{"shapefile", []string{".shp", ".zip"}, func(p string, o *Options) (format.Decoder, error) { return opened(shp.Open(p, o.Layer)) }},
}

// opened keeps a nil decoder of a concrete type from becoming a non-nil interface.
func opened[D format.Decoder](d D, err error) (format.Decoder, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Formats are the names of the formats that can be read, for --format.
func Formats() []string {
	out := make([]string, 0, len(formats))
	for _, f := range formats {
		out = append(out, f.name)
	}
	sort.Strings(out)
	return out
}

// source is a file that can be opened more than once.
type source struct {
	path, name string // name as the user gave it
	format     int    // index in formats
	size       int64
	temp       string // to be removed
	opts       *Options
}

// newSource finds the file and its format. Standard input is copied to a temporary
// file first: what it holds may have to be read twice.
func newSource(o *Options) (*source, error) {
	s := &source{path: o.From, name: o.From, opts: o, format: -1}
	if o.From == "-" {
		if err := s.spool(o.Stdin); err != nil {
			return nil, err
		}
		s.name = "standard input"
	}
	st, err := os.Stat(s.path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, &FileError{s.name, -1, err.Error()}
	}
	if st.IsDir() {
		if s.path, err = onlyFile(s.path); err != nil {
			return nil, err
		}
		s.name = s.path
		if st, err = os.Stat(s.path); err != nil {
			return nil, err
		}
	}
	s.size = st.Size()
	return s, s.findFormat(o.Format)
}

func (s *source) spool(in io.Reader) error {
	if in == nil {
		return usagef("there is no standard input")
	}
	f, err := os.CreateTemp("", "nagar-load-*")
	if err != nil {
		return fmt.Errorf("copy standard input: %w", err)
	}
	s.path, s.temp = f.Name(), f.Name()
	_, err = io.Copy(f, in)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		s.remove()
		return fmt.Errorf("copy standard input: %w", err)
	}
	return nil
}

func (s *source) remove() {
	if s.temp != "" {
		os.Remove(s.temp)
	}
}

// onlyFile is the one file of a directory that has a readable format.
func onlyFile(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		if !e.IsDir() && formatByName(e.Name()) >= 0 {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", &FileError{dir, -1, "the directory holds no file of a readable format"}
	case 1:
		return filepath.Join(dir, found[0]), nil
	}
	return "", &FileError{dir, -1, fmt.Sprintf("the directory holds %d readable files (%s, %s, ...); name one", len(found), found[0], found[1])}
}

func formatByName(path string) int {
	name := strings.TrimSuffix(strings.ToLower(path), ".gz")
	ext := filepath.Ext(name)
	for i, f := range formats {
		for _, e := range f.ext {
			if e == ext {
				return i
			}
		}
	}
	return -1
}

func (s *source) findFormat(name string) error {
	if name != "" {
		for i, f := range formats {
			if f.name == name {
				s.format = i
				return nil
			}
		}
		return usagef("format %q: want one of %s", name, strings.Join(Formats(), ", "))
	}
	if s.temp == "" {
		if s.format = formatByName(s.path); s.format >= 0 {
			return nil
		}
	}
	if guess := s.sniff(); guess != "" {
		return s.findFormat(guess)
	}
	return &FileError{s.name, -1, "the format cannot be told from its name; give --format " + strings.Join(Formats(), "|")}
}

// sniff looks at the first bytes of the (unpacked) file for what it may be.
func (s *source) sniff() string {
	f, err := os.Open(s.path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	switch {
	case strings.HasPrefix(string(head), "SQLite format 3"):
		return known("gpkg")
	case strings.HasPrefix(string(head), "PK\x03\x04"):
		return known("shapefile")
	case n >= 4 && string(head[:4]) == "\x00\x00\x27\x0a":
		return known("shapefile")
	}
	t, err := format.OpenText(s.path)
	if err != nil {
		return ""
	}
	defer t.Close()
	text, _ := t.Peek(512)
	start := strings.TrimSpace(string(text))
	switch {
	case strings.HasPrefix(start, "{"), strings.HasPrefix(start, "\x1e"):
		return "geojson"
	case strings.HasPrefix(start, "<"):
		return known("kml")
	case strings.ContainsAny(start, ",;\t") && !strings.ContainsAny(start[:min(1, len(start))], "[<"):
		return "csv"
	}
	return ""
}

// known is the name when that format can be read, else "".
func known(name string) string {
	for _, f := range formats {
		if f.name == name {
			return name
		}
	}
	return ""
}

// open opens a decoder; what is wrong with the file is *FileError, with a hint
// when its content looks like another format.
func (s *source) open() (format.Decoder, error) {
	d, err := formats[s.format].open(s.path, s.opts)
	if err == nil {
		return d, nil
	}
	err = s.fileError(err)
	var fe *FileError
	if errors.As(err, &fe) && s.size > 0 {
		if guess := s.sniff(); guess != "" && guess != formats[s.format].name && !(guess == "geojson" && formats[s.format].name == "geojsonseq") {
			fe.Reason += fmt.Sprintf("; it looks like %s: give --format %s", guess, guess)
		}
	}
	return nil, err
}

// fileError names the file in what a decoder says of it.
func (s *source) fileError(err error) error {
	var e *format.Error
	if errors.As(err, &e) {
		return &FileError{s.name, e.Offset, e.Reason}
	}
	return fmt.Errorf("%s: %w", s.name, err)
}
