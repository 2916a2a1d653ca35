package reading

import "strings"

// scale turns a value of a unit into one of the unit that the same quantity is kept in.
type scale struct {
	quantity       string
	factor, offset float64
}

// units are the codes of UCUM and SenML (RFC 8428, section 12.1), and what instruments
// write, for the quantities that a city measures.
var units = map[string]scale{
	"Cel": {"temperature", 1, 0}, "degC": {"temperature", 1, 0}, "°C": {"temperature", 1, 0}, "C": {"temperature", 1, 0},
	"K": {"temperature", 1, -273.15}, "[degF]": {"temperature", 5. / 9, -160. / 9}, "degF": {"temperature", 5. / 9, -160. / 9}, "°F": {"temperature", 5. / 9, -160. / 9},
	"m": {"length", 1, 0}, "mm": {"length", 1e-3, 0}, "cm": {"length", 1e-2, 0}, "km": {"length", 1e3, 0}, "[in_i]": {"length", .0254, 0}, "in": {"length", .0254, 0}, "[ft_i]": {"length", .3048, 0}, "ft": {"length", .3048, 0},
	"m/s": {"speed", 1, 0}, "km/h": {"speed", 1 / 3.6, 0}, "[mi_i]/h": {"speed", .44704, 0}, "mph": {"speed", .44704, 0}, "[kn_i]": {"speed", 1852. / 3600, 0}, "kn": {"speed", 1852. / 3600, 0},
	"Pa": {"pressure", 1, 0}, "hPa": {"pressure", 100, 0}, "mbar": {"pressure", 100, 0}, "kPa": {"pressure", 1e3, 0}, "bar": {"pressure", 1e5, 0},
	"%": {"share", .01, 0}, "%RH": {"share", .01, 0}, "/": {"share", 1, 0}, "1": {"share", 1, 0},
	"ug/m3": {"concentration", 1, 0}, "µg/m3": {"concentration", 1, 0}, "µg/m³": {"concentration", 1, 0}, "mg/m3": {"concentration", 1e3, 0},
	"mg/l": {"solution", 1, 0}, "mg/L": {"solution", 1, 0}, "ug/l": {"solution", 1e-3, 0},
	"m3/s": {"flow", 1, 0}, "l/s": {"flow", 1e-3, 0}, "L/s": {"flow", 1e-3, 0}, "m3/h": {"flow", 1. / 3600, 0},
	"W": {"power", 1, 0}, "kW": {"power", 1e3, 0}, "kWh": {"energy", 3.6e6, 0}, "J": {"energy", 1, 0}, "Wh": {"energy", 3600, 0},
	"s": {"time", 1, 0}, "ms": {"time", 1e-3, 0}, "min": {"time", 60, 0}, "h": {"time", 3600, 0},
	"deg": {"angle", 1, 0}, "rad": {"angle", 57.29577951308232, 0},
}

// Convert turns a value into another unit; false when there is no way that we know.
// Units that are spelled alike are the same.
func Convert(v float64, from, to string) (float64, bool) {
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	if from == "" || from == to {
		return v, true
	}
	a, ok := units[from]
	b, known := units[to]
	if !ok || !known || a.quantity != b.quantity {
		return v, false
	}
	return (v*a.factor + a.offset - b.offset) / b.factor, true
}
