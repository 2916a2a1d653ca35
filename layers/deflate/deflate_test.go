package deflate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
)

// message appends a length-delimited field.
func message(b []byte, tag byte, body []byte) []byte {
	return append(binary.AppendUvarint(append(b, tag), uint64(len(body))), body...)
}

// streets is a tile of n features: footprints with repeated and unique attributes.
func streets(r *rand.Rand, n int) []byte {
	layer := message([]byte{15 << 3, 2}, 1<<3|2, []byte("buildings"))
	var values []byte
	index := map[string]uint64{}
	for range n {
		var tags []byte
		tag := func(key byte, value []byte) {
			i, ok := index[string(value)]
			if !ok {
				i = uint64(len(index))
				index[string(value)] = i
				values = message(values, layerValue, value)
			}
			tags = binary.AppendUvarint(append(tags, key), i)
		}
		text := func(s string) []byte { return message(nil, 1<<3|2, []byte(s)) }
		tag(0, text(fmt.Sprintf("%016X", r.Uint64())))
		tag(1, binary.LittleEndian.AppendUint64([]byte{3<<3 | 1}, math.Float64bits(float64(r.IntN(400))/10)))
		tag(2, text([]string{"residential", "office", "retail", "school"}[r.IntN(4)]))
		if r.IntN(8) == 0 {
			tag(3, text(strings.Repeat("Shivaji Nagar Society ", 1+r.IntN(3))+fmt.Sprint(r.IntN(1000))))
		}
		geom := binary.AppendVarint([]byte{9}, int64(r.IntN(4096)))
		geom = binary.AppendVarint(geom, int64(r.IntN(4096)))
		geom = append(geom, 3<<3|2, byte(r.IntN(128)), byte(r.IntN(128)), byte(r.IntN(128)), byte(r.IntN(128)), byte(r.IntN(128)), byte(r.IntN(128)), 15)
		feature := binary.AppendUvarint([]byte{1 << 3}, r.Uint64N(1<<53))
		feature = message(message(feature, featureTags, tags), 4<<3|2, geom)
		layer = message(layer, layerFeature, feature)
	}
	for _, key := range []string{"uid", "height_m", "use", "name"} {
		layer = message(layer, 3<<3|2, []byte(key))
	}
	layer = append(layer, values...)
	return message(nil, tileLayer, append(layer, 5<<3, 0x80, 0x20))
}

// samples are inputs of all sorts.
func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	tile := streets(r, 4000)
	cut := bytes.Clone(tile[:len(tile)-1000])
	torn := bytes.Clone(tile)
	copy(torn[len(torn)/3:], noise[:300])
	return map[string][]byte{
		"nothing":         {},
		"one byte":        {7},
		"begun layer":     {tileLayer},
		"endless length":  {tileLayer, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 2},
		"zeros":           make([]byte, 300_000),
		"noise":           noise,
		"a little noise":  noise[:300],
		"few symbols":     bytes.Map(func(c rune) rune { return 'a' + c&1 }, noise[:50_000]),
		"text":            []byte(strings.Repeat(`{"type":"Feature","properties":{"name":"Worli"}},`, 3000)),
		"tile":            tile,
		"large tile":      streets(r, 40_000),
		"small tile":      streets(r, 3),
		"two tiles":       append(bytes.Clone(tile), tile...),
		"cut tile":        cut,
		"torn tile":       torn,
		"tile, then text": append(bytes.Clone(tile), "and so on and so on and so on"...),
		"empty features":  append([]byte{tileLayer, 0xa0, 0x8d, 0x06}, bytes.Repeat([]byte{layerFeature, 0}, 50_000)...),
		"empty values":    append([]byte{tileLayer, 0xa0, 0x8d, 0x06}, bytes.Repeat([]byte{layerValue, 0}, 50_000)...),
	}
}

