package geo

// Simplifier thins lines by Douglas and Peucker (1973) on an integer plane. It
// keeps its buffers from call to call. The zero value is ready; it is not safe for
// concurrent use.
type Simplifier struct {
	keep  []bool
	stack [][2]int32
}

// Line appends to dst the positions of an open line x0 y0 x1 y1 ... that stay when
// nothing may move by more than tol units, both ends always. The result does not
// depend on the line's direction beyond its order.
func (s *Simplifier) Line(dst, line []int32, tol float64) []int32 {
	n := len(line) / 2
	if n <= 2 {
		return append(dst, line...)
	}
	s.keep = append(s.keep[:0], make([]bool, n)...)
	s.keep[0], s.keep[n-1] = true, true
	s.stack = append(s.stack[:0], [2]int32{0, int32(n - 1)})
	for len(s.stack) > 0 {
		r := s.stack[len(s.stack)-1]
		s.stack = s.stack[:len(s.stack)-1]
		at, d := farthest(line, r[0], r[1])
		if d <= tol*tol {
			continue
		}
		s.keep[at] = true
		if at-r[0] > 1 {
			s.stack = append(s.stack, [2]int32{r[0], at})
		}
		if r[1]-at > 1 {
			s.stack = append(s.stack, [2]int32{at, r[1]})
		}
	}
	for i, k := range s.keep {
		if k {
			dst = append(dst, line[i*2], line[i*2+1])
		}
	}
	return dst
}

// farthest returns the position between from and to that is farthest from their
// segment, and the square of its distance.
func farthest(line []int32, from, to int32) (at int32, d2 float64) {
	ax, ay := float64(line[from*2]), float64(line[from*2+1])
	bx, by := float64(line[to*2]), float64(line[to*2+1])
	at, d2 = from+1, -1
	for i := from + 1; i < to; i++ {
		px, py := ClosestOnSegment(float64(line[i*2]), float64(line[i*2+1]), ax, ay, bx, by)
		dx, dy := px-float64(line[i*2]), py-float64(line[i*2+1])
		if d := dx*dx + dy*dy; d > d2 {
			at, d2 = i, d
		}
	}
	return at, d2
}

// ClosestOnSegment returns the position of the segment a–b that is closest to p,
// in the plane.
func ClosestOnSegment(px, py, ax, ay, bx, by float64) (x, y float64) {
	dx, dy := bx-ax, by-ay
	l := dx*dx + dy*dy
	if l == 0 {
		return ax, ay
	}
	t := ((px-ax)*dx + (py-ay)*dy) / l
	switch {
	case t <= 0:
		return ax, ay
	case t >= 1:
		return bx, by
	}
	return ax + t*dx, ay + t*dy
}

// RingArea2 returns twice the signed area of an open ring (the surveyor's
// formula): positive when it runs clockwise on a plane whose Y grows south, which
// is how MVT 2.1 section 4.3.4.4 wants outer rings.
func RingArea2(ring []int32) int64 {
	n := len(ring)
	if n < 6 {
		return 0
	}
	// Taken from the first position, so that sums stay small.
	ox, oy := int64(ring[0]), int64(ring[1])
	var sum int64
	px, py := int64(ring[2])-ox, int64(ring[3])-oy
	for i := 4; i+1 < n; i += 2 {
		x, y := int64(ring[i])-ox, int64(ring[i+1])-oy
		sum += px*y - x*py
		px, py = x, y
	}
	return sum
}

// CleanRing removes from an open ring, in place, repeated positions, positions on
// the straight line between their neighbours, and spikes that go out and come back
// on the same line. It returns nil when nothing with an area is left.
func CleanRing(ring []int32) []int32 {
	out := ring[:0]
	for i := 0; i+1 < len(ring); i += 2 {
		out = pushClean(out, ring[i], ring[i+1])
	}
	// The seam: the last positions against the first.
	from := 0
	for len(out)-from >= 6 {
		n := len(out)
		switch {
		case collinear(out[n-4], out[n-3], out[n-2], out[n-1], out[from], out[from+1]):
			out = out[:n-2]
		case collinear(out[n-2], out[n-1], out[from], out[from+1], out[from+2], out[from+3]):
			from += 2
		default:
			return out[from:]
		}
	}
	return nil
}

func pushClean(out []int32, x, y int32) []int32 {
	for {
		n := len(out)
		if n >= 2 && out[n-2] == x && out[n-1] == y {
			return out
		}
		if n < 4 || !collinear(out[n-4], out[n-3], out[n-2], out[n-1], x, y) {
			return append(out, x, y)
		}
		out = out[:n-2]
	}
}

func collinear(ax, ay, bx, by, cx, cy int32) bool {
	return (int64(bx)-int64(ax))*(int64(cy)-int64(by)) == (int64(by)-int64(ay))*(int64(cx)-int64(bx))
}
