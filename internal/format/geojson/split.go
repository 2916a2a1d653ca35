package geojson

import (
	"bytes"
	"errors"
	"io"

	"nagar/internal/format"
)

// maxNesting bounds the nesting of brackets while looking for a record's end.
const maxNesting = 512

// splitter finds the end of one JSON value in a stream, by brackets and quotes
// alone: what lies inside is judged when the record is decoded.
type splitter struct {
	depth   int
	kinds   [maxNesting / 64]uint64 // bit set: an object is open at that depth
	quoted  bool
	escaped bool
	scalar  bool // a number or word: ends before a comma, bracket or space
}

// feed takes the next bytes of the value. It returns how many belong to it and
// whether it ended there.
func (s *splitter) feed(b []byte) (n int, end bool, reason string) {
	for i := 0; i < len(b); i++ {
		if s.quoted {
			j, closed := s.closeQuote(b[i:])
			i += j
			if !closed {
				return len(b), false, ""
			}
			if s.depth == 0 {
				return i + 1, true, ""
			}
			continue
		}
		switch c := b[i]; c {
		case '"':
			s.quoted = true
		case '{', '[':
			if s.depth == maxNesting {
				return i, false, "brackets nested too deep"
			}
			bit := uint64(1) << (s.depth % 64)
			if s.kinds[s.depth/64] &^= bit; c == '{' {
				s.kinds[s.depth/64] |= bit
			}
			s.depth++
		case '}', ']':
			if s.depth == 0 {
				return i, true, "" // the end of what holds a scalar
			}
			s.depth--
			if object := s.kinds[s.depth/64]>>(s.depth%64)&1 != 0; object != (c == '}') {
				return i, false, "a bracket is closed by one of the other kind"
			}
			if s.depth == 0 {
				return i + 1, true, ""
			}
		default:
			if s.depth > 0 {
				continue
			}
			if c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ':' {
				return i, true, ""
			}
			s.scalar = true
		}
	}
	return len(b), false, ""
}

// closeQuote looks for the closing quote in b; n is its place, or len(b)-1.
func (s *splitter) closeQuote(b []byte) (n int, closed bool) {
	for i := 0; i < len(b); {
		if s.escaped {
			s.escaped = false
			i++
			continue
		}
		q := bytes.IndexByte(b[i:], '"')
		e := b[i:]
		if q >= 0 {
			e = b[i : i+q]
		}
		if back := bytes.IndexByte(e, '\\'); back >= 0 {
			s.escaped = true
			i += back + 1
			continue
		}
		if q < 0 {
			return len(b) - 1, false
		}
		s.quoted = false
		return i + q, true
	}
	return len(b) - 1, false
}

// value appends the JSON value at the cursor to the record.
func (r *Reader) value(c *chunk, s *span) error {
	var sp splitter
	for {
		b, err := r.text.Peek(1)
		if err == nil {
			b, _ = r.text.Peek(r.text.Buffered())
		}
		if len(b) == 0 {
			switch {
			case !errors.Is(err, io.EOF):
				return err
			case sp.scalar && sp.depth == 0:
				return nil
			}
			return r.breaksOff()
		}
		n, end, reason := sp.feed(b)
		if reason != "" {
			return format.Errorf(r.offset+int64(n), "%s", reason)
		}
		c.keep(s, b[:n])
		r.line += int64(bytes.Count(b[:n], []byte{'\n'}))
		r.offset += int64(n)
		r.text.Discard(n)
		if end {
			return nil
		}
	}
}
