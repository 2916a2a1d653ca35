package format

import (
	"bufio"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// Text is an opened text file: unpacked when it is gzipped (told by its magic
// bytes), and without a UTF-8 byte order mark.
type Text struct {
	*bufio.Reader
	file *os.File
	read *countingReader
	zip  *gzip.Reader
}

// countingReader counts the bytes of the file as it lies on the disk.
type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// OpenText opens path. A file of no bytes, and a UTF-16 one, is *Error.
func OpenText(path string) (*Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	t, err := newText(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	t.file = f
	return t, nil
}

// NewText is OpenText for what is open already; Close leaves r alone.
func NewText(r io.Reader) (*Text, error) { return newText(r) }

func newText(r io.Reader) (*Text, error) {
	t := &Text{read: &countingReader{r: r}}
	in := bufio.NewReaderSize(t.read, 1<<18)
	head, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	t.Reader = in
	if len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		if t.zip, err = gzip.NewReader(in); err != nil {
			return nil, Errorf(0, "gzip: %v", err)
		}
		t.Reader = bufio.NewReaderSize(gzipErrors{t.zip}, 1<<18)
	}
	head, err = t.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	err = nil
	switch {
	case len(head) == 0:
		return nil, Errorf(0, "the file is empty")
	case string(head) == "\xef\xbb\xbf":
		_, err = t.Discard(3)
	case len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff):
		return nil, Errorf(0, "the text is UTF-16; save it as UTF-8")
	}
	return t, err
}

// Position is how many bytes of the file on the disk have been read.
func (t *Text) Position() int64 { return t.read.n.Load() }

// Close closes the file.
func (t *Text) Close() error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}

// gzipErrors turns what gzip says of a broken file into *Error.
type gzipErrors struct{ z *gzip.Reader }

func (g gzipErrors) Read(b []byte) (int, error) {
	n, err := g.z.Read(b)
	switch {
	case err == nil || err == io.EOF:
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = Errorf(-1, "the gzip file breaks off")
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		err = Errorf(-1, "%v", err)
	}
	return n, err
}
