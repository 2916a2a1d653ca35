package search

import (
	"context"
	"testing"
	"time"

	"nagar/catalog"
)

// TestWithoutNamesNothingIsRead: a collection of which the index says that none has
// a name is not read; what got a name since that revision is found all the same.
func TestWithoutNamesNothingIsRead(t *testing.T) {
	sheds := catalog.Collection{Name: "sheds", Geometry: catalog.GeometryAny, Fields: texts("name", "ward"), Rev: 1}
	shops := catalog.Collection{Name: "shops", Geometry: catalog.GeometryAny, Fields: texts("name"), Rev: 1}
	s := newSource(sheds, shops)
	s.put("sheds", "a", square(72.85, 19.05), "ward", "F/N")
	s.put("shops", "b", square(72.85, 19.05), "name", "Asha Stores")
	s.put("sheds", "c", square(72.86, 19.05), "name", "Old Godown") // the index has not seen it yet
	x := running(t, s, Options{Some: func(collection string, fields []string) (bool, catalog.Rev) {
		if len(fields) != 1 || fields[0] != "name" {
			t.Errorf("asked about %v of %s", fields, collection)
		}
		return collection == "shops", 2
	}})
	if got := x.ids(t, Query{Text: "asha"}); len(got) != 1 {
		t.Errorf("the shop: %v", got)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if got, err := x.Find(context.Background(), Query{Text: "godown", View: catalog.Public, Limit: 5}); err != nil {
			t.Fatal(err)
		} else if len(got) == 1 && got[0].ID == "c" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("what was named since is not found")
		}
	}
	if x.Rev() != 3 {
		t.Errorf("revision %d", x.Rev())
	}
}
