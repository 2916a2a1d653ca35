package mvt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/paulmach/orb"
	orbmvt "github.com/paulmach/orb/encoding/mvt"
)

// fixtures are the tiles of the mvt-fixtures corpus.
func fixtures(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/mvt-fixtures/fixtures/*/tile.mvt")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 74 {
		t.Fatalf("%d fixtures, want 74", len(found))
	}
	return found
}

type fixtureTile struct {
	Layers []struct {
		Name            string
		Version, Extent uint32
		Keys            []string
		Features        []struct {
			ID       *uint64
			Tags     []uint32
			Type     uint8
			Geometry []uint32
		}
	}
}

// lenient are the fixtures that the corpus calls broken and we read, with the reason.
var lenient = map[string]string{
	"003": "no geometry type: the same bytes as 016, which is called valid",
	"046": "a line with a repeated position: harmless to read",
	"030": "two geometry fields: protobuf joins them",
}

// hugeCount is called valid though its MoveTo announces more positions than there
// are: Decode reads it, Lines refuses it.
const hugeCount = "057"

func TestFixtures(t *testing.T) {
	for _, f := range fixtures(t) {
		name := filepath.Base(filepath.Dir(f))
		t.Run(name, func(t *testing.T) {
			var info struct {
				Description string
				Validity    struct{ V2 bool }
			}
			readJSON(t, filepath.Join(filepath.Dir(f), "info.json"), &info)
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			tile, err := Decode(b)
			if err == nil {
				for i := range tile.Layers {
					for j := range tile.Layers[i].Features {
						x := &tile.Layers[i].Features[j]
						if _, _, gerr := x.Lines(); gerr != nil && x.Type != Unknown && name != hugeCount {
							err = gerr
						}
					}
				}
			}
			if !info.Validity.V2 {
				if err == nil && lenient[name] == "" {
					t.Fatalf("read, but: %s", info.Description)
				}
				if err != nil && !errors.Is(err, ErrInvalid) {
					t.Fatalf("error of another kind: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", info.Description, err)
			}
			var want fixtureTile
			readJSON(t, filepath.Join(filepath.Dir(f), "tile.json"), &want)
			compare(t, tile, &want)
		})
	}
}

func compare(t *testing.T, got *Tile, want *fixtureTile) {
	t.Helper()
	if len(got.Layers) != len(want.Layers) {
		t.Fatalf("%d layers, want %d", len(got.Layers), len(want.Layers))
	}
	for i, w := range want.Layers {
		l := &got.Layers[i]
		if l.Name != w.Name || l.Version != w.Version || w.Extent != 0 && l.Extent != w.Extent || len(l.Features) != len(w.Features) || fmt.Sprint(l.Keys) != fmt.Sprint(w.Keys) {
			t.Fatalf("layer %+v, want %+v", l, w)
		}
		for j, x := range w.Features {
			g := &l.Features[j]
			if x.ID != nil && *x.ID != g.ID || uint8(g.Type) != x.Type || fmt.Sprint(g.Tags) != fmt.Sprint(x.Tags) || fmt.Sprint(g.Geometry) != fmt.Sprint(x.Geometry) {
				t.Fatalf("feature %+v, want %+v", g, x)
			}
		}
	}
}

func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// end ends a feature and writes it with pairs of a key and a value.
func end(w *Writer, pairs ...uint32) {
	if !w.EndFeature() {
		panic("no geometry")
	}
	tags := w.Tags(len(pairs)/2 + 1) // one is left free
	for i := 0; i < len(pairs); i += 2 {
		tags[i/2] = MakeTagKey(pairs[i]).Tag(pairs[i+1])
	}
	w.Flush()
}

// sample writes a tile with one of everything.
func sample(w *Writer) {
	w.Reset()
	w.Layer("things")
	name, n := w.Key("name"), w.Key("n")
	w.Feature(1<<53 - 1)
	w.Points([]int32{5, 7, -3, 4096})
	end(w, name, w.Once(0, w.Text("दादर")), n, w.Once(1, w.Int(-7)))
	w.Feature(2)
	w.Line([]int32{0, 0, 0, 0, 10, 10, 10, 10, 20, 0})
	end(w, n, w.Once(1, w.Int(math.MaxInt64)))
	w.Feature(3)
	w.Ring([]int32{0, 0, 100, 0, 100, 100, 0, 100})
	w.Ring([]int32{10, 10, 10, 20, 20, 20, 20, 10})
	end(w, name, w.Once(0, w.Text("दादर")), n, w.Once(1, w.Double(0.1)))
	w.Feature(4)
	w.Line([]int32{4, 4, 4, 4})
	if w.EndFeature() {
		panic("a line without length was written")
	}
	w.Feature(5)
	w.Points([]int32{1, 1})
	end(w, name, w.Once(0, w.Text(string(bytes.Repeat([]byte("x"), 300)))), n, w.Once(1, w.Bool(true)))
	w.EndLayer(4096)
	w.Layer("empty")
	w.EndLayer(4096)
}

func TestWriterAgainstOrb(t *testing.T) {
	var w Writer
	for range 3 { // a warm writer writes the same
		sample(&w)
	}
	layers, err := orbmvt.Unmarshal(w.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) != 1 || layers[0].Name != "things" || layers[0].Version != 2 || layers[0].Extent != 4096 || len(layers[0].Features) != 4 {
		t.Fatalf("%+v", layers)
	}
	f := layers[0].Features
	for i, want := range []orb.Geometry{
		orb.MultiPoint{{5, 7}, {-3, 4096}},
		orb.LineString{{0, 0}, {10, 10}, {20, 0}},
		orb.Polygon{{{0, 0}, {100, 0}, {100, 100}, {0, 100}, {0, 0}}, {{10, 10}, {10, 20}, {20, 20}, {20, 10}, {10, 10}}},
		orb.Point{1, 1},
	} {
		if !orb.Equal(f[i].Geometry, want) {
			t.Errorf("feature %d: %v, want %v", i, f[i].Geometry, want)
		}
	}
	if f[0].Properties["name"] != "दादर" || f[0].Properties["n"] != -7.0 || f[3].Properties["n"] != true || len(f[3].Properties["name"].(string)) != 300 {
		t.Errorf("%v %v", f[0].Properties, f[3].Properties)
	}
	if f[0].ID != float64(1<<53-1) {
		t.Errorf("id %v", f[0].ID)
	}
	own, err := Decode(w.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	l := own.Layer("things")
	if len(l.Values) != 6 {
		t.Errorf("%d values, want 6: equal ones that went through Once are kept once", len(l.Values))
	}
	if v := l.Props(&l.Features[1])["n"]; v != int64(math.MaxInt64) {
		t.Errorf("n is %v", v)
	}
}

func TestDecodeRefusesEveryTruncation(t *testing.T) {
	var w Writer
	sample(&w)
	b := w.Bytes()
	for n := 1; n < len(b); n++ {
		if tile, err := Decode(b[:n]); err == nil {
			t.Fatalf("cut to %d of %d bytes: read as %+v", n, len(b), tile)
		}
	}
}

func FuzzDecode(f *testing.F) {
	var w Writer
	sample(&w)
	f.Add(bytes.Clone(w.Bytes()))
	for _, name := range fixtures(f) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tile, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		for i := range tile.Layers {
			l := &tile.Layers[i]
			for j := range l.Features {
				l.Props(&l.Features[j])
				coords, ends, err := l.Features[j].Lines()
				if err == nil && (len(ends) == 0 || int(ends[len(ends)-1])*2 != len(coords)) {
					t.Fatalf("ends %v of %d numbers", ends, len(coords))
				}
			}
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	b.ReportAllocs()
	var w Writer
	for range b.N {
		w.Reset()
		w.Layer("buildings")
		k := w.Key("height_m")
		for i := range int32(1000) {
			w.Feature(uint64(i)<<30 + 1)
			w.Ring([]int32{i, i, i + 10, i, i + 10, i + 10, i, i + 10})
			end(&w, k, w.Once(k, w.Double(float64(i%50))))
		}
		w.EndLayer(4096)
	}
	b.SetBytes(int64(len(w.Bytes())))
}

func BenchmarkDecode(b *testing.B) {
	var w Writer
	sample(&w)
	b.ReportAllocs()
	for range b.N {
		if _, err := Decode(w.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
