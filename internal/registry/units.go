package registry

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
)

// maxUnits is the most units of one plan.
const maxUnits = 20_000

// floorNumber reads a floor: B2 is −2, B1 is −1, 00 the ground, 01 the first.
func floorNumber(s string) (int, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	below := strings.HasPrefix(s, "B")
	n, err := strconv.Atoi(strings.TrimPrefix(s, "B"))
	if err != nil || n < 0 || n > 300 || below && (n == 0 || n > 20) || strings.ContainsAny(s, "+-") {
		return 0, false
	}
	if below {
		return -n, true
	}
	return n, true
}

// FloorName writes a floor as it stands in a unit's id.
func FloorName(n int) string {
	if n < 0 {
		return fmt.Sprintf("B%d", -n)
	}
	return fmt.Sprintf("%02d", n)
}

// UnitID is the id of a unit: XXXXX-XXXXX/FLOOR-UNIT.
func UnitID(structure string, floor, unit int) string {
	return fmt.Sprintf("%s/%s-%04d", structure, FloorName(floor), unit)
}

// addUnits makes the units of a plan. Those that are there already get what the
// plan says of them, and keep the rest.
func (p *plan) addUnits(ctx context.Context) error {
	all, err := p.present(ctx)
	if err != nil {
		return err
	}
	l := all[0]
	if err := l.going("uid"); err != nil {
		return err
	}
	there, err := p.look(ctx, []string{l.uid}, catalog.At{}, catalog.Everything, Units)
	if err != nil {
		return err
	}
	b := &block{have: map[string]*row{}, planned: map[string]bool{}}
	for i := range there.rows[Units] {
		f := &there.rows[Units][i]
		b.have[f.ID] = f
		if n, err := strconv.Atoi(f.text("unit")); err == nil {
			b.top = max(b.top, n)
		}
	}
	for i := range p.cmd.Plan {
		if err := p.floors(l, &p.cmd.Plan[i], fmt.Sprintf("plan[%d]", i), b); err != nil {
			return err
		}
	}
	if len(b.planned) == 0 {
		return refuse("no_units", "plan", "it has no units")
	}
	p.hold(l)
	p.event.Kind = EventUnits
	return nil
}

// block is what a plan is laid over: the units there are, and those planned so far.
type block struct {
	have    map[string]*row
	planned map[string]bool
	top     int // the highest number of any of them
}

// maxWing is the longest name of a wing, bytes.
const maxWing = 40

func (p *plan) floors(l *life, f *Floors, path string, b *block) error {
	from, ok := floorNumber(f.From)
	if !ok {
		return refuse("floor", path+".from", "want a floor: B1 is the basement, 00 the ground, 01 the first; got %q", f.From)
	}
	to := from
	if f.To != "" {
		if to, ok = floorNumber(f.To); !ok || to < from {
			return refuse("floor_up", path+".to", "want a floor from %s up, got %q", f.From, f.To)
		}
	}
	f.Wing = strings.TrimSpace(f.Wing)
	if len(f.Wing) > maxWing {
		return refuse("wing", path+".wing", "a wing's name has at most %d bytes", maxWing)
	}
	if f.Units < 1 || f.Units > 9_999 || f.First+f.Units > 10_000 || len(b.planned)+f.Units*(to-from+1) > maxUnits || f.First < 0 || f.Area < 0 {
		return refuse("unit_count", path+".units", "want 1 to 9999 units a floor, and at most %d in a plan", maxUnits)
	}
	for floor := from; floor <= to; floor++ {
		numbers, err := f.numbers(l, floor, path, b)
		if err != nil {
			return err
		}
		for _, n := range numbers {
			id := UnitID(l.uid, floor, n)
			if b.planned[id] {
				return refuse("unit_twice", path, "unit %s is there twice", id)
			}
			b.planned[id], b.top = true, max(b.top, n)
			p.unit(l, f, id, floor, n, b.have[id])
		}
	}
	return nil
}

// numbers are those of the units on one floor. Those of a wing that says no first
// are the wing's own where it has some, and then the ones behind all others.
func (f *Floors) numbers(l *life, floor int, path string, b *block) ([]int, error) {
	var out []int
	if f.Wing == "" || f.First > 0 {
		for n := max(f.First, 1); len(out) < f.Units; n++ {
			out = append(out, n)
		}
		return out, nil
	}
	last := 0
	for n := 1; n <= b.top; n++ {
		id := UnitID(l.uid, floor, n)
		old := b.have[id]
		if old != nil || b.planned[id] {
			last = n
		}
		if old != nil && !b.planned[id] && old.text("wing") == f.Wing && len(out) < f.Units {
			out = append(out, n)
		}
	}
	for n := last + 1; len(out) < f.Units; n++ {
		if n > 9_999 {
			return nil, refuse("unit_count", path+".units", "want 1 to 9999 units a floor, and at most %d in a plan", maxUnits)
		}
		out = append(out, n)
	}
	return out, nil
}

// unit plans one unit, over what is known of it.
func (p *plan) unit(l *life, f *Floors, id string, floor, number int, known *row) {
	u := catalog.Feature{ID: id, ValidFrom: p.at}
	var old *catalog.Feature
	if known != nil {
		old = &known.Feature
		u = known.Feature
		u.ValidFrom = time.Time{}
	}
	texts := [...][2]string{{"uid", l.uid}, {"floor", FloorName(floor)}, {"unit", fmt.Sprintf("%04d", number)}, {"wing", f.Wing}, {"use", f.Use}, {"ward", l.ward}}
	for _, v := range texts {
		if v[1] != "" {
			u.Props = with(u.Props, v[0], catalog.Text(v[1]))
		}
	}
	if f.Area > 0 {
		u.Props = with(u.Props, "area_m2", catalog.Real(f.Area))
	}
	p.put(Units, u, old)
}
