package audit

import (
	"fmt"
	"strings"
	"testing"

	"nagar/geo"
)

func TestEntriesByPageAndFilter(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		for i := range 10 {
			e := read(fmt.Sprint("r", i), fmt.Sprint("b", i%3))
			if i%2 == 1 {
				e.Who.Account, e.Who.Name = "a2", "Bela"
			}
			l.must(t, e)
		}
		tile := read("tile")
		tile.Action, tile.Box, tile.Count = ReadTile, &geo.Box{W: 72, S: 18, E: 73, N: 19}, 7
		l.must(t, tile)
		plots := read("plot", "b1")
		plots.Collection = "plots"
		l.must(t, plots)
		start, end := l.all(t)[4].Time, l.all(t)[7].Time
		inside, outside := geo.Box{W: 72.5, S: 18.5, E: 72.6, N: 18.6}, geo.Box{W: 80, S: 18, E: 81, N: 19}
		for name, c := range map[string]struct {
			f    Filter
			want string
		}{
			"all":             {Filter{}, "plot tile r9 r8 r7 r6 r5 r4 r3 r2 r1 r0 "},
			"by account":      {Filter{Who: "a2"}, "r9 r7 r5 r3 r1"},
			"by name":         {Filter{Who: "Bela"}, "r9 r7 r5 r3 r1"},
			"by collection":   {Filter{Collection: "plots"}, "plot"},
			"by action":       {Filter{Action: ReadTile}, "tile"},
			"by its family":   {Filter{Action: Read, Who: "a1"}, "plot tile r8 r6 r4 r2 r0"},
			"no wildcard":     {Filter{Action: "%"}, ""},
			"no injection":    {Filter{Who: "x' or '1'='1"}, ""},
			"by time":         {Filter{From: start, To: end}, "r5 r4 r3"},
			"by feature":      {Filter{About: map[string][]Place{"buildings": {{ID: "b1", Box: outside}}}}, "r7 r4 r1"},
			"by where it is":  {Filter{About: map[string][]Place{"buildings": {{ID: "b1", Box: inside}}}}, "tile r7 r4 r1"},
			"without a place": {Filter{About: map[string][]Place{"buildings": {{ID: "b2", Box: geo.EmptyBox()}}, "plots": {{ID: "b1", Box: geo.EmptyBox()}}}}, "plot r8 r5 r2"},
		} {
			var got []string
			pages := 0
			for before := int64(0); ; pages++ {
				c.f.Before = before
				page, next, err := l.Entries(t.Context(), c.f, 2)
				if err != nil || len(page) > 2 {
					t.Fatalf("%s: %d entries, %v", name, len(page), err)
				}
				for _, e := range page {
					got = append(got, strings.Join(e.Requests, "+"))
				}
				if before = next; next == 0 {
					break
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s: %q, want %q", name, s, c.want)
			}
		}
	})
}

func TestBreachSaysWhoReadWhat(t *testing.T) {
	both(t, func(t *testing.T, p place) {
		l := p.open(t)
		l.must(t, read("r1", "b1", "b2"))
		l.must(t, read("r2", "b2", "b3"))
		other := read("r3", "b9")
		other.Who.Account = "a2"
		l.must(t, other)
		for i := range 3 {
			tile := read(fmt.Sprint("t", i))
			tile.Action, tile.Count = ReadTile, 5
			tile.Box = &geo.Box{W: 72, S: 18, E: 73 + float64(i), N: 19}
			l.must(t, tile)
		}
		write := read("w1", "b1")
		write.Action = Write
		l.must(t, write)
		b, err := l.Breach(t.Context(), Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if b.Entries != 6 || len(b.Readings) != 3 || strings.Join(b.Features["buildings"], " ") != "b1 b2 b3 b9" || b.Partial {
			t.Fatalf("%+v", b)
		}
		first, tiles := b.Readings[0], b.Readings[2]
		if first.Requests != 2 || first.Count != 4 || strings.Join(first.IDs, " ") != "b1 b2 b3" || first.Fields[0] != "owner" {
			t.Errorf("by id: %+v", first)
		}
		if tiles.Count != 15 || len(tiles.Boxes) != 1 || tiles.Boxes[0].E != 75 {
			t.Errorf("by tile: %+v", tiles)
		}
		if b, err = l.Breach(t.Context(), Filter{Who: "a2"}); err != nil || b.Entries != 1 {
			t.Errorf("of one actor: %+v, %v", b, err)
		}
	})
}
