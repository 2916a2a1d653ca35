package search

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nagar/catalog"
	"nagar/city"
	"nagar/geo"
)

// source is a city in memory, with a feed.
type source struct {
	mu          sync.Mutex
	collections []catalog.Collection
	features    map[string]map[string]catalog.Feature
	commits     []catalog.Commit
	changed     chan struct{}
	away        int // the next so many calls of Head and Changes fail
}

func (s *source) gone() error {
	if s.away > 0 {
		s.away--
		return fmt.Errorf("dial: %w", catalog.ErrUnavailable)
	}
	return nil
}

func newSource(list ...catalog.Collection) *source {
	return &source{collections: list, features: map[string]map[string]catalog.Feature{}, changed: make(chan struct{})}
}

func (s *source) wake() { close(s.changed); s.changed = make(chan struct{}) }

func (s *source) put(collection, id string, g geo.Geometry, props ...string) {
	f := catalog.Feature{ID: id, Geometry: g}
	for i := 0; i < len(props); i += 2 {
		f.Props = append(f.Props, catalog.Property{Name: props[i], Value: catalog.Text(props[i+1])})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.features[collection] == nil {
		s.features[collection] = map[string]catalog.Feature{}
	}
	s.features[collection][id] = f
	s.commits = append(s.commits, catalog.Commit{Rev: catalog.Rev(len(s.commits) + 1), Changes: []catalog.Change{{Kind: catalog.Written, Collection: collection, ID: id, New: &f}}})
	s.wake()
}

func (s *source) remove(collection, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.features[collection], id)
	s.commits = append(s.commits, catalog.Commit{Rev: catalog.Rev(len(s.commits) + 1), Changes: []catalog.Change{{Kind: catalog.Written, Collection: collection, ID: id}}})
	s.wake()
}

func (s *source) define(c catalog.Collection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.collections, func(o catalog.Collection) bool { return o.Name == c.Name })
	if i < 0 {
		s.collections = append(s.collections, c)
	} else {
		s.collections[i] = c
	}
	s.commits = append(s.commits, catalog.Commit{Rev: catalog.Rev(len(s.commits) + 1), Changes: []catalog.Change{{Kind: catalog.Defined, Collection: c.Name}}})
	s.wake()
}

func (s *source) Head(context.Context) (catalog.Rev, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return catalog.Rev(len(s.commits)), s.gone()
}

func (s *source) Collections(context.Context) ([]catalog.Collection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.collections), nil
}

func (s *source) Scan(ctx context.Context, q catalog.Query, fn func(*catalog.Feature) error) (catalog.Rev, error) {
	s.mu.Lock()
	var list []catalog.Feature
	for _, f := range s.features[q.Collection] {
		list = append(list, f)
	}
	rev := catalog.Rev(len(s.commits))
	s.mu.Unlock()
	for i := range list {
		if err := errors.Join(ctx.Err(), fn(&list[i])); err != nil {
			return 0, err
		}
	}
	return rev, nil
}

func (s *source) Changes(_ context.Context, since catalog.Rev, fn func(catalog.Commit) error) (catalog.Rev, error) {
	s.mu.Lock()
	commits, err := s.commits[since:], s.gone()
	s.mu.Unlock()
	if err != nil {
		return since, err
	}
	for _, c := range commits {
		if err := fn(c); err != nil {
			return since, err
		}
		since = c.Rev
	}
	return since, nil
}

