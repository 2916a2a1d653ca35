package finding

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"nagar/catalog"
	"nagar/geo"
	"nagar/internal/registry"
)

// day is a calendar day: days since 1970-01-01.
type day int64

func dayOf(t time.Time, zone *time.Location) day {
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := t.In(zone).Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func (d day) value() catalog.Value { return catalog.Date(time.Unix(int64(d)*86400, 0).UTC()) }

// dayIn is the day of a date or an instant.
func dayIn(v catalog.Value, zone *time.Location) (day, bool) {
	switch v.Type() {
	case catalog.TypeDate:
		return day(v.AsTime().Unix() / 86400), true
	case catalog.TypeTime:
		return dayOf(v.AsTime(), zone), true
	}
	return 0, false
}

// unit is a structure with all that the rules read of it.
type unit struct {
	uid    string
	own    *catalog.Feature // its row in the register; nil: none
	prints []catalog.Feature
	rows   map[string][]catalog.Feature // by collection, by id
	since  time.Time                    // when its first footprint is from; zero: not known

	area  float64
	areas bool // area is worked out
}

func (u *unit) known() bool { return u.own != nil || len(u.prints) > 0 }

func (u *unit) status() string {
	switch {
	case u.own != nil && u.own.Props.Get("status").Str() != "":
		return u.own.Props.Get("status").Str()
	case len(u.prints) > 0:
		return registry.InUse
	}
	return ""
}

// ended reports whether the structure is no more: nothing is found about it then.
func (u *unit) ended() bool { return registry.Ended(u.status()) }

func (u *unit) footprint() float64 {
	if !u.areas {
		for i := range u.prints {
			u.area += geo.Area(&u.prints[i].Geometry)
		}
		u.areas = true
	}
	return u.area
}

// value is one of the structure's own values.
func (u *unit) value(name string, today day, zone *time.Location) catalog.Value {
	switch name {
	case colToday:
		return today.value()
	case colKnown:
		return catalog.Boolean(u.known())
	case colRegistered:
		return catalog.Boolean(u.own != nil)
	case colFootprints:
		return catalog.Integer(int64(len(u.prints)))
	case "uid":
		return catalog.Text(u.uid)
	case "status":
		if s := u.status(); s != "" {
			return catalog.Text(s)
		}
		return catalog.Null
	case colSince:
		if u.since.IsZero() {
			return catalog.Null
		}
		return dayOf(u.since, zone).value()
	case colFootprint:
		if len(u.prints) == 0 {
			return catalog.Null
		}
		return catalog.Real(u.footprint())
	case colBuilt:
		return u.built()
	}
	v, _ := u.field(name)
	return v
}

// built is the area of all floors; null where floors are not known of a footprint.
func (u *unit) built() catalog.Value {
	sum := 0.0
	for i := range u.prints {
		floors := u.prints[i].Props.Get("floors")
		if floors.IsNull() {
			return catalog.Null
		}
		sum += geo.Area(&u.prints[i].Geometry) * floors.Float()
	}
	if len(u.prints) == 0 {
		return catalog.Null
	}
	return catalog.Real(sum)
}

// field is a field of the register's row, or else of the footprints: of a number
// the greatest, of anything else the first; and where it is from.
func (u *unit) field(name string) (catalog.Value, *catalog.Feature) {
	if u.own != nil {
		if v := u.own.Props.Get(name); !v.IsNull() {
			return v, u.own
		}
	}
	best, from := catalog.Null, (*catalog.Feature)(nil)
	for i := range u.prints {
		v := u.prints[i].Props.Get(name)
		number := v.Type() == catalog.TypeInteger || v.Type() == catalog.TypeReal
		if !v.IsNull() && (best.IsNull() || number && v.Float() > best.Float()) {
			best, from = v, &u.prints[i]
		}
	}
	return best, from
}

// place is a position on the structure: the middle of its largest footprint's box.
func (u *unit) place() geo.Geometry {
	best, size := geo.Geometry{}, -1.0
	for i := range u.prints {
		if a := geo.Area(&u.prints[i].Geometry); a > size {
			best, size = middle(&u.prints[i].Geometry), a
		}
	}
	if best.Type == geo.None && u.own != nil {
		best = middle(&u.own.Geometry)
	}
	return best
}

func middle(g *geo.Geometry) geo.Geometry {
	b := g.Box()
	if g.Type == geo.None || b.IsEmpty() {
		return geo.Geometry{}
	}
	round := func(x float64) float64 { return math.Round(x*1e7) / 1e7 }
	return geo.NewPoint(round((b.W+b.E)/2), round((b.S+b.N)/2))
}

// compareValues orders values of one type.
func compareValues(a, b catalog.Value) int {
	switch a.Type() {
	case catalog.TypeInteger, catalog.TypeBoolean:
		return cmp.Compare(a.Int(), b.Int())
	case catalog.TypeReal:
		return cmp.Compare(a.Float(), b.Float())
	case catalog.TypeDate, catalog.TypeTime:
		return a.AsTime().Compare(b.AsTime())
	}
	return strings.Compare(a.Str(), b.Str())
}

// over is the value of a call over records.
func over(fn, field string, rows []*catalog.Feature) catalog.Value {
	if fn == "count" && field == "" {
		return catalog.Integer(int64(len(rows)))
	}
	var all []catalog.Value
	for _, f := range rows {
		if v := f.Props.Get(field); !v.IsNull() {
			all = append(all, v)
		}
	}
	switch fn {
	case "count":
		return catalog.Integer(int64(len(all)))
	case "distinct":
		slices.SortFunc(all, compareValues)
		return catalog.Integer(int64(len(slices.Compact(all))))
	}
	if len(all) == 0 {
		return catalog.Null
	}
	switch fn {
	case "sum":
		sum := 0.0
		for _, v := range all {
			sum += v.Float()
		}
		return catalog.Real(sum)
	case "min":
		return slices.MinFunc(all, compareValues)
	case "max":
		return slices.MaxFunc(all, compareValues)
	}
	return all[0] // first
}

// folded is a value as records are grouped by it: case and spaces do not count.
func folded(v catalog.Value) string {
	return strings.Join(strings.Fields(strings.ToLower(v.String())), " ")
}

// written is a value as it stands in a summary.
func written(v catalog.Value) string {
	switch v.Type() {
	case "":
		return "–"
	case catalog.TypeReal:
		if math.Abs(v.Float()) >= 100 {
			return strconv.FormatFloat(v.Float(), 'f', 0, 64)
		}
		return strconv.FormatFloat(math.Round(v.Float()*10)/10, 'f', -1, 64)
	}
	return strings.Trim(v.String(), `"`)
}
