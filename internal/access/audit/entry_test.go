package audit

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"nagar/geo"
	"nagar/internal/access"
)

func sample() Entry {
	return Entry{
		Action: Read,
		Who: Actor{
			Kind: access.Account, Account: "a1", Name: "Asha", Roles: []string{"officer", "public"}, Department: "Estates",
			Purpose: "tax", Session: "s1", Address: "192.0.2.7",
		},
		Collection: "buildings", Fields: []string{"owner"}, IDs: []string{"b1", "b2"}, Count: 2,
		Box: &geo.Box{W: 72.5, S: 18.5, E: 73, N: 19}, Requests: []string{"r1"}, Detail: "d",
	}
}

// TestEncodingIsTheDocumentedOne holds the bytes that the package's doc describes:
// a log must be verifiable by somebody else's program.
func TestEncodingIsTheDocumentedOne(t *testing.T) {
	e := sample()
	var prev Hash
	prev[0] = 0xab
	body := e.seal(258, time.UnixMicro(1_000_000), prev)
	text := func(s string) string { return fmt.Sprintf("%08x", len(s)) + hex.EncodeToString([]byte(s)) }
	list := func(s ...string) string {
		out := fmt.Sprintf("%08x", len(s))
		for _, v := range s {
			out += text(v)
		}
		return out
	}
	want := "01" + "0000000000000102" + "00000000000f4240" + "ab" + strings.Repeat("00", 31) +
		text("read") + text("account") + text("a1") + text("Asha") + text("Estates") + text("tax") + text("s1") +
		text("192.0.2.7") + text("buildings") + text("d") +
		list("officer", "public") + list("owner") + list("b1", "b2") + list("r1") +
		"0000000000000002" + "01" +
		"4052200000000000" + "4032800000000000" + "4052400000000000" + "4033000000000000"
	if got := hex.EncodeToString(body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err := parse(body)
	if err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("read back %+v, %v\nwant %+v", got, err, e)
	}
}

func FuzzParse(f *testing.F) {
	e := sample()
	f.Add(e.seal(1, time.UnixMicro(5), Hash{}))
	e.Box = nil
	f.Add(e.seal(2, time.UnixMicro(6), Hash{1}))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parse(body)
		if err == nil && !bytes.Equal(e.appendBody(nil), body) {
			t.Errorf("%x reads as %+v, which is written as %x", body, e, e.appendBody(nil))
		}
	})
}

func TestAbsorb(t *testing.T) {
	many := func(n int, prefix string) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("%s%03d", prefix, i))
		}
		return out
	}
	for name, c := range map[string]struct {
		change func(e *Entry)
		want   bool
	}{
		"the same again":           {func(*Entry) {}, true},
		"other features":           {func(e *Entry) { e.IDs = []string{"b3"} }, true},
		"too many features":        {func(e *Entry) { e.IDs = many(99, "x") }, false},
		"too many requests":        {func(e *Entry) { e.Requests = many(100, "r") }, false},
		"a neighbouring box":       {func(e *Entry) { e.Box = &geo.Box{W: 73, S: 18.5, E: 73.5, N: 19} }, true},
		"a box far away":           {func(e *Entry) { e.Box = &geo.Box{W: 77, S: 28, E: 77.5, N: 28.5} }, false},
		"no box":                   {func(e *Entry) { e.Box = nil }, false},
		"another purpose":          {func(e *Entry) { e.Who.Purpose = "works" }, false},
		"another session":          {func(e *Entry) { e.Who.Session = "s2" }, false},
		"other roles":              {func(e *Entry) { e.Who.Roles = []string{"public"} }, false},
		"another collection":       {func(e *Entry) { e.Collection = "plots" }, false},
		"other fields":             {func(e *Entry) { e.Fields = []string{"phone"} }, false},
		"another action":           {func(e *Entry) { e.Action = ReadTile }, false},
		"a change, told by itself": {func(e *Entry) { e.Action = Write }, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := sample(), sample()
			if name == "a change, told by itself" {
				a.Action = Write
			}
			b.Requests = []string{"r2"}
			c.change(&b)
			before := a
			if got := a.absorb(&b); got != c.want {
				t.Fatalf("absorb: %v, want %v", got, c.want)
			}
			if !c.want {
				if !reflect.DeepEqual(a, before) {
					t.Errorf("a refused entry changed %+v to %+v", before, a)
				}
				return
			}
			for _, id := range b.IDs {
				if !strings.Contains(strings.Join(a.IDs, " "), id) {
					t.Errorf("id %s is lost: %v", id, a.IDs)
				}
			}
			if a.Count != 4 || len(a.Requests) != 2 || b.Box != nil && !a.Box.ContainsBox(*b.Box) {
				t.Errorf("merged: %+v", a)
			}
		})
	}
}

func TestParseHead(t *testing.T) {
	h := Head{Seq: 12, Hash: Hash{1, 2, 3}}
	if got, err := ParseHead(h.String() + "\n"); err != nil || got != h {
		t.Errorf("%s reads as %v, %v", h, got, err)
	}
	for _, bad := range []string{"", "12", "12:", "-1:" + h.Hash.String(), "x:" + h.Hash.String(), "12:" + h.Hash.String()[2:], h.String() + "00"} {
		if got, err := ParseHead(bad); err == nil {
			t.Errorf("%q reads as %v", bad, got)
		}
	}
}

func TestKeptHeadOnlyMovesForward(t *testing.T) {
	folder := t.TempDir()
	for _, seq := range []int64{3, 10, 7} {
		if err := keepHead(folder, Head{Seq: seq, Hash: Hash{byte(seq)}}); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := keptHead(folder); err != nil || h != (Head{10, Hash{10}}) {
		t.Errorf("kept %v, %v; want 10", h, err)
	}
}

func TestCitizensAreNotNamed(t *testing.T) {
	a := ActorOf(access.Principal{Kind: access.Citizen, ID: "c1", Name: "+919812345678", Contact: "+919812345678"}, "192.0.2.7")
	if a.Account != "c1" || strings.Contains(fmt.Sprintf("%+v", a), "9812345678") {
		t.Errorf("a citizen is kept as %+v", a)
	}
}
