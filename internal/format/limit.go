package format

import "io"

// Limited reads on until one record takes more than MaxRecord; the decoder calls
// Next at each record. A file that never closes a quote or an element would
// otherwise be read into memory whole.
type Limited struct {
	r    io.Reader
	left int
	hint string
}

// NewLimited limits r; hint ends the error's sentence, such as "is a quote left open?".
func NewLimited(r io.Reader, hint string) *Limited {
	return &Limited{r: r, left: MaxRecord, hint: hint}
}

// Next begins a record.
func (l *Limited) Next() { l.left = MaxRecord }

// Read implements io.Reader; past the limit it fails with *Error of offset -1.
func (l *Limited) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, Errorf(-1, "a record is larger than %d MB; %s", MaxRecord>>20, l.hint)
	}
	n, err := l.r.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}
