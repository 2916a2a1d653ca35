package demo

import (
	"fmt"
	"math/bits"

	"nagar/catalog"
	"nagar/catalog/uid"
)

// uids gives each building its UID: a bijection of 45 bits keyed by the seed, so
// that no two are the same however many are made.
type uids struct{ seed uint64 }

const uidMask = 1<<45 - 1

func (u uids) at(i uint64) uid.UID {
	k := mix(u.seed ^ 0x7d0)
	x := (i + k) & uidMask
	for round := range 4 { // odd factors and xor-shifts are invertible modulo 2^45
		x = x * (0x9e3779b97f4a7c15 ^ bits.RotateLeft64(k, 11*round)<<1 | 1) & uidMask
		x ^= x >> 23
	}
	return uid.FromBits(x)
}

// uidSource gives the buildings their UIDs one after the other.
type uidSource struct {
	uids
	used uint64
}

func (u *uidSource) next() uid.UID {
	for {
		id := u.at(u.used)
		u.used++
		if !id.Reserved() {
			return id
		}
	}
}

func (g *generator) buildings() error {
	w := builder{plan: g.plan, dense: g.dense}
	ids := &uidSource{uids: uids{g.Seed}}
	every := max(1, g.Buildings/60_000) // sites for facilities: a sample of bounded size
	known := g.register()
	n := 0
	var failed error
	for i := range g.blocks[:g.used] {
		if i%64 == 0 {
			if err := g.ctx.Err(); err != nil {
				return err
			}
		}
		w.build(&g.blocks[i], func(b *building) bool {
			id := ids.next()
			if n%every == 0 {
				g.sites = append(g.sites, site{b.middle(), id, b.block.ward, b.block.kind, b.use})
			}
			if known(n) {
				g.addHouse(id, b)
			}
			n++
			failed = g.yield("buildings", g.feature(n, id, b))
			return failed == nil && n < g.Buildings
		})
		if failed != nil {
			return failed
		}
	}
	if n != g.Buildings {
		return fmt.Errorf("built %d of %d buildings", n, g.Buildings)
	}
	return nil
}

func (g *generator) feature(n int, id uid.UID, b *building) *catalog.Feature {
	props := make(catalog.Properties, 0, 9)
	props = append(props,
		text("uid", id.String()), amount("height_m", b.height), amount("ground_m", g.level(b.rings[0][0])),
		number("floors", b.floors), text("use", b.use), text("ward", b.block.ward), number("year", b.year), text("roof", b.roof))
	if b.name != "" {
		props = append(props, text("name", b.name))
	}
	return &catalog.Feature{ID: fmt.Sprintf("demo-b-%06d", n), Geometry: g.geometry(b.rings...), Props: props}
}
