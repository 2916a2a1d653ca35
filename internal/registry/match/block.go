package match

import (
	"cmp"
	"slices"

	"github.com/cespare/xxhash/v2"

	"nagar/city/spelling"
	"nagar/internal/registry/address"
)

// Blocking: a record is compared with the structures that share a key with it. A
// key is a hash of one or two parts that rarely agree by chance: a rare word of the
// name, a word and the locality, a road and the number on it, a plot ...

// maxPosting bounds the structures under one key: a key that more have says nothing.
const maxPosting = 64

// maxKeys bounds the keys of one address.
const maxKeys = 400

// kinds of keys
const (
	keyWord = iota
	keyWordArea
	keyTwoWords
	keyWordRoad
	keyHouseRoad
	keyPlotArea
	keyParcelArea
	keyParcel
	keyNumberWord
	keyNumberArea
	keyHousePIN
	keyRoadArea
	keyHouseArea
	keyHouseRoadArea
	keyAlias
)

// keys collects the blocking keys of an address.
type keys struct {
	list  []uint64
	buf   []byte
	names []string // consonants of words that may be of the name
	areas []string
	roads []string
}

func (k *keys) add(kind byte, a, b string) {
	if len(k.list) >= maxKeys {
		return
	}
	k.buf = append(k.buf[:0], kind)
	k.buf = append(k.buf, a...)
	k.buf = append(k.buf, 0)
	k.buf = append(k.buf, b...)
	k.list = append(k.list, xxhash.Sum64(k.buf))
}

// of fills the keys of an address. A structure's name is where it says so; in a
// record it may stand anywhere but in the landmark.
func (k *keys) of(a *address.Address, record bool) {
	k.list, k.names, k.areas, k.roads = k.list[:0], k.names[:0], k.areas[:0], k.roads[:0]
	for i := range a.Phrases {
		p := &a.Phrases[i]
		switch {
		case p.Part == address.Name, record && p.Part == address.Loose:
			k.names = words(k.names, p, true)
		case p.Part == address.Area:
			k.areas = words(k.areas, p, false)
			if record {
				k.names = words(k.names, p, true)
			}
		case p.Part == address.Road:
			k.roads = words(k.roads, p, false)
			if record {
				k.names = words(k.names, p, true)
			}
		}
	}
	for i, w := range k.names {
		k.add(keyWord, w, "")
		for _, x := range k.areas {
			k.add(keyWordArea, w, x)
		}
		for _, x := range k.roads {
			k.add(keyWordRoad, w, x)
		}
		for _, n := range a.Numbers {
			k.add(keyNumberWord, n, w)
		}
		for j := max(0, i-3); j < i; j++ {
			k.add(keyTwoWords, min(k.names[j], w), max(k.names[j], w))
		}
	}
	k.numbers(a)
}

func (k *keys) numbers(a *address.Address) {
	if a.House != "" {
		for _, x := range k.roads {
			k.add(keyHouseRoad, leading(a.House), x)
		}
		if a.PIN != "" {
			k.add(keyHousePIN, leading(a.House), a.PIN)
		}
	}
	for _, n := range a.Parcels {
		k.add(keyParcel, leading(n), "")
	}
	for _, x := range k.areas {
		for _, y := range k.roads {
			k.add(keyRoadArea, y, x)
			if a.House != "" {
				k.add(keyHouseRoadArea, leading(a.House)+" "+y, x)
			}
		}
		if a.House != "" {
			k.add(keyHouseArea, leading(a.House), x)
		}
		for _, n := range a.Plots {
			k.add(keyPlotArea, leading(n), x)
		}
		for _, n := range a.Parcels {
			k.add(keyParcelArea, leading(n), x)
		}
		for _, n := range a.Numbers {
			k.add(keyNumberArea, n, x)
		}
	}
}

// words appends the skeletons of a phrase's telling words, and of neighbours as one
// ("Sai Lila", "Saileela").
func words(list []string, p *address.Phrase, join bool) []string {
	last := ""
	for i := range p.Words {
		w := &p.Words[i]
		if w.Weak || len(w.Text) < 2 {
			last = ""
			continue
		}
		if s := consonants(w.Skeleton); !slices.Contains(list, s) {
			list = append(list, s)
		}
		if join && last != "" && len(last)+len(w.Text) <= 16 {
			if s := consonants(spelling.Skeleton(last + w.Text)); s != "" && !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
		last = w.Text
	}
	return list
}

// consonants is a skeleton without its vowels, which are misheard first; the skeleton
// where too little would be left.
func consonants(s string) string {
	b := make([]byte, 0, 16)
	for i := range len(s) {
		if c := s[i]; i == 0 || c != 'a' && c != 'e' && c != 'i' && c != 'o' && c != 'u' {
			b = append(b, c)
		}
	}
	if len(b) < 3 {
		return s
	}
	return string(b)
}

// leading is the number that a code begins with, after its letters: 21 of b21a.
func leading(s string) string {
	from := 0
	for from < len(s) && (s[from] < '0' || s[from] > '9') {
		from++
	}
	to := from
	for to < len(s) && s[to] >= '0' && s[to] <= '9' {
		to++
	}
	if from == to {
		return s
	}
	return s[from:to]
}

// blocks is the index from keys to rows: postings in one array, sorted by key.
type blocks struct {
	span map[uint64][2]uint32 // first and one past the last of rows
	rows []uint32
}

type posting struct {
	key uint64
	row uint32
}

func newBlocks(ps []posting) *blocks {
	slices.SortFunc(ps, func(a, b posting) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.row, b.row)) })
	ps = slices.Compact(ps)
	b := &blocks{span: map[uint64][2]uint32{}}
	for i := 0; i < len(ps); {
		j := i
		for j < len(ps) && ps[j].key == ps[i].key {
			j++
		}
		if j-i <= maxPosting {
			from := uint32(len(b.rows))
			for _, p := range ps[i:j] {
				b.rows = append(b.rows, p.row)
			}
			b.span[ps[i].key] = [2]uint32{from, uint32(len(b.rows))}
		}
		i = j
	}
	return b
}

func (b *blocks) under(key uint64) []uint32 {
	s := b.span[key]
	return b.rows[s[0]:s[1]]
}
