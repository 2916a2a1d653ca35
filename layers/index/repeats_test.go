package index

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"nagar/catalog"
)

// TestRepeatsMissNone: a value that is there twice is always told; of those that
// are alone few are taken for such.
func TestRepeatsMissNone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 70, 5_000, 150_000} {
		for _, typ := range []catalog.FieldType{catalog.TypeText, catalog.TypeInteger} {
			b := newColumnBuilder(typ)
			b.plain, b.off = true, []uint32{0}
			seen, order := map[string]int{}, make([]int32, n)
			values := make([]string, n)
			for i := range n {
				order[i] = int32(i)
				v := r.IntN(4 * n)
				if r.IntN(10) == 0 {
					continue // null
				}
				values[i] = fmt.Sprint(v)
				seen[values[i]]++
				if typ == catalog.TypeText {
					b.set(i, catalog.Text(values[i]))
				} else {
					b.set(i, catalog.Integer(int64(v)))
				}
			}
			b.pad(n)
			c := b.build(order)
			repeats, alone, wrong := c.repeats(), 0, 0
			for i, v := range values {
				switch again := repeats[i>>6]>>(i&63)&1 != 0; {
				case v == "":
				case seen[v] > 1 && !again:
					t.Fatalf("%s of %d: %s is there %d times, and said to be alone", typ, n, v, seen[v])
				case seen[v] == 1:
					alone++
					if again {
						wrong++
					}
				}
			}
			if wrong*10 > alone+10 {
				t.Errorf("%s of %d: %d of %d that are alone are said to be there again", typ, n, wrong, alone)
			}
		}
	}
}