func (s *source) Wait(ctx context.Context, since catalog.Rev) error {
	for {
		s.mu.Lock()
		n, changed := len(s.commits), s.changed
		s.mu.Unlock()
		if catalog.Rev(n) > since {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

func texts(names ...string) (out []catalog.Field) {
	for _, n := range names {
		name, class := n, catalog.ClassPublic
		if cut, ok := strings.CutSuffix(n, "!"); ok {
			name, class = cut, catalog.ClassRestricted
		}
		out = append(out, catalog.Field{Name: name, Type: catalog.TypeText, Class: class})
	}
	return out
}

func square(lon, lat float64) geo.Geometry {
	const d = 0.001
	return geo.NewPolygon([]float64{lon - d, lat - d, lon + d, lat - d, lon + d, lat + d, lon - d, lat + d, lon - d, lat - d})
}

func smallCity() *source {
	s := newSource(
		catalog.Collection{Name: "wards", Geometry: catalog.GeometryPolygon, Fields: texts("name", "neighbourhood", "neighbourhood_mr")},
		catalog.Collection{Name: "facilities", Geometry: catalog.GeometryPoint, Fields: texts("name", "name_mr", "name_hi", "category", "address", "ward", "alt_name!", "phone")},
		catalog.Collection{Name: "roads", Geometry: catalog.GeometryLine, Fields: texts("name", "name_mr")},
		catalog.Collection{Name: "rail", Geometry: catalog.GeometryAny, Fields: texts("kind", "name", "name_mr", "name_hi")},
		catalog.Collection{Name: "buildings", Geometry: catalog.GeometryPolygon, Fields: texts("uid", "name")},
		catalog.Collection{Name: "owners", Geometry: catalog.GeometryPoint, Class: catalog.ClassPersonal, Fields: texts("name")},
	)
	s.put("wards", "fn", square(72.86, 19.03), "name", "F/N", "neighbourhood", "Matunga, Sion")
	s.put("wards", "fs", square(72.84, 19.00), "name", "F/S", "neighbourhood", "Parel")
	s.put("wards", "gn", square(72.84, 19.02), "name", "G/N", "neighbourhood", "Dadar, Mahim", "neighbourhood_mr", "दादर, माहीम")
	s.put("rail", "dadar", geo.NewPoint(72.843, 19.018), "kind", "station", "name", "Dadar", "name_mr", "दादर", "name_hi", "दादर")
	s.put("rail", "line", geo.NewLineString([]float64{72.8, 19, 72.9, 19.1}), "kind", "line", "name", "Central Railway")
	s.put("facilities", "h1", geo.NewPoint(72.842, 19.003), "name", "King Edward Memorial Hospital", "name_mr", "केईएम रुग्णालय", "category", "hospital", "address", "Acharya Donde Marg, Parel", "ward", "F/S", "phone", "022 5550 100")
	s.put("facilities", "h2", geo.NewPoint(72.86, 19.12), "name", "Cooper Hospital", "category", "hospital", "address", "Juhu", "alt_name", "Zanzibarsecret")
	s.put("facilities", "only-mr", geo.NewPoint(72.85, 19.2), "name_mr", "शिवाजी उद्यान", "category", "park")
	s.put("facilities", "school", geo.NewPoint(72.91, 19.08), "name", "Ghatkopar Municipal School", "name_hi", "घाटकोपर नगर पालिका विद्यालय", "category", "school")
	for i := range 30 {
		s.put("roads", fmt.Sprintf("sv-%02d", i), geo.NewLineString([]float64{72.84, 19.05 + float64(i)/1000, 72.84, 19.051 + float64(i)/1000}), "name", "Swami Vivekanand Road")
	}
	s.put("roads", "st", geo.NewLineString([]float64{72.9, 19, 72.91, 19}), "name", "Station Road")
	s.put("buildings", "b1", square(72.87, 19.06), "uid", "12345-67890", "name", "Dadar Heights")
	s.put("buildings", "b2", square(72.88, 19.06), "uid", "ABCDE-FGHJW")
	s.put("owners", "o1", geo.NewPoint(72.8, 19), "name", "Secretowner Person")
	return s
}

// running starts a search over a source and waits for it.
func running(t testing.TB, s *source, o Options) *Index {
	t.Helper()
	o.Dir = t.TempDir()
	x := New(s, o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		left, err := os.ReadDir(o.Dir)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
	for !x.Ready() {
		select {
		case err := <-ended:
			t.Fatalf("Run: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	return x
}

func (x *Index) ids(t testing.TB, q Query) []string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	if q.View == (catalog.View{}) {
		q.View = catalog.Public
	}
	hits, err := x.Find(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range hits {
		out = append(out, h.Collection+"/"+h.ID)
		if h.Score <= 0 || h.Score > 1 {
			t.Errorf("%s: score %v", h.ID, h.Score)
		}
	}
	return out
}

func TestFind(t *testing.T) {
	profile, err := city.Load("")
	if err != nil {
		t.Fatal(err)
	}
	x := running(t, smallCity(), Options{Bounds: profile.Bounds, Ward: profile.Ward})
	for _, c := range []struct {
		text string
		want string // the first result
	}{
		{"dadar", "rail/dadar"}, {"Dadar", "rail/dadar"}, {"दादर", "rail/dadar"}, {"daadar", "rail/dadar"}, {"dadr", "rail/dadar"}, {"dad", "rail/dadar"}, {"d", "rail/dadar"},
		{"dadar heights", "buildings/b1"}, {"heights dadar", "buildings/b1"},
		{"kem", ""}, {"केईएम", "facilities/h1"}, {"king edward", "facilities/h1"}, {"king edwrad", "facilities/h1"}, {"hospital parel", "facilities/h1"}, {"hospital juhu", "facilities/h2"},
		{"shivaji udyan", "facilities/only-mr"}, {"sivaji", "facilities/only-mr"}, {"shivaji park", "facilities/only-mr"},
		{"ghatkopar", "facilities/school"}, {"घाटकोपर", "facilities/school"}, {"vidyalay ghatkopar", "facilities/school"},
		{"swami vivekanand", "roads/sv-00"}, {"vivekananda road", "roads/sv-00"}, {"station road", "roads/st"},
		{"F/N", "wards/fn"}, {"FN", "wards/fn"}, {"F North", "wards/fn"}, {"f - south", "wards/fs"}, {"matunga", "wards/fn"}, {"एफ/उत्तर", "wards/fn"},
		{"xyzzy", ""}, {"---", ""}, {"central railway", "rail/line"},
	} {
		got := x.ids(t, Query{Text: c.text})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) == 0 || got[0] != c.want) {
			t.Errorf("%q finds %v, want %q first", c.text, got, c.want)
		}
	}
	// Each road once, with the box of all its parts.
	hits, err := x.Find(context.Background(), Query{Text: "vivekanand", View: catalog.Public, Limit: 10, Near: &[2]float64{72.84, 19.0755}})
	if err != nil || len(hits) != 1 || hits[0].ID != "sv-25" && hits[0].ID != "sv-24" || hits[0].Box != (geo.Box{W: 72.84, S: 19.05, E: 72.84, N: 19.08}) {
		t.Errorf("%+v %v", hits, err)
	}
	// Coordinates.
	hits, err = x.Find(context.Background(), Query{Text: "19.076, 72.8777", View: catalog.Public, Limit: 10})
	if err != nil || len(hits) != 1 || hits[0].Lon != 72.8777 || hits[0].Lat != 19.076 || hits[0].Title != "19.076, 72.8777" {
		t.Errorf("%+v %v", hits, err)
	}
}

func TestTitleFollowsTheLanguage(t *testing.T) {
	x := running(t, smallCity(), Options{})
	for lang, want := range map[string]string{"en": "King Edward Memorial Hospital", "mr": "केईएम रुग्णालय", "hi": "King Edward Memorial Hospital"} {
		hits, err := x.Find(context.Background(), Query{Text: "king edward", Lang: lang, View: catalog.Public, Limit: 1})
		if err != nil || len(hits) != 1 || hits[0].Title != want {
			t.Errorf("%s: %+v %v", lang, hits, err)
		}
	}
	hits, _ := x.Find(context.Background(), Query{Text: "udyan", Lang: "en", View: catalog.Public, Limit: 1})
	if len(hits) != 1 || hits[0].Title != "शिवाजी उद्यान" || hits[0].Props.Get("category").Str() != "park" || hits[0].Key != catalog.KeyOf("facilities", "only-mr") {
		t.Errorf("%+v", hits)
	}
}

func TestNearComesEarlier(t *testing.T) {
	x := running(t, smallCity(), Options{})
	for _, c := range []struct {
		near [2]float64
		want string
	}{{[2]float64{72.842, 19.003}, "facilities/h1"}, {[2]float64{72.86, 19.12}, "facilities/h2"}} {
		if got := x.ids(t, Query{Text: "hospital", Near: &c.near}); got[0] != c.want {
			t.Errorf("near %v: %v", c.near, got)
		}
	}
}

func TestPages(t *testing.T) {
	x := running(t, smallCity(), Options{})
	all := x.ids(t, Query{Text: "d", Limit: 100})
	var got []string
	for len(got) < len(all) {
		page := x.ids(t, Query{Text: "d", Limit: 2, Offset: len(got)})
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	if !slices.Equal(got, all) || len(all) < 3 {
		t.Errorf("%v in pages, %v at once", got, all)
	}
}

// TestHiddenIsNotFound: what a view does not see finds nothing and shows nowhere.
func TestHiddenIsNotFound(t *testing.T) {
	s := smallCity()
	x := running(t, s, Options{})
	for _, text := range []string{"zanzibarsecret", "zanzibar", "secretowner", "person"} {
		if got := x.ids(t, Query{Text: text}); len(got) > 0 {
			t.Errorf("the public finds %v by %q", got, text)
		}
		if got := x.ids(t, Query{Text: text, View: catalog.Everything}); len(got) != 1 {
			t.Errorf("the administrator finds %v by %q", got, text)
		}
	}
	if got := x.ids(t, Query{Text: "cooper zanzibarsecret"}); len(got) > 0 {
		hits, _ := x.Find(context.Background(), Query{Text: "cooper zanzibarsecret", View: catalog.Public, Limit: 5})
		other, _ := x.Find(context.Background(), Query{Text: "cooper zanzibarzzzzzz", View: catalog.Public, Limit: 5})
		if len(hits) != len(other) || hits[0].Score != other[0].Score {
			t.Errorf("a hidden word changes the answer: %+v, %+v", hits, other)
		}
	}
	hits, err := x.Find(context.Background(), Query{Text: "cooper", View: catalog.Public, Limit: 5})
	if err != nil || len(hits) != 1 || !hits[0].Props.Get("alt_name").IsNull() {
		t.Errorf("%+v %v", hits, err)
	}
	// A field that becomes restricted is not found any more.
	s.mu.Lock()
	c := s.collections[1]
	c.Fields = slices.Clone(c.Fields)
	s.mu.Unlock()
	for i := range c.Fields {
		if c.Fields[i].Name == "name" {
			c.Fields[i].Class = catalog.ClassRestricted
		}
	}
	s.define(c)
	waitFor(t, x, s)
	if got := x.ids(t, Query{Text: "cooper"}); len(got) > 0 {
		t.Errorf("found by what was hidden meanwhile: %v", got)
	}
	if got := x.ids(t, Query{Text: "cooper", View: catalog.Everything}); len(got) != 1 {
		t.Errorf("the administrator finds %v", got)
	}
}

func waitFor(t *testing.T, x *Index, s *source) {
	t.Helper()
	head, _ := s.Head(context.Background())
	for i := 0; x.Rev() < head; i++ {
		if i > 60_000 {
			t.Fatal("the search does not follow")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestFollows(t *testing.T) {
	s := smallCity()
	x := running(t, s, Options{})
	s.put("facilities", "new", geo.NewPoint(72.85, 19), "name", "Quixotic Library")
	waitFor(t, x, s)
	if got := x.ids(t, Query{Text: "quixotic"}); len(got) != 1 {
		t.Errorf("a new one: %v", got)
	}
	s.put("facilities", "new", geo.NewPoint(72.85, 19), "name", "Plain Library")
	waitFor(t, x, s)
	if got := x.ids(t, Query{Text: "quixotic"}); len(got) != 0 {
		t.Errorf("by its old name: %v", got)
	}
	s.remove("facilities", "new")
	waitFor(t, x, s)
	if got := x.ids(t, Query{Text: "plain library"}); len(got) != 0 {
		t.Errorf("a deleted one: %v", got)
	}
	for i := range 30 { // the road goes part by part
		if got := x.ids(t, Query{Text: "vivekanand"}); len(got) != 1 {
			t.Fatalf("with %d parts gone: %v", i, got)
		}
		s.remove("roads", fmt.Sprintf("sv-%02d", i))
		waitFor(t, x, s)
	}
	if got := x.ids(t, Query{Text: "vivekanand"}); len(got) != 0 {
		t.Errorf("a road without parts: %v", got)
	}
	s.define(catalog.Collection{Name: "murals", Geometry: catalog.GeometryPoint, Fields: texts("title")})
	s.put("murals", "m", geo.NewPoint(72.85, 19), "title", "Blue Elephant")
	waitFor(t, x, s)
	if got := x.ids(t, Query{Text: "elefant"}); len(got) != 1 {
		t.Errorf("in a new collection: %v", got)
	}
}

func TestSurvivesAnOutage(t *testing.T) {
	s := smallCity()
	s.away = 1
	x := running(t, s, Options{})
	s.mu.Lock()
	s.away = 2
	s.mu.Unlock()
	s.put("facilities", "new", geo.NewPoint(72.85, 19), "name", "Quixotic Library")
	if got := x.ids(t, Query{Text: "dadar"}); len(got) == 0 {
		t.Error("nothing is found while the store is away")
	}
	for i := 0; len(x.ids(t, Query{Text: "quixotic"})) == 0; i++ {
		if i > 60_000 {
			t.Fatal("the search does not follow any more")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestBounds(t *testing.T) {
	s := smallCity()
	x := running(t, s, Options{MaxPlaces: 3})
	if x.Left() == 0 {
		t.Error("nothing was left out")
	}
	if got := x.ids(t, Query{Text: strings.Repeat("dadar ", 400)}); len(got) > 3 {
		t.Errorf("%v", got)
	}
	if _, err := New(s, Options{}).Find(context.Background(), Query{Text: "x"}); !errors.Is(err, ErrNotReady) {
		t.Errorf("before Run: %v", err)
	}
}

// large is a city of many buildings, few of them named, and many named places.
func large(buildings, places int) *source {
	s := smallCity()
	first := []string{"Shanti", "Ganga", "Sai", "Om", "Laxmi", "Vijay", "Anand", "Krishna", "Sagar", "Surya"}
	second := []string{"Niwas", "Apartment", "Heights", "Sadan", "Kunj", "Vihar", "Tower", "Chambers", "Bhavan", "Society"}
	s.features["buildings"] = map[string]catalog.Feature{}
	for i := range buildings {
		id := fmt.Sprintf("b%07d", i)
		f := catalog.Feature{ID: id, Geometry: square(72.8+float64(i%1000)/5000, 19+float64(i/1000)/5000), Props: catalog.Properties{{Name: "uid", Value: catalog.Text("12345-67890")}}}
		if i%50 == 0 {
			f.Props = append(f.Props, catalog.Property{Name: "name", Value: catalog.Text(first[i/50%10] + " " + second[i/500%10] + " " + fmt.Sprint(i/50))})
		}
		s.features["buildings"][id] = f
	}
	for i := range places {
		id := fmt.Sprintf("p%07d", i)
		s.features["facilities"][id] = catalog.Feature{ID: id, Geometry: geo.NewPoint(72.85, 19.1), Props: catalog.Properties{
			{Name: "name", Value: catalog.Text(first[i%10] + " " + second[i/10%10] + " School " + fmt.Sprint(i))}, {Name: "name_mr", Value: catalog.Text("शांती शाळा")}, {Name: "category", Value: catalog.Text("school")}}}
	}
	return s
}

func BenchmarkRead100kBuildings(b *testing.B) {
	s := large(100_000, 2_000)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		x := New(s, Options{Dir: b.TempDir()})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		b.StartTimer()
		go func() { ended <- x.Run(ctx) }()
		for !x.Ready() {
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		cancel()
		<-ended
		b.StartTimer()
	}
}

func BenchmarkFind(b *testing.B) {
	x := running(b, large(100_000, 2_000), Options{})
	for _, text := range []string{"dadar", "d", "shanti niw", "hospitl parel", "घाटकोपर"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.Find(context.Background(), Query{Text: text, View: catalog.Public, Limit: 10}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