func unpack(t testing.TB, open func(io.Reader) (io.Reader, error), packed []byte) []byte {
	t.Helper()
	r, err := open(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func standard(r io.Reader) (io.Reader, error)  { return gzip.NewReader(r) }
func klauspost(r io.Reader) (io.Reader, error) { return kgzip.NewReader(r) }

// zlib is the decoder of the gzip command.
func zlib(r io.Reader) (io.Reader, error) {
	c := exec.Command("gzip", "-dc")
	c.Stdin = r
	var out bytes.Buffer
	c.Stdout = &out
	return &out, c.Run()
}

func TestEveryDecoderReadsIt(t *testing.T) {
	decoders := map[string]func(io.Reader) (io.Reader, error){"compress/gzip": standard, "klauspost": klauspost}
	if _, err := exec.LookPath("gzip"); err == nil {
		decoders["gzip"] = zlib
	} else {
		t.Log("no gzip command: its decoder is not asked")
	}
	var e Encoder
	for name, in := range samples() {
		packed := e.Gzip(nil, in)
		for decoder, open := range decoders {
			if got := unpack(t, open, packed); !bytes.Equal(got, in) {
				t.Errorf("%s by %s: %d bytes came back of %d, or others", name, decoder, len(got), len(in))
			}
		}
	}
}

func TestAppends(t *testing.T) {
	var e Encoder
	in := streets(rand.New(rand.NewPCG(3, 3)), 100)
	out := e.Gzip([]byte("before"), in)
	if !bytes.HasPrefix(out, []byte("before")) {
		t.Fatal("what was there is gone")
	}
	if got := unpack(t, standard, out[6:]); !bytes.Equal(got, in) {
		t.Fatal("does not read back")
	}
}

// An input beyond what positions can count is compressed in parts.
func TestParts(t *testing.T) {
	in := streets(rand.New(rand.NewPCG(4, 4)), 2000)
	for _, size := range []int{len(in) / 2, 10_000, 777} {
		e := Encoder{w: bitWriter{out: []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255}}}
		e.parts(in, size)
		out := binary.LittleEndian.AppendUint32(e.w.out, e.crc)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(in)))
		if got := unpack(t, standard, out); !bytes.Equal(got, in) {
			t.Errorf("parts of %d bytes do not read back", size)
		}
		if e.crc != crc32.ChecksumIEEE(in) {
			t.Errorf("parts of %d bytes: checksum", size)
		}
	}
}

func TestNothingGrows(t *testing.T) {
	var e Encoder
	for name, in := range samples() {
		// Each block may cost what it costs to store it.
		if n, most := len(e.Gzip(nil, in)), 18+bound(len(in))+5*(len(in)/blockSize+1); n > most {
			t.Errorf("%s: %d bytes of %d, want at most %d", name, n, len(in), most)
		}
	}
}

// What an encoder did before shows nowhere.
func TestSameInputSameBytes(t *testing.T) {
	all := samples()
	var used Encoder
	for range 2 {
		for name, in := range all {
			var fresh Encoder
			if !bytes.Equal(used.Gzip(nil, in), fresh.Gzip(nil, in)) {
				t.Errorf("%s: a used encoder and a fresh one differ", name)
			}
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	var e Encoder
	tile := samples()["large tile"]
	out := e.Gzip(nil, tile)
	if n := testing.AllocsPerRun(5, func() { out = e.Gzip(out[:0], tile) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// As small as the standard library's fastest level, within a tenth.
func TestSmall(t *testing.T) {
	var e Encoder
	for _, name := range []string{"small tile", "tile", "large tile"} {
		in := samples()[name]
		var std bytes.Buffer
		w, err := gzip.NewWriterLevel(&std, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(in); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if n := len(e.Gzip(nil, in)); n*10 > std.Len()*11 {
			t.Errorf("%s: %d bytes, compress/gzip takes %d", name, n, std.Len())
		}
	}
}

func FuzzGzip(f *testing.F) {
	for _, in := range samples() {
		if len(in) < 10_000 {
			f.Add(in)
		}
	}
	for n := range byte(6) { // values shorter than a match, and a little longer
		f.Add(append([]byte{tileLayer, 15 * (n + 2)}, bytes.Repeat(append([]byte{layerValue, n}, "abcdef"[:n]...), 15)...))
	}
	r := rand.New(rand.NewPCG(5, 5))
	f.Add(streets(r, 20))
	f.Add(append(streets(r, 10), streets(r, 10)...))
	var e Encoder
	f.Fuzz(func(t *testing.T, in []byte) {
		// Twice, so that some inputs are longer than what is counted exactly.
		for _, in := range [][]byte{in, bytes.Repeat(in, 1+exactSize/max(len(in), 64))} {
			packed := e.Gzip(nil, in)
			if got := unpack(t, standard, packed); !bytes.Equal(got, in) {
				t.Fatal("something else comes back")
			}
		}
	})
}
