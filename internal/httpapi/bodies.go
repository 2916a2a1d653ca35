package httpapi

import (
	"io"
	"sync/atomic"
)

// bodyMemory is the most that the bodies of all requests may take at one time,
// bytes. Each is bounded by its route; many at once would fill the memory all the same.
const bodyMemory = 256 << 20

// bodies counts the bytes of bodies that were read and whose requests go on.
type bodies struct {
	most int64
	used atomic.Int64
}

func (b *bodies) free(n int64) {
	if n > 0 {
		b.used.Add(-n)
	}
}

// heldBody is a body whose bytes count from when they come until the request ends,
// so that one who announces much and sends little takes little.
type heldBody struct {
	io.ReadCloser
	r *request
}

func (r *request) held(body io.ReadCloser) io.ReadCloser { return &heldBody{body, r} }

// Read implements io.Reader; a *problem (503) when there is no room.
func (h *heldBody) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if n > 0 {
		all := &h.r.s.bodies
		h.r.holds += int64(n)
		if all.used.Add(int64(n)) > all.most {
			return n, unavailable(2, "Too many large bodies are being read just now.", nil)
		}
	}
	return n, err
}
