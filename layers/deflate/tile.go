package deflate

import (
	"encoding/binary"
	"math/bits"
)

// Fields of a tile, number and wire type (vector-tile-spec 2.1, vector_tile.proto).
const (
	tileLayer    = 3<<3 | 2
	layerFeature = 2<<3 | 2
	layerValue   = 4<<3 | 2
	featureTags  = 2<<3 | 2
)

// field reads a field's length or number: it returns where its content begins and
// ends, or false where none is.
func field(src []byte, at int) (body, end int, ok bool) {
	at++
	n, k := uint64(0), 1
	if at < len(src) && src[at] < 0x80 {
		n = uint64(src[at])
	} else if n, k = binary.Uvarint(src[min(at, len(src)):]); k <= 0 {
		return 0, 0, false
	}
	at += k
	switch src[at-k-1] & 7 {
	case 0:
		return at, at, true
	case 2:
		return at, at + int(n), n <= uint64(len(src)-at)
	}
	return 0, 0, false
}

// tile goes through the layers. What is no layer, and all after it, is text.
func (e *Encoder) tile() {
	at := 0
	for at < len(e.src) && e.src[at] == tileLayer {
		body, end, ok := field(e.src, at)
		if !ok {
			break
		}
		if at = e.layer(body, end); at < end {
			break
		}
	}
	e.text(at, len(e.src))
}

// layer goes through a layer and returns its end, or where it is none any more.
func (e *Encoder) layer(at, to int) int {
	src := e.src[:to]
	section := byte(0)
	for at < to {
		kind := src[at]
		body, end, ok := field(src, at)
		if !ok {
			return at
		}
		if kind != section && kind == layerValue {
			e.full(at, minBlock)
		}
		section = kind
		switch kind {
		case layerFeature:
			e.feature(at, body, end)
		case layerValue:
			e.value(at, body, end)
			end = e.likeValues(at, end, to)
		default:
			e.text(at, end)
		}
		at = end
		e.full(at, blockSize)
	}
	return at
}

// text looks for matches everywhere, in ever longer steps where there are none.
func (e *Encoder) text(at, to int) {
	from := max(at, e.lit)
	for at = from; at < to && at+8 <= len(e.src); {
		if e.look(at, 5, &inValue) {
			at, from = e.lit, e.lit
		} else {
			at += 1 + (at-from)>>6
		}
		e.full(min(at, to), blockSize)
	}
}

// feature looks at the heads of a feature and of its parts.
func (e *Encoder) feature(start, at, to int) {
	e.turn++
	if start > e.lit { // with the last byte of the feature before: most often the same
		e.like(start-1, headFeature, e.src[start+1])
	}
	src := e.src[:to]
	for at < to {
		kind := src[at]
		if kind&7 == 0 && at+9 <= len(src) { // the id, mostly: not worth a call
			if ends := ^load64(src, at+1) & 0x8080808080808080; ends != 0 {
				at += bits.TrailingZeros64(ends)>>3 + 2
				continue
			}
		}
		body, end, ok := field(src, at)
		if !ok {
			return
		}
		if kind == featureTags {
			e.attributes(body, end)
		} else if kind&7 == 2 {
			e.geometry(at, body, end)
		}
		at = end
	}
}

// attributes looks for a run of attributes as another feature has it, at each key
// where that has paid. One match is enough, unless there are many.
func (e *Encoder) attributes(at, to int) {
	if to+8 > len(e.src) {
		return
	}
	deepest, all := e.deepest, e.turn%retry == 0
	if all {
		deepest = len(e.tags)
	}
	for i := 0; at < to && i < deepest; i++ {
		if at >= e.lit && (all || e.tags[i] > 0) {
			if e.look(at, 7, &inValue) {
				e.tags[i].add(2)
				if to-e.lit < 16 {
					break
				}
			} else {
				e.tags[i].add(-1)
			}
		}
		// Key and value end with the first and second byte below 128.
		ends := ^load64(e.src, at) & 0x8080808080808080
		at += bits.TrailingZeros64(ends&(ends-1))>>3 + 1
	}
	if all {
		e.deepest = len(e.tags)
		for e.deepest > 0 && e.tags[e.deepest-1] == 0 {
			e.deepest--
		}
	}
}

const (
	// shortShape is a geometry that is not looked into.
	shortShape = 12
	// longShape is one that is looked into whatever came of others.
	longShape = 256
)

// geometry looks at a geometry's head, and into it: drawn on a coarse grid it repeats.
func (e *Encoder) geometry(start, at, to int) {
	if start >= e.lit { // with the type before it
		e.like(max(start-2, e.lit), headGeometry, e.src[start+1])
	}
	if to-at < shortShape || to-at < longShape && !e.shape.open(e.turn) {
		return
	}
	at = max(at, e.lit)
	size, found := to-at, 0
	for from := at; at+5 <= to && at+8 <= len(e.src); {
		if e.look(at, 5, &inValue) {
			found += min(e.lit, to) - at
			at, from = e.lit, e.lit
		} else {
			at += 1 + (at-from)>>6
		}
	}
	if found > size/2 {
		e.shape.add(1)
	} else {
		e.shape.add(-1)
	}
}

// value looks at a value's head, and into it where values of its type and length
// have been alike.
func (e *Encoder) value(start, at, to int) {
	e.turn++
	if to+8 > len(e.src) {
		return
	}
	if start >= e.lit {
		e.valueHead(start)
	}
	if to-at < 8 {
		return
	}
	c := &e.values[uint8(to-at)^e.src[at]<<3]
	if !c.open(e.turn) {
		return
	}
	found := credit(-1)
	for at = max(at, e.lit); at+5 <= to; {
		if e.look(at, 5, &inValue) {
			at, found = e.lit, 4
		} else {
			at++
		}
	}
	c.add(found)
}

// likeValues goes over values that begin with the same four bytes as the one before
// them and follow it at once, such as a column of identifiers, and are not looked
// into: as value would, at a tenth of its cost. It returns where the last one ends.
func (e *Encoder) likeValues(at, next, to int) int {
	n := next - at
	to = min(to, len(e.src)-8, e.start+blockSize)
	if n < 4 || n > 126 || e.lit > at+4 || next+n > to { // the match may reach into the next one otherwise
		return next
	}
	head, c := load32(e.src, at), credit(0)
	if n >= 10 {
		c = e.values[uint8(n-2)^e.src[at+2]<<3]
	}
	sym := distSymbol(uint32(n - 1))
	for ; next+n <= to && load32(e.src, next) == head; next += n {
		if e.turn++; n >= 10 && c.open(e.turn) {
			e.turn--
			break
		}
		if e.turn&e.sparse == 0 {
			e.b.count(e.src[e.lit:next])
		}
		e.b.add(next-e.lit, 4, uint32(n-1), sym)
		e.lit = next + 4
	}
	e.heads[headValue][byte(n-2)] = int32(next - n + 1)
	return next
}

// valueHead tries the last value of the same length, if it is near. What follows
// the head is another value by definition.
func (e *Encoder) valueHead(at int) {
	p := &e.heads[headValue][e.src[at+1]]
	from := int(*p) - 1
	*p = int32(at + 1)
	if from < 0 || at-from > 256 {
		return
	}
	d := uint32(at - from - 1)
	switch x := load32(e.src, at) ^ load32(e.src, from); {
	case x == 0:
		e.take(at, 4, d, distSymbol(d))
	case x<<8 == 0:
		e.take(at, 3, d, distSymbol(d))
	}
}
