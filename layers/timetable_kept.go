package layers

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/layers/index"
	"nagar/layers/snapfile"
)

// The timetable in the snapshot file: a number of appointments, then each. Numbers
// are varints (encoding/binary), times µs since 1970, texts a length and bytes:
//
//	collection  text
//	id          text
//	at          signed
//	kind        1: it disappears; 2: it appears, and then follow
//	valid from, valid to   signed, noTime for none
//	rev         signed
//	geometry    text: ISO WKB, empty for none
//	properties  a number, then of each: name text, type text, value
//	            (text or JSON: text; real: its bits, signed; time: µs; date: days; else the number)

const noTime = -1 << 63

const (
	disappears = 1
	appears    = 2
)

// list is all appointments.
func (t *timetable) list() []*appointment { return append([]*appointment(nil), t.queue...) }

func encodeAppointments(all []*appointment) []byte {
	b := binary.AppendUvarint(nil, uint64(len(all)))
	for _, a := range all {
		b = appendText(b, a.id.collection)
		b = appendText(b, a.id.id)
		b = binary.AppendVarint(b, a.at.UnixMicro())
		if a.show == nil {
			b = binary.AppendUvarint(b, disappears)
			continue
		}
		b = binary.AppendUvarint(b, appears)
		b = binary.AppendVarint(b, micros(a.show.ValidFrom))
		b = binary.AppendVarint(b, micros(a.show.ValidTo))
		b = binary.AppendVarint(b, int64(a.show.Rev))
		var wkb []byte
		if a.show.Geometry.Type != geo.None {
			wkb = geo.AppendWKB(nil, &a.show.Geometry, geo.ISO)
		}
		b = appendText(b, string(wkb))
		b = binary.AppendUvarint(b, uint64(len(a.show.Props)))
		for _, p := range a.show.Props {
			b = appendText(b, p.Name)
			b = appendText(b, string(p.Value.Type()))
			switch p.Value.Type() {
			case catalog.TypeText, catalog.TypeJSON:
				b = appendText(b, p.Value.Str())
			default:
				b = binary.AppendVarint(b, index.Number(p.Value))
			}
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.UnixMicro()
}

// decodeTimetable reads what encodeAppointments wrote.
func decodeTimetable(b []byte) (*timetable, error) {
	t := newTimetable()
	r := &appointmentReader{b: b}
	for n := r.uint(); n > 0 && !r.broken; n-- {
		a := r.appointment()
		if _, twice := t.of[a.id]; twice {
			r.broken = true
		}
		t.of[a.id], a.seq = a, len(t.queue)
		t.queue = append(t.queue, a)
	}
	if r.broken || len(r.b) > 0 {
		return nil, fmt.Errorf("%w: timetable", snapfile.ErrBroken)
	}
	heap.Init(&t.queue)
	return t, nil
}

// appointmentReader reads from b; what does not fit makes it broken.
type appointmentReader struct {
	b      []byte
	broken bool
}

func (r *appointmentReader) appointment() *appointment {
	a := &appointment{id: featureID{r.text(), r.text()}, at: time.UnixMicro(r.int()).UTC()}
	switch r.uint() {
	case disappears:
		return a
	case appears:
	default:
		r.broken = true
		return a
	}
	x := &catalog.Feature{ID: a.id.id, ValidFrom: r.time(), ValidTo: r.time(), Rev: catalog.Rev(r.int())}
	a.show = x
	if wkb := r.text(); wkb != "" {
		g, err := geo.DecodeWKB([]byte(wkb))
		r.broken = r.broken || err != nil
		x.Geometry = g
	}
	for n := r.uint(); n > 0 && !r.broken; n-- {
		p := catalog.Property{Name: r.text()}
		switch t := catalog.FieldType(r.text()); t {
		case catalog.TypeText:
			p.Value = catalog.Text(r.text())
		case catalog.TypeJSON:
			p.Value = catalog.JSON(r.text())
		default:
			p.Value = index.ValueOf(t, r.int())
		}
		x.Props = append(x.Props, p)
	}
	return a
}

func (r *appointmentReader) take(n int) {
	if n <= 0 || r.broken {
		r.b, r.broken = nil, true
		return
	}
	r.b = r.b[n:]
}

func (r *appointmentReader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.take(n)
	return v
}

func (r *appointmentReader) int() int64 {
	v, n := binary.Varint(r.b)
	r.take(n)
	return v
}

func (r *appointmentReader) text() string {
	n := r.uint()
	if r.broken || n > uint64(len(r.b)) {
		r.b, r.broken = nil, true
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *appointmentReader) time() time.Time {
	us := r.int()
	if us == noTime {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
