package registry

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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
	have := map[string]*row{}
	for i := range there.rows[Units] {
		f := &there.rows[Units][i]
		have[f.ID] = f
	}
	planned := map[string]bool{}
	for i := range p.cmd.Plan {
		if err := p.floors(l, &p.cmd.Plan[i], fmt.Sprintf("plan[%d]", i), have, planned); err != nil {
			return err
		}
	}
	if len(planned) == 0 {
		return refuse("no_units", "plan", "it has no units")
	}
	p.hold(l)
	p.event.Kind = EventUnits
	return nil
}

func (p *plan) floors(l *life, f *Floors, path string, have map[string]*row, planned map[string]bool) error {
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
	first := max(f.First, 1)
	if f.Units < 1 || first+f.Units > 10_000 || len(planned)+f.Units*(to-from+1) > maxUnits || f.First < 0 || f.Area < 0 {
		return refuse("unit_count", path+".units", "want 1 to 9999 units a floor, and at most %d in a plan", maxUnits)
	}
	for floor := from; floor <= to; floor++ {
		for n := first; n < first+f.Units; n++ {
			id := UnitID(l.uid, floor, n)
			if planned[id] {
				return refuse("unit_twice", path, "unit %s is there twice", id)
			}
			planned[id] = true
			u := catalog.Feature{ID: id, ValidFrom: p.at}
			var old *catalog.Feature
			if x := have[id]; x != nil {
				old = &x.Feature
				u = x.Feature
				u.ValidFrom = catalog.Feature{}.ValidFrom
			}
			for name, v := range map[string]catalog.Value{"uid": catalog.Text(l.uid), "floor": catalog.Text(FloorName(floor)), "unit": catalog.Text(fmt.Sprintf("%04d", n))} {
				u.Props = with(u.Props, name, v)
			}
			if f.Use != "" {
				u.Props = with(u.Props, "use", catalog.Text(f.Use))
			}
			if f.Area > 0 {
				u.Props = with(u.Props, "area_m2", catalog.Real(f.Area))
			}
			if l.ward != "" {
				u.Props = with(u.Props, "ward", catalog.Text(l.ward))
			}
			p.put(Units, u, old)
		}
	}
	return nil
}
