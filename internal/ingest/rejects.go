package ingest

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"nagar/catalog"
	"nagar/geo/geojson"
)

// maxRejectText bounds what the rejects file keeps of a record that could not be decoded.
const maxRejectText = 4096

// rejects writes the rejected records as GeoJSONSeq: reason, index, line and what
// is known of the record, as properties; reason also as a member of its own.
type rejects struct {
	file *os.File
	w    *bufio.Writer
	buf  []byte
}

func newRejects(path string) (*rejects, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("rejects file: %w", err)
	}
	return &rejects{file: f, w: bufio.NewWriterSize(f, 1<<16)}, nil
}

func (r *rejects) add(it *item) error {
	if r == nil {
		return nil
	}
	r.buf = appendReject(r.buf[:0], it)
	if _, err := r.w.Write(r.buf); err != nil {
		return fmt.Errorf("rejects file: %w", err)
	}
	return nil
}

func appendReject(b []byte, it *item) []byte {
	reason := it.reject.Error()
	b = append(b, `{"type":"Feature",`...)
	if id := it.feature.ID; id != "" {
		b = append(b, `"id":`...)
		b = append(catalog.AppendJSONString(b, strings.ToValidUTF8(id, "�")), ',')
	}
	b = append(b, `"reason":`...)
	b = catalog.AppendJSONString(b, reason)
	b = append(b, `,"geometry":`...)
	b = geojson.AppendGeometry(b, &it.feature.Geometry)
	b = append(b, `,"properties":{"reason":`...)
	b = catalog.AppendJSONString(b, reason)
	b = fmt.Appendf(b, `,"index":%d`, it.index)
	if it.line > 0 {
		b = fmt.Appendf(b, `,"line":%d`, it.line)
	}
	if len(it.raw) > 0 {
		b = append(b, `,"source":`...)
		b = catalog.AppendJSONString(b, strings.ToValidUTF8(string(it.raw), "�"))
	}
	for _, p := range it.feature.Props {
		switch p.Name {
		case "reason", "index", "line", "source":
			continue
		}
		if p.Value.IsNull() || !utf8.ValidString(p.Name) {
			continue
		}
		b = append(b, ',')
		b = catalog.AppendJSONString(b, p.Name)
		b = append(b, ':')
		b = p.Value.AppendJSON(b)
	}
	return append(b, "}}\n"...)
}

// close flushes and closes; a full disk shows here.
func (r *rejects) close() error {
	if r == nil {
		return nil
	}
	err := r.w.Flush()
	if cerr := r.file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("rejects file: %w", err)
	}
	return nil
}
