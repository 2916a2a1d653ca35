package deflate

import "math/bits"

const (
	minMatch = 3
	maxMatch = 258
	window   = 32 << 10
	hashBits = 13
)

// finder finds repetitions and puts them into a block.
type finder struct {
	src []byte
	lit int // where the literals before the next match begin
	b   block

	turn   uint32 // features and values so far
	sparse uint32 // bits of turn that are zero when literals are counted

	last  [1 << hashBits]int32 // 1 + position, by hash of what is there
	heads [numHeads][256]int32 // the same, by kind and length

	tags    [32]credit // by place among a feature's attributes
	deepest int        // places before this one have credit
	shape   credit
	values  [256]credit // by type and length
}

// What begins in much the same way every time.
const (
	headFeature = iota
	headGeometry
	headValue
	numHeads
)

func (f *finder) reset(src []byte) {
	f.src, f.lit, f.turn, f.sparse = src, 0, 0, 0
	if len(src) > exactSize {
		f.sparse = 12 // four of sixteen, so that no pattern of two or three goes past it
	}
	clear(f.last[:])
	for i := range f.heads {
		clear(f.heads[i][:])
	}
	for i := range f.tags {
		f.tags[i] = 8
	}
	f.deepest = len(f.tags)
	f.shape = 8
	for i := range f.values {
		f.values[i] = 8
	}
	f.b.reset()
}

// credit is how much looking for matches in one kind of place has paid lately.
type credit int8

// retry is after how many turns places without credit are looked at anew.
const retry = 64

// open reports whether to look.
func (c credit) open(turn uint32) bool { return c > 0 || turn%retry == 0 }

func (c *credit) add(n credit) { *c = max(min(*c+n, 32), 0) }

// worth is the shortest match that takes fewer bits than its literals, by distance
// code: in values literals are digits and capitals, and cheap.
type worth [numDist]uint8

var (
	inFeature = worth{3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5}
	inValue   = worth{3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 6, 6}
)

// like tries the last place of the same kind and length.
func (f *finder) like(at, kind int, length byte) {
	p := &f.heads[kind][length]
	from := int(*p) - 1
	*p = int32(at + 1)
	if from >= 0 && at+8 <= len(f.src) {
		f.match(at, from, &inFeature)
	}
}

// look tries the last place with the same n bytes, 5 to 8. Eight must be there.
func (f *finder) look(at int, n uint, w *worth) bool {
	v := load64(f.src, at)
	shift := 64 - 8*n
	p := &f.last[v<<(shift&63)*889523592379>>(64-hashBits)]
	from := int(*p) - 1
	*p = int32(at + 1)
	return from >= 0 && (load64(f.src, from)^v)<<(shift&63) == 0 && f.match(at, from, w)
}

// match takes what repeats from one position at another one, if it is worth it.
// Eight bytes must be there: most matches are shorter.
func (f *finder) match(at, from int, w *worth) bool {
	n := 0
	if x := load64(f.src, at) ^ load64(f.src, from); x != 0 {
		n = bits.TrailingZeros64(x) >> 3
	} else {
		n = 8 + extend(f.src, from+8, at+8, at+maxMatch)
	}
	d := uint32(at - from - 1)
	if n < minMatch || d >= window {
		return false
	}
	sym := distSymbol(d)
	if n < int(w[sym]) {
		return false
	}
	for at > f.lit && from > 0 && n < maxMatch && f.src[at-1] == f.src[from-1] {
		at, from, n = at-1, from-1, n+1
	}
	f.take(at, n, d, sym)
	return true
}

// extend returns how many bytes from a and from b on are equal, a < b, before limit.
func extend(src []byte, a, b, limit int) int {
	n := b
	limit = min(len(src), limit)
	for n+8 <= limit {
		if x := load64(src, a) ^ load64(src, n); x != 0 {
			return n - b + bits.TrailingZeros64(x)>>3
		}
		a, n = a+8, n+8
	}
	for n < limit && src[a] == src[n] {
		a, n = a+1, n+1
	}
	return n - b
}

// take puts a match into the block, and the literals before it.
func (f *finder) take(at, n int, dist uint32, sym uint8) {
	f.count(f.src[f.lit:at])
	f.b.add(at-f.lit, n, dist, sym)
	f.lit = at + n
}

// longRun is the length from which on a run is not counted as a whole.
const longRun = 256

// count counts literals, or a quarter of them.
func (f *finder) count(lits []byte) {
	if len(lits) >= longRun && f.sparse != 0 {
		f.b.count(lits[:len(lits)/4])
	} else if f.turn&f.sparse == 0 {
		f.b.count(lits)
	}
}
